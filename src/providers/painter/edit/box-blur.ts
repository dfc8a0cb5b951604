import type { Size } from './picture.ts';

/** The mean over a square around each pixel, which ends at the edges. */
export function boxBlur(field: Float32Array, size: Size, radius: number): Float32Array {
  const { width, height } = size;
  const rows = new Float32Array(field.length);
  for (let row = 0; row < height; row += 1) {
    slide(field, rows, { first: row * width, step: 1, length: width, radius });
  }
  const blurred = new Float32Array(field.length);
  for (let column = 0; column < width; column += 1) {
    slide(rows, blurred, { first: column, step: width, length: height, radius });
  }
  return blurred;
}

function slide(
  from: Float32Array,
  to: Float32Array,
  line: { readonly first: number; readonly step: number; readonly length: number; radius: number },
): void {
  const { first, step, length, radius } = line;
  let sum = 0;
  for (let place = 0; place < Math.min(radius, length); place += 1) {
    sum += from[first + place * step] ?? 0;
  }
  for (let place = 0; place < length; place += 1) {
    if (place + radius < length) sum += from[first + (place + radius) * step] ?? 0;
    if (place - radius - 1 >= 0) sum -= from[first + (place - radius - 1) * step] ?? 0;
    const counted = Math.min(length - 1, place + radius) - Math.max(0, place - radius) + 1;
    to[first + place * step] = sum / counted;
  }
}

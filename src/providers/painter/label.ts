import { LETTER_HEIGHT, LETTER_STEP, lettering, textWidth } from './letters.ts';

const PADDING = 4;
const LINE_GAP = 3;

/**
 * SVG of the chip that marks a test picture: TEST and, under it, the model's id, in the lower
 * left corner. A letter is about a seventieth of the short edge high, and the chip is scaled down
 * (then cut) so that it never leaves the picture. Sizes are in pixels.
 */
export function labelChip(text: string, size: { width: number; height: number }): string {
  const { width, height } = size;
  const wanted = Math.max(1, (Math.min(width, height) * 0.014) / LETTER_HEIGHT);
  const margin = wanted * PADDING;
  const room = width - 2 * margin;
  const characters = text.toUpperCase().replace(/[^A-Z0-9\-./: ]/g, '-');
  const longest = Math.max(4, Math.floor(room / 0.8 / LETTER_STEP));
  const second = characters.slice(0, Math.min(longest, 64));
  const chipWidth = Math.max(textWidth('TEST'), textWidth(second)) + 2 * PADDING;
  const lines = second === '' ? 1 : 2;
  const chipHeight = lines * LETTER_HEIGHT + (lines - 1) * LINE_GAP + 2 * PADDING;
  const scale = Math.min(wanted, room / chipWidth, (height - 2 * margin) / chipHeight);
  const top = height - margin - chipHeight * scale;
  const position = `translate(${margin.toFixed(2)} ${top.toFixed(2)}) scale(${scale.toFixed(4)})`;
  const strokes = `fill="none" stroke="#fff" stroke-linecap="round" stroke-linejoin="round"`;
  return (
    `<g transform="${position}">` +
    `<rect width="${chipWidth}" height="${chipHeight}" rx="3" fill="#101418"` +
    ` fill-opacity=".62" stroke="#fff" stroke-opacity=".35" stroke-width=".5"/>` +
    `<g ${strokes} stroke-width="1.1" transform="translate(${PADDING} ${PADDING})">` +
    `${lettering('TEST')}</g>` +
    `<g ${strokes} stroke-width=".8" stroke-opacity=".92"` +
    ` transform="translate(${PADDING} ${PADDING + LETTER_HEIGHT + LINE_GAP})">` +
    `${lettering(second)}</g></g>`
  );
}

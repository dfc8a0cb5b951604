import type { Hex } from './colour.ts';

/** A fill or stroke: a colour, `none`, or a reference to a gradient. */
export type Ink = Hex | 'none' | `url(#${string})`;

/** Further attributes, written as they are: values come from this folder, never from a prompt. */
export type Attributes = Readonly<Record<string, string | number>>;

export function path(shape: string, fill: Ink, more: Attributes = {}): string {
  return `<path d="${shape}" fill="${fill}"${fillAttributes(more)}/>`;
}

/** An open line with round ends. */
export function line(shape: string, stroke: Ink, width: number, more: Attributes = {}): string {
  return (
    `<path d="${shape}" fill="none" stroke="${stroke}" stroke-width="${round(width)}"` +
    ` stroke-linecap="round" stroke-linejoin="round"${attributes(more, 'stroke-opacity')}/>`
  );
}

export function circle(x: number, y: number, radius: number, fill: Ink, more: Attributes = {}) {
  return (
    `<circle cx="${round(x)}" cy="${round(y)}" r="${round(radius)}"` +
    ` fill="${fill}"${fillAttributes(more)}/>`
  );
}

/** Centre, then radii. */
export function ellipse(
  place: readonly [x: number, y: number, radiusX: number, radiusY: number],
  fill: Ink,
  more: Attributes = {},
): string {
  const [x, y, radiusX, radiusY] = place;
  return (
    `<ellipse cx="${round(x)}" cy="${round(y)}" rx="${round(radiusX)}" ry="${round(radiusY)}"` +
    ` fill="${fill}"${fillAttributes(more)}/>`
  );
}

/** Left, top, width, height, and the radius of the corners. */
export function box(
  place: readonly [x: number, y: number, width: number, height: number, corner?: number],
  fill: Ink,
  more: Attributes = {},
): string {
  const [x, y, width, height, corner] = place;
  const rounded = corner === undefined ? '' : ` rx="${round(corner)}"`;
  return (
    `<rect x="${round(x)}" y="${round(y)}" width="${round(width)}" height="${round(height)}"` +
    `${rounded} fill="${fill}"${fillAttributes(more)}/>`
  );
}

export function group(body: string, more: Attributes): string {
  return `<g${attributes(more)}>${body}</g>`;
}

/** A disc as path data, so that many of one colour can be one element. */
export function disc(x: number, y: number, radius: number): string {
  const r = round(radius);
  const wide = round(radius * 2);
  return `M${round(x - radius)} ${round(y)}a${r} ${r} 0 1 0 ${wide} 0a${r} ${r} 0 1 0 ${-wide} 0Z`;
}

/** A closed outline through the points. */
export function outline(points: readonly (readonly [number, number])[]): string {
  return `M${points.map(([x, y]) => `${round(x)} ${round(y)}`).join('L')}Z`;
}

/** One decimal is a tenth of a thousandth of the short edge: finer than a pixel. */
export function round(value: number): number {
  return Math.round(value * 10) / 10;
}

function attributes(more: Attributes, opacity = 'opacity'): string {
  let text = '';
  for (const [name, value] of Object.entries(more)) {
    const attribute = name === 'opacity' ? opacity : name;
    const written = typeof value === 'number' ? Math.round(value * 1000) / 1000 : value;
    text += ` ${attribute}="${written}"`;
  }
  return text;
}

/**
 * The opacity of one filled shape is that of its fill: it looks the same, and librsvg needs no
 * layer of the picture's size for it, which at sixteen megapixels took seconds.
 */
function fillAttributes(more: Attributes): string {
  return attributes(more, 'stroke' in more ? 'opacity' : 'fill-opacity');
}

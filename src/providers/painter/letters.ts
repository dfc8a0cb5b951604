/**
 * A stroke alphabet on a grid 4 wide and 6 high, so that labels need no font: a bare server has
 * none. Each letter is SVG path data; its strokes are meant to be drawn with round ends.
 */
const STROKES: Readonly<Record<string, string>> = {
  A: 'M0 6L2 0L4 6M.7 4H3.3',
  B: 'M0 0V6H2.6Q4 6 4 4.5Q4 3 2.6 3H0M0 0H2.4Q3.7 0 3.7 1.5Q3.7 3 2.4 3',
  C: 'M4 1Q3.3 0 2.2 0Q0 0 0 3Q0 6 2.2 6Q3.3 6 4 5',
  D: 'M0 0V6H1.8Q4 6 4 3Q4 0 1.8 0Z',
  E: 'M4 0H0V6H4M0 3H3',
  F: 'M4 0H0V6M0 3H3',
  G: 'M4 1Q3.3 0 2.2 0Q0 0 0 3Q0 6 2.2 6Q4 6 4 4.4V3.4H2.4',
  H: 'M0 0V6M4 0V6M0 3H4',
  I: 'M2 0V6M1 0H3M1 6H3',
  J: 'M4 0V4.2Q4 6 2.1 6Q.4 6 0 4.6',
  K: 'M0 0V6M4 0L0 3.6M1.4 2.4L4 6',
  L: 'M0 0V6H4',
  M: 'M0 6V0L2 3.4L4 0V6',
  N: 'M0 6V0L4 6V0',
  O: 'M2 0Q0 0 0 3Q0 6 2 6Q4 6 4 3Q4 0 2 0Z',
  P: 'M0 6V0H2.5Q4 0 4 1.7Q4 3.4 2.5 3.4H0',
  Q: 'M2 0Q0 0 0 3Q0 6 2 6Q4 6 4 3Q4 0 2 0ZM2.6 4.4L4 6.2',
  R: 'M0 6V0H2.5Q4 0 4 1.7Q4 3.4 2.5 3.4H0M2 3.4L4 6',
  S: 'M3.8 1Q3.2 0 2 0Q.2 0 .2 1.5Q.2 2.7 2 3Q4 3.3 4 4.6Q4 6 2 6Q.6 6 0 5',
  T: 'M0 0H4M2 0V6',
  U: 'M0 0V4Q0 6 2 6Q4 6 4 4V0',
  V: 'M0 0L2 6L4 0',
  W: 'M0 0L.9 6L2 2.4L3.1 6L4 0',
  X: 'M0 0L4 6M4 0L0 6',
  Y: 'M0 0L2 3L4 0M2 3V6',
  Z: 'M0 0H4L0 6H4',
  '0': 'M2 0Q0 0 0 3Q0 6 2 6Q4 6 4 3Q4 0 2 0ZM3.2 1.4L.8 4.6',
  '1': 'M.8 1.2L2.2 0V6M.8 6H3.6',
  '2': 'M.2 1.4Q.4 0 2 0Q3.8 0 3.8 1.6Q3.8 2.8 2.4 3.9L0 6H4',
  '3': 'M.3 1Q.8 0 2 0Q3.7 0 3.7 1.5Q3.7 2.9 1.7 2.9Q4 2.9 4 4.5Q4 6 2 6Q.5 6 0 4.9',
  '4': 'M3 6V0L0 4.2H4',
  '5': 'M3.8 0H.6L.3 2.7Q1 2.2 2 2.2Q4 2.2 4 4.1Q4 6 2 6Q.6 6 0 5',
  '6': 'M3.5 .6Q3 0 2.2 0Q0 0 0 3.6Q0 6 2 6Q4 6 4 4.2Q4 2.5 2.2 2.5Q.4 2.5 0 4',
  '7': 'M0 0H4L1.5 6',
  '8':
    'M2 2.9Q.3 2.9 .3 1.5Q.3 0 2 0Q3.7 0 3.7 1.5Q3.7 2.9 2 2.9Q0 2.9 0 4.5Q0 6 2 6' +
    'Q4 6 4 4.5Q4 2.9 2 2.9Z',
  '9': 'M.5 5.4Q1 6 1.8 6Q4 6 4 2.4Q4 0 2 0Q0 0 0 1.8Q0 3.5 1.8 3.5Q3.6 3.5 4 2',
  '-': 'M.8 3H3.2',
  '.': 'M1.9 5.9L2.1 5.9',
  '/': 'M.4 6L3.6 0',
  ':': 'M1.9 1.7L2.1 1.7M1.9 5L2.1 5',
};

/** From one letter's left edge to the next one's. */
export const LETTER_STEP = 5.6;
export const LETTER_WIDTH = 4;
export const LETTER_HEIGHT = 6;

/** The width of a text in grid units. */
export function textWidth(text: string): number {
  return Math.max(0, text.length * LETTER_STEP - (LETTER_STEP - LETTER_WIDTH));
}

/**
 * The strokes of a text as `<path>` elements without colour, its upper left corner at 0,0. Small
 * letters become capitals; what the alphabet lacks leaves a gap.
 */
export function lettering(text: string): string {
  let strokes = '';
  for (const [index, letter] of text.toUpperCase().split('').entries()) {
    const shape = STROKES[letter];
    if (shape === undefined) continue;
    const left = Math.round(index * LETTER_STEP * 10) / 10;
    strokes += `<path transform="translate(${left})" d="${shape}"/>`;
  }
  return strokes;
}

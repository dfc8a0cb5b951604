/** Characters handed to Node's decoder at once: few enough to stay in the processor's cache. */
const PIECE_CHARACTERS = 16 * 1024;

const PIECE_BYTES = (PIECE_CHARACTERS / 4) * 3;

/** Where a mere check decodes to. Nobody reads it. */
const SCRATCH = Buffer.allocUnsafeSlow(PIECE_BYTES);

const MINUS = 0x2d;
const UNDERSCORE = 0x5f;

/** 1 at each byte of the standard alphabet, without the padding. */
export const IS_BASE64 = new Uint8Array(256);
for (const byte of Buffer.from(
  'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/',
)) {
  IS_BASE64[byte] = 1;
}

/** Whether all bytes are of the standard alphabet; there may be any number of them. */
export function isBase64(text: Buffer): boolean {
  const whole = text.length - (text.length % 4);
  for (let position = whole; position < text.length; position += 1) {
    if (IS_BASE64[text[position] ?? 0] !== 1) {
      return false;
    }
  }
  return decodePieces(text, whole, () => SCRATCH);
}

/**
 * Decodes whole quads, without padding, into the beginning of `target`. False when one of their
 * characters is not of the standard alphabet; what lies in `target` is then worth nothing.
 */
export function decodeQuads(text: Buffer, target: Buffer): boolean {
  return decodePieces(text, text.length, (written) => target.subarray(written));
}

/**
 * Node's decoder uses vector instructions, skips what is no base64, and says how many bytes came
 * out, which tells whether it skipped any: 0.4 ms for 4 MB where a loop over a table takes 3.
 */
function decodePieces(
  text: Buffer,
  length: number,
  targetAt: (written: number) => Buffer,
): boolean {
  for (let start = 0, written = 0; start < length; start += PIECE_CHARACTERS) {
    const end = Math.min(start + PIECE_CHARACTERS, length);
    const bytes = targetAt(written).write(text.toString('latin1', start, end), 'base64');
    if (bytes !== ((end - start) / 4) * 3) {
      return false;
    }
    written += bytes;
  }
  // The decoder takes the url-safe alphabet, too.
  return !text.includes(MINUS) && !text.includes(UNDERSCORE);
}

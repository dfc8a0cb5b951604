import { IS_BASE64, isBase64 } from './base64-alphabet.ts';
import { SpliceError } from './splice-error.ts';

const BACKSLASH = 0x5c;
const SLASH = 0x2f;
const EQUALS = 0x3d;
const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const LETTER_N = 0x6e;
const LETTER_R = 0x72;
const LETTER_U = 0x75;

const EMPTY: Buffer = Buffer.alloc(0);

/**
 * Turns the inside of a JSON string, piece by piece, into strict base64 text: escapes are resolved,
 * escaped line breaks (of encoders that wrap their lines) dropped, missing padding is added.
 * Throws a SpliceError on anything else, the url-safe alphabet's `-` and `_` among it.
 */
export class Base64Text {
  #characters = 0;
  #padding = 0;
  /** An escape whose end has not come yet, from its backslash on. */
  #escape = '';

  /** Whether the last piece ended inside an escape. */
  get isInsideEscape(): boolean {
    return this.#escape !== '';
  }

  /** What the piece stands for: the piece itself, not a copy, unless it holds an escape. */
  clean(piece: Buffer): Buffer {
    if (this.#escape !== '' || this.#padding > 0) {
      return this.#cleanSlowly(piece);
    }
    const body = withoutPadding(piece);
    if (!isBase64(body)) {
      return this.#cleanSlowly(piece);
    }
    this.#characters += body.length;
    this.#padding = piece.length - body.length;
    return piece;
  }

  /** What is missing at the end: nothing, `=` or `==`. Throws when the text cannot end here. */
  end(): Buffer {
    const needed = (4 - (this.#characters % 4)) % 4;
    if (this.#escape !== '' || needed === 3 || this.#padding > needed) {
      throw notBase64();
    }
    return needed === this.#padding ? EMPTY : Buffer.alloc(needed - this.#padding, '=');
  }

  #cleanSlowly(piece: Buffer): Buffer {
    const text = Buffer.allocUnsafe(piece.length + 1);
    let length = 0;
    let position = 0;
    while (position < piece.length) {
      if (this.#escape === '' && this.#padding === 0) {
        const start = position;
        for (; position < piece.length; position += 1) {
          const byte = piece[position] ?? 0;
          if (IS_BASE64[byte] !== 1) {
            break;
          }
          text[length] = byte;
          length += 1;
        }
        this.#characters += position - start;
        if (position === piece.length) {
          break;
        }
      }
      const character = this.#resolve(piece[position] ?? 0);
      position += 1;
      if (character !== undefined) {
        this.#count(character);
        text[length] = character;
        length += 1;
      }
    }
    return text.subarray(0, length);
  }

  #count(character: number): void {
    if (character === EQUALS && this.#padding < 2) {
      this.#padding += 1;
    } else if (IS_BASE64[character] === 1 && this.#padding === 0) {
      this.#characters += 1;
    } else {
      throw notBase64();
    }
  }

  /** The character that ends with this byte; undefined inside an escape and for a line break. */
  #resolve(byte: number): number | undefined {
    if (this.#escape === '') {
      if (byte !== BACKSLASH) {
        return byte;
      }
      this.#escape = '\\';
      return undefined;
    }
    if (this.#escape === '\\' && byte !== LETTER_U) {
      this.#escape = '';
      if (byte === LETTER_N || byte === LETTER_R) {
        return undefined;
      }
      return byte === SLASH ? byte : refuse();
    }
    this.#escape += String.fromCharCode(byte);
    if (this.#escape.length < 6) {
      return undefined;
    }
    const digits = this.#escape.slice(2);
    this.#escape = '';
    const code = /^[0-9A-Fa-f]{4}$/.test(digits) ? Number.parseInt(digits, 16) : refuse();
    const isLineBreak = code === LINE_FEED || code === CARRIAGE_RETURN;
    return isLineBreak ? undefined : code;
  }
}

/** Without the one or two `=` at its end. */
function withoutPadding(bytes: Buffer): Buffer {
  let { length } = bytes;
  while (length > 0 && bytes.length - length < 2 && bytes[length - 1] === EQUALS) {
    length -= 1;
  }
  return length === bytes.length ? bytes : bytes.subarray(0, length);
}

function refuse(): never {
  throw notBase64();
}

function notBase64(): SpliceError {
  return new SpliceError('not_base64', 'a payload is not base64');
}

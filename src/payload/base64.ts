import { decodeQuads } from './base64-alphabet.ts';
import type { Payload } from './payload.ts';
import { SpliceError } from './splice-error.ts';

/** Bytes encoded at once: a multiple of 3, so that no padding appears before the end. */
const ENCODE_BYTES = 48 * 1024;

/** Characters decoded at once: a larger chunk is given on in several. */
const DECODE_CHARACTERS = 256 * 1024;

const EMPTY: Buffer = Buffer.alloc(0);

/** The payload as base64 text in chunks, whatever form it has. */
export function base64Chunks(payload: Payload): AsyncIterable<Buffer> {
  return payload.form === 'base64' ? payload.chunks() : encodeBase64(payload.chunks());
}

/** The payload as the bytes of the file, whatever form it has. */
export function binaryChunks(payload: Payload): AsyncIterable<Buffer> {
  return payload.form === 'binary' ? payload.chunks() : decodeBase64(payload.chunks());
}

/**
 * Encodes a stream of bytes, cut anywhere, as it comes: at most two bytes wait for the next chunk.
 * Text comes in chunks of 64 KiB where the source's chunks are large enough.
 */
export async function* encodeBase64(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let rest = EMPTY;
  for await (const chunk of source) {
    let start = 0;
    if (rest.length > 0) {
      start = Math.min(3 - rest.length, chunk.length);
      rest = Buffer.concat([rest, chunk.subarray(0, start)]);
      if (rest.length < 3) {
        continue;
      }
      yield encode(rest, 0, 3);
    }
    const whole = chunk.length - ((chunk.length - start) % 3);
    for (; start < whole; start += ENCODE_BYTES) {
      yield encode(chunk, start, Math.min(start + ENCODE_BYTES, whole));
    }
    // A copy: the chunk may be large, or used again.
    rest = Buffer.from(chunk.subarray(whole));
  }
  if (rest.length > 0) {
    yield encode(rest, 0, rest.length);
  }
}

function encode(bytes: Buffer, start: number, end: number): Buffer {
  return Buffer.from(bytes.toString('base64', start, end), 'latin1');
}

/**
 * Decodes base64 text, cut anywhere, as it comes: at most three characters wait for the next chunk.
 * Throws on anything but the standard alphabet with its padding in full: a text whose length is no
 * multiple of four was cut off.
 */
export async function* decodeBase64(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const decoder = new Decoder();
  for await (const chunk of source) {
    for (let start = 0; start < chunk.length; start += DECODE_CHARACTERS) {
      const bytes = decoder.decode(chunk.subarray(start, start + DECODE_CHARACTERS));
      if (bytes.length > 0) {
        yield bytes;
      }
    }
  }
  decoder.end();
}

class Decoder {
  /** A quad's beginning. */
  #rest = EMPTY;
  /** Nothing may follow padding. */
  #isPadded = false;

  decode(text: Buffer): Buffer {
    const filled = this.#rest.length === 0 ? 0 : Math.min(4 - this.#rest.length, text.length);
    const quad = Buffer.concat([this.#rest, text.subarray(0, filled)]);
    const isShort = quad.length > 0 && quad.length < 4;
    if (this.#isPadded || isShort) {
      this.#rest = quad;
      return this.#isPadded ? refuse() : EMPTY;
    }
    const whole = text.length - ((text.length - filled) % 4);
    const isLastPadded = whole > filled && text[whole - 1] === 0x3d;
    const plain = text.subarray(filled, isLastPadded ? whole - 4 : whole);
    const first = this.#decodeQuad(quad);
    const bytes = Buffer.allocUnsafe(first.length + (plain.length / 4) * 3 + 3);
    first.copy(bytes);
    if (!decodeQuads(plain, bytes.subarray(first.length)) || (this.#isPadded && whole > filled)) {
      return refuse();
    }
    const last = this.#decodeQuad(text.subarray(plain.length + filled, whole));
    const length = first.length + (plain.length / 4) * 3;
    last.copy(bytes, length);
    this.#rest = Buffer.from(text.subarray(whole));
    if (this.#isPadded && this.#rest.length > 0) {
      return refuse();
    }
    return bytes.subarray(0, length + last.length);
  }

  end(): void {
    if (this.#rest.length > 0) {
      refuse();
    }
  }

  /** A quad that may be padded, or nothing. */
  #decodeQuad(quad: Buffer): Buffer {
    const text = quad.toString('latin1');
    if (!/^(?:[\w+/]{4}|[\w+/]{3}=|[\w+/]{2}==)?$/.test(text) || text.includes('_')) {
      return refuse();
    }
    this.#isPadded ||= text.endsWith('=');
    return Buffer.from(text, 'base64');
  }
}

function refuse(): never {
  throw new SpliceError('not_base64', 'the payload is not base64');
}

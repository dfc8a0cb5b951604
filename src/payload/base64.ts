import type { Payload } from './payload.ts';

/** Bytes encoded at once: a multiple of 3, so that no padding appears before the end. */
const ENCODE_BYTES = 48 * 1024;

/** The payload as base64 text in chunks, whatever form it has. */
export function base64Chunks(payload: Payload): AsyncIterable<Buffer> {
  return payload.form === 'base64' ? payload.chunks() : encodeBase64(payload.chunks());
}

/** The payload as the bytes of the file, whatever form it has. */
export function binaryChunks(payload: Payload): AsyncIterable<Buffer> {
  return payload.form === 'binary' ? payload.chunks() : decodeBase64(payload.chunks());
}

/** Encodes a stream of bytes; the chunks' boundaries may lie anywhere. */
export async function* encodeBase64(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of source) {
    const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    const whole = bytes.length - (bytes.length % 3);
    for (let start = 0; start < whole; start += ENCODE_BYTES) {
      yield encode(bytes.subarray(start, Math.min(start + ENCODE_BYTES, whole)));
    }
    rest = bytes.subarray(whole);
  }
  if (rest.length > 0) {
    yield encode(rest);
  }
}

/** Decodes base64 text; a chunk may end anywhere. Characters outside the alphabet are refused. */
export async function* decodeBase64(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let rest = '';
  for await (const chunk of source) {
    const text = rest + chunk.toString('latin1');
    const whole = text.length - (text.length % 4);
    rest = text.slice(whole);
    if (whole > 0) {
      yield decode(text.slice(0, whole));
    }
  }
  if (rest !== '') {
    yield decode(rest);
  }
}

function encode(bytes: Buffer): Buffer {
  return Buffer.from(bytes.toString('base64'), 'latin1');
}

function decode(text: string): Buffer {
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(text)) {
    throw new Error('the payload is not base64');
  }
  return Buffer.from(text, 'base64');
}

import type { ImageFormat, PixelSize } from '../base/image.ts';
import type { Payload } from './payload.ts';
import { probeAvif } from './probe-avif.ts';

/** The encodings that are recognised: those that Easel delivers, and two to be converted. */
export type ProbedFormat = ImageFormat | 'avif' | 'gif';

/** What a picture's own header says it is. */
export interface ImageHeader extends PixelSize {
  readonly format: ProbedFormat;
}

/**
 * What the beginning of a file shows: its header; nothing yet, because it lies further on; or that
 * it is no picture that we know.
 */
type Look = ImageHeader | 'further' | 'unknown';

/** A JPEG may carry long EXIF and colour profiles before its size; beyond this it is refused. */
const HEADER_BYTES_MAX = 1024 * 1024;

/** Enough for every encoding but an AVIF, and a JPEG with long metadata. */
const FIRST_LOOK_BYTES = 768;

/**
 * Reads type and size from the first bytes, and takes nothing from the payload. Undefined when
 * they show no picture that we know: a few bytes mostly tell that, and a mebibyte at the most.
 * Throws what the payload throws.
 */
export async function probePayload(payload: Payload): Promise<ImageHeader | undefined> {
  for (let wanted = FIRST_LOOK_BYTES; ; wanted = Math.min(wanted * 8, HEADER_BYTES_MAX)) {
    const isText = payload.form === 'base64';
    const head = await payload.peek(isText ? Math.ceil(wanted / 3) * 4 : wanted);
    const bytes = isText ? decodeHead(head) : head;
    const look = lookAt(bytes);
    if (look !== 'further') {
      return look === 'unknown' ? undefined : look;
    }
    if (bytes.length < wanted || wanted === HEADER_BYTES_MAX) {
      return undefined;
    }
  }
}

/** The bytes that the beginning of a base64 text stands for. */
function decodeHead(text: Buffer): Buffer {
  return Buffer.from(text.toString('latin1', 0, text.length - (text.length % 4)), 'base64');
}

/**
 * Type and size from a file's beginning; undefined when it is unknown or still too short. The
 * header may lie about all but its type: only decoding shows whether the picture is whole. A
 * rotation that EXIF or AVIF ask for is not applied to the size.
 */
export function probe(head: Buffer): ImageHeader | undefined {
  const look = lookAt(head);
  return look === 'further' || look === 'unknown' ? undefined : look;
}

function lookAt(head: Buffer): Look {
  if (head.length < 12) {
    return 'further';
  }
  if (head.readUInt32BE(0) === 0x89504e47) {
    return probePng(head);
  }
  if (head.readUInt16BE(0) === 0xffd8) {
    return probeJpeg(head);
  }
  if (ascii(head, 0, 4) === 'RIFF' && ascii(head, 8, 12) === 'WEBP') {
    return probeWebp(head);
  }
  if (['GIF87a', 'GIF89a'].includes(ascii(head, 0, 6))) {
    return sized('gif', { width: head.readUInt16LE(6), height: head.readUInt16LE(8) });
  }
  if (ascii(head, 4, 8) === 'ftyp') {
    const size = probeAvif(head);
    return typeof size === 'string' ? size : sized('avif', size);
  }
  return 'unknown';
}

function probePng(head: Buffer): Look {
  if (head.length < 24) {
    return 'further';
  }
  const isPng = head.readUInt32BE(4) === 0x0d0a1a0a && ascii(head, 12, 16) === 'IHDR';
  const size = { width: head.readUInt32BE(16), height: head.readUInt32BE(20) };
  return isPng ? sized('png', size) : 'unknown';
}

/** Walks the segments up to the frame header (SOF), over EXIF and profiles of any length. */
function probeJpeg(head: Buffer): Look {
  let position = 2;
  while (position + 9 <= head.length) {
    const marker = head.readUInt8(position + 1);
    const isEnd = marker === 0xd9 || marker === 0xda;
    if (head[position] !== 0xff || isEnd) {
      return 'unknown';
    }
    if (marker === 0xff) {
      position += 1;
      continue;
    }
    if (isFrameHeader(marker)) {
      const height = head.readUInt16BE(position + 5);
      return sized('jpeg', { width: head.readUInt16BE(position + 7), height });
    }
    const standsAlone = marker === 0x01 || (marker >= 0xd0 && marker <= 0xd8);
    position += standsAlone ? 2 : 2 + head.readUInt16BE(position + 2);
  }
  return 'further';
}

/** SOF0 to SOF15 without the three of that range that are no frame headers. */
function isFrameHeader(marker: number): boolean {
  const inRange = marker >= 0xc0 && marker <= 0xcf;
  return inRange && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc;
}

/** https://developers.google.com/speed/webp/docs/riff_container */
function probeWebp(head: Buffer): Look {
  if (head.length < 30) {
    return 'further';
  }
  switch (ascii(head, 12, 16)) {
    case 'VP8 ': {
      const width = head.readUInt16LE(26) & 0x3fff;
      const size = { width, height: head.readUInt16LE(28) & 0x3fff };
      return head.readUIntBE(23, 3) === 0x9d012a ? sized('webp', size) : 'unknown';
    }
    case 'VP8L': {
      const bits = head.readUInt32LE(21);
      const size = { width: (bits & 0x3fff) + 1, height: ((bits >>> 14) & 0x3fff) + 1 };
      return head[20] === 0x2f ? sized('webp', size) : 'unknown';
    }
    case 'VP8X':
      return sized('webp', {
        width: head.readUIntLE(24, 3) + 1,
        height: head.readUIntLE(27, 3) + 1,
      });
    default:
      return 'unknown';
  }
}

function sized(format: ProbedFormat, size: PixelSize): Look {
  return size.width > 0 && size.height > 0 ? { format, ...size } : 'unknown';
}

function ascii(bytes: Buffer, start: number, end: number): string {
  return bytes.toString('latin1', start, end);
}

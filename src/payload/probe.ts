import type { ImageFormat, PixelSize } from '../base/image.ts';
import type { Payload } from './payload.ts';

/** What a picture's own header says it is. */
export interface ImageHeader extends PixelSize {
  readonly format: ImageFormat;
}

/** A JPEG may carry long EXIF and colour profiles before its size; beyond this it is refused. */
const HEADER_BYTES_MAX = 1024 * 1024;

/** Enough for every encoding but a JPEG with long metadata. */
const FIRST_LOOK_BYTES = 256;

/**
 * Reads type and size from the first bytes, and takes nothing from the payload. Undefined when
 * they show no picture that we know.
 */
export async function probePayload(payload: Payload): Promise<ImageHeader | undefined> {
  for (let wanted = FIRST_LOOK_BYTES; ; wanted *= 8) {
    const head = await payload.peek(payload.form === 'base64' ? wanted * 4 : wanted * 3);
    const header = probe(payload.form === 'base64' ? decodeHead(head) : head);
    const isAll = head.length < wanted * 3;
    if (header !== undefined || isAll || wanted > HEADER_BYTES_MAX) {
      return header;
    }
  }
}

/** The bytes that the beginning of a base64 text stands for. */
function decodeHead(text: Buffer): Buffer {
  return Buffer.from(text.toString('latin1', 0, text.length - (text.length % 4)), 'base64');
}

/** Type and size from a file's beginning; undefined when it is unknown or still too short. */
export function probe(head: Buffer): ImageHeader | undefined {
  if (head.length < 12) {
    return undefined;
  }
  if (head.readUInt32BE(0) === 0x89504e47) {
    return probePng(head);
  }
  if (head.readUInt16BE(0) === 0xffd8) {
    return probeJpeg(head);
  }
  const isWebp = ascii(head, 0, 4) === 'RIFF' && ascii(head, 8, 12) === 'WEBP';
  return isWebp ? probeWebp(head) : undefined;
}

function probePng(head: Buffer): ImageHeader | undefined {
  if (head.length < 24 || ascii(head, 12, 16) !== 'IHDR') {
    return undefined;
  }
  return sized('png', { width: head.readUInt32BE(16), height: head.readUInt32BE(20) });
}

/** Walks the segments up to the frame header (SOF), over EXIF and profiles of any length. */
function probeJpeg(head: Buffer): ImageHeader | undefined {
  let position = 2;
  while (position + 9 <= head.length) {
    if (head[position] !== 0xff) {
      return undefined;
    }
    const marker = head.readUInt8(position + 1);
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
  return undefined;
}

/** SOF0 to SOF15 without the three of that range that are no frame headers. */
function isFrameHeader(marker: number): boolean {
  const inRange = marker >= 0xc0 && marker <= 0xcf;
  return inRange && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc;
}

function probeWebp(head: Buffer): ImageHeader | undefined {
  if (head.length < 30) {
    return undefined;
  }
  switch (ascii(head, 12, 16)) {
    case 'VP8 ':
      return sized('webp', {
        width: head.readUInt16LE(26) & 0x3fff,
        height: head.readUInt16LE(28) & 0x3fff,
      });
    case 'VP8L': {
      const bits = head.readUInt32LE(21);
      return sized('webp', { width: (bits & 0x3fff) + 1, height: ((bits >> 14) & 0x3fff) + 1 });
    }
    case 'VP8X':
      return sized('webp', {
        width: head.readUIntLE(24, 3) + 1,
        height: head.readUIntLE(27, 3) + 1,
      });
    default:
      return undefined;
  }
}

function sized(format: ImageFormat, size: PixelSize): ImageHeader | undefined {
  return size.width > 0 && size.height > 0 ? { format, ...size } : undefined;
}

function ascii(bytes: Buffer, start: number, end: number): string {
  return bytes.toString('latin1', start, end);
}

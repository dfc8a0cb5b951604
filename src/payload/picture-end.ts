import type { ImageFormat } from '../base/image.ts';

/** The end of a jpeg's scan data: inside them a 0xff is always followed by 0x00 or a restart. */
const END_OF_IMAGE = Buffer.from([0xff, 0xd9]);

const PNG_SIGNATURE_BYTES = 8;

/**
 * Tells of a file that comes in pieces whether its last byte has come, by its own structure, without
 * decoding it: a png has its IEND chunk, a jpeg its end-of-image marker, a webp as many bytes as it
 * says. What stands behind the end is not looked at: cameras add their own.
 */
export interface PictureEnd {
  readonly push: (chunk: Buffer) => void;
  readonly isWhole: () => boolean;
}

export function watchPictureEnd(format: ImageFormat): PictureEnd {
  switch (format) {
    case 'png':
      return new Walk({ headBytes: 8, skipBytes: PNG_SIGNATURE_BYTES, step: stepPng });
    case 'jpeg':
      return new Walk({ headBytes: 2, skipBytes: 0, step: stepJpeg });
    case 'webp':
      return new Walk({ headBytes: 8, skipBytes: 0, step: stepWebp });
  }
}

/** What comes after a head that was read. */
type Next =
  | { readonly kind: 'skip'; readonly bytes: number; readonly headBytes: number }
  /** This much of the head is read again, with so many bytes in all. */
  | { readonly kind: 'reread'; readonly head: Buffer; readonly headBytes: number }
  /** Bytes without structure up to these. */
  | { readonly kind: 'scan'; readonly skipBytes: number }
  /** So many bytes more, and the picture is there. */
  | { readonly kind: 'last'; readonly bytes: number }
  /** Not what the format allows: it will never be whole. */
  | { readonly kind: 'broken' };

interface WalkOptions {
  readonly headBytes: number;
  readonly skipBytes: number;
  readonly step: (head: Buffer) => Next;
}

/** Follows a file from head to head, over what lies between them. */
class Walk implements PictureEnd {
  readonly #step: WalkOptions['step'];
  #headBytes: number;
  #skipBytes: number;
  #head: Buffer = Buffer.alloc(0);
  #state: 'heads' | 'scan' | 'ending' | 'broken' = 'heads';
  #lastByte = 0;

  constructor({ headBytes, skipBytes, step }: WalkOptions) {
    this.#headBytes = headBytes;
    this.#skipBytes = skipBytes;
    this.#step = step;
  }

  push(chunk: Buffer): void {
    let position = 0;
    while (position < chunk.length) {
      if (this.#skipBytes > 0) {
        const skipped = Math.min(this.#skipBytes, chunk.length - position);
        this.#skipBytes -= skipped;
        position += skipped;
      } else if (this.#state === 'scan') {
        this.#scan(chunk, position);
        return;
      } else if (this.#state !== 'heads') {
        return;
      } else {
        const missing = this.#headBytes - this.#head.length;
        this.#head = Buffer.concat([this.#head, chunk.subarray(position, position + missing)]);
        position = Math.min(chunk.length, position + missing);
        if (this.#head.length === this.#headBytes) {
          this.#take(this.#step(this.#head));
        }
      }
    }
  }

  isWhole(): boolean {
    return this.#state === 'ending' && this.#skipBytes === 0;
  }

  #take(next: Next): void {
    switch (next.kind) {
      case 'skip':
        this.#skipBytes = next.bytes;
        this.#headBytes = next.headBytes;
        this.#head = Buffer.alloc(0);
        break;
      case 'reread':
        this.#headBytes = next.headBytes;
        this.#head = next.head;
        break;
      case 'scan':
        this.#skipBytes = next.skipBytes;
        this.#state = 'scan';
        break;
      case 'last':
        this.#skipBytes = next.bytes;
        this.#state = 'ending';
        break;
      case 'broken':
        this.#state = 'broken';
        break;
    }
  }

  #scan(chunk: Buffer, position: number): void {
    const isSplit = this.#lastByte === END_OF_IMAGE[0] && chunk[position] === END_OF_IMAGE[1];
    if (isSplit || chunk.indexOf(END_OF_IMAGE, position) !== -1) {
      this.#state = 'ending';
    }
    this.#lastByte = chunk.at(-1) ?? 0;
  }
}

/** A chunk's length and name; its data and checksum follow (RFC 2083 §3.2). */
function stepPng(head: Buffer): Next {
  const bytes = head.readUInt32BE(0) + 4;
  const name = head.toString('latin1', 4, 8);
  if (name === 'IEND') {
    return { kind: 'last', bytes };
  }
  return /^[A-Za-z]{4}$/.test(name) ? { kind: 'skip', bytes, headBytes: 8 } : { kind: 'broken' };
}

/** A marker, and the length of its segment where it has one (ITU T.81 §B.1.1). */
function stepJpeg(head: Buffer): Next {
  const marker = head[1] ?? 0;
  if (head[0] !== 0xff) {
    return { kind: 'broken' };
  }
  if (marker === 0xff) {
    // A fill byte: the marker is one further.
    return { kind: 'reread', head: head.subarray(1), headBytes: 2 };
  }
  if (marker === 0xd9) {
    return { kind: 'last', bytes: 0 };
  }
  const standsAlone = marker === 0x01 || (marker >= 0xd0 && marker <= 0xd8);
  if (standsAlone) {
    return { kind: 'skip', bytes: 0, headBytes: 2 };
  }
  if (head.length < 4) {
    return { kind: 'reread', head, headBytes: 4 };
  }
  const bytes = Math.max(0, head.readUInt16BE(2) - 2);
  return marker === 0xda
    ? { kind: 'scan', skipBytes: bytes }
    : { kind: 'skip', bytes, headBytes: 2 };
}

/** `RIFF` and the bytes that follow (developers.google.com/speed/webp/docs/riff_container). */
function stepWebp(head: Buffer): Next {
  return { kind: 'last', bytes: head.readUInt32LE(4) };
}

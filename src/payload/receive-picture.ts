import { createHash } from 'node:crypto';
import { Failure } from '../base/errors.ts';
import { type ImageFormat, isImageFormat, type PixelSize } from '../base/image.ts';
import { binaryChunks } from './base64.ts';
import type { Payload } from './payload.ts';
import { type PictureEnd, watchPictureEnd } from './picture-end.ts';
import { type ImageHeader, probe, probePayload } from './probe.ts';
import type { ReferencePicture } from './reference.ts';
import { SpoolError } from './spool-error.ts';
import type { Spool } from './spool.ts';

/** The most bytes of one picture that a caller sends: OpenAI's own limit, 50 MB. */
export const PICTURE_BYTES_MAX = 50 * 1024 * 1024;

/** The most pixels: above it a file of a few bytes could fill the memory once it is decoded. */
const PIXELS_MAX = 64_000_000;

/** Where every format shows what it is. */
const MAGIC_BYTES = 12;

export interface ReceiveOptions {
  /** Keeps the file. */
  readonly spool: Spool;
  /** The field that it came by, for whoever sent it. */
  readonly param: string;
  /** What it is called in messages: `Picture 2`. */
  readonly called: string;
  /** The row of what is no picture: a mask has one of its own. */
  readonly failure: 'invalid_image' | 'invalid_mask';
}

/**
 * Keeps a picture that arrives, and checks it while it does: png, jpeg or webp by its own bytes,
 * whole, 50 MB and 64 megapixels at the most. Throws a Failure that names the field, as soon as
 * the bytes show it, and what the source throws; nothing is left then of what was kept.
 */
export async function receivePicture(
  source: Payload,
  options: ReceiveOptions,
): Promise<ReferencePicture> {
  const { spool, called } = options;
  const inspection = new Inspection(options);
  const watched: Payload = {
    form: 'binary',
    peek: source.peek,
    chunks: () => inspection.watch(binaryChunks(source)),
  };
  const payload = await spool.keep(watched).catch((error: unknown) => {
    throw isFull(error) ? tooManyBytes(options) : error;
  });
  const header = await probePayload(payload);
  if (header === undefined || !isImageFormat(header.format)) {
    throw refusal(options, notTaken(called, header));
  }
  if (!inspection.isWhole) {
    throw refusal(options, `${called} is cut off: its end is missing.`);
  }
  checkPixels(header, options);
  const { width, height } = await displayedSize(payload, header);
  return {
    format: header.format,
    width,
    height,
    bytes: inspection.bytes,
    sha256: inspection.digest(),
    payload,
  };
}

function isFull(error: unknown): boolean {
  return error instanceof SpoolError && error.fault === 'full';
}

function tooManyBytes({ param }: ReceiveOptions): Failure {
  const message = 'The pictures of this request have too many bytes in all.';
  return new Failure('payload_too_large', { param, message });
}

/** Looks at the bytes of one file as they pass. */
class Inspection {
  readonly #options: ReceiveOptions;
  readonly #hash = createHash('sha256');
  #end: PictureEnd | undefined;
  #head: Buffer = Buffer.alloc(0);
  bytes = 0;

  constructor(options: ReceiveOptions) {
    this.#options = options;
  }

  get isWhole(): boolean {
    return this.#end?.isWhole() === true;
  }

  digest(): string {
    return this.#hash.digest('hex');
  }

  async *watch(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void, void> {
    for await (const chunk of chunks) {
      this.#look(chunk);
      yield chunk;
    }
  }

  #look(chunk: Buffer): void {
    this.bytes += chunk.length;
    if (this.bytes > PICTURE_BYTES_MAX) {
      const { param, called } = this.#options;
      const message = `${called} is larger than ${PICTURE_BYTES_MAX / 2 ** 20} MB.`;
      throw new Failure('payload_too_large', { param, message });
    }
    this.#hash.update(chunk);
    if (this.#end !== undefined) {
      this.#end.push(chunk);
      return;
    }
    this.#head = Buffer.concat([this.#head, chunk]);
    if (this.#head.length >= MAGIC_BYTES) {
      this.#end = watchPictureEnd(this.#formatOf(this.#head));
      this.#end.push(this.#head);
    }
  }

  /** A text is refused by its first bytes, not after fifty megabytes of it. */
  #formatOf(head: Buffer): ImageFormat {
    const format = formatByMagic(head);
    if (format === undefined) {
      throw refusal(this.#options, notTaken(this.#options.called, probe(head)));
    }
    return format;
  }
}

function formatByMagic(head: Buffer): ImageFormat | undefined {
  if (head.readUInt32BE(0) === 0x89504e47) {
    return 'png';
  }
  if (head.readUInt16BE(0) === 0xffd8) {
    return 'jpeg';
  }
  const isWebp =
    head.toString('latin1', 0, 4) === 'RIFF' && head.toString('latin1', 8, 12) === 'WEBP';
  return isWebp ? 'webp' : undefined;
}

function notTaken(called: string, header: ImageHeader | undefined): string {
  const what = header === undefined ? 'is not a picture that can be read' : `is a ${header.format}`;
  return `${called} ${what}: png, jpeg and webp are taken.`;
}

function checkPixels({ width, height }: PixelSize, options: ReceiveOptions): void {
  if (width * height > PIXELS_MAX) {
    const most = PIXELS_MAX / 1_000_000;
    const message = `${options.called} has ${width}x${height} pixels; ${most} megapixels are taken.`;
    throw refusal(options, message);
  }
}

/** Orientations from 5 on stand on their side (Exif 2.32, tag 0x0112). */
const TURNED_FROM = 5;

/** EXIF's rotation, which every viewer carries out and a header does not show. */
async function displayedSize(payload: Payload, header: ImageHeader): Promise<PixelSize> {
  const { width, height } = header;
  if (header.format !== 'jpeg') {
    return { width, height };
  }
  const { default: sharp } = await import('sharp');
  const head = await payload.peek(HEADER_BYTES);
  const { orientation = 1 } = await sharp(head, { failOn: 'none' })
    .metadata()
    .catch(() => ({ orientation: 1 }));
  return orientation >= TURNED_FROM ? { width: height, height: width } : { width, height };
}

/** EXIF stands at the very beginning, in a segment of 64 KiB at most. */
const HEADER_BYTES = 256 * 1024;

function refusal({ param, failure }: ReceiveOptions, message: string): Failure {
  return new Failure(failure, { param, message });
}

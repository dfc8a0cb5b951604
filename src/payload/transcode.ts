import type { ImageFormat } from '../base/image.ts';
import { binaryChunks } from './base64.ts';
import { bytesPayload, type Payload } from './payload.ts';

/** The largest picture that is decoded: above it a file of a few bytes could fill the memory. */
const PIXELS_MAX = 64_000_000;

export interface TranscodeOptions {
  readonly format: ImageFormat;
  /** 0 to 100, for jpeg and webp. */
  readonly compression?: number;
}

/**
 * The same picture in another encoding. The only place where a payload is decoded whole, and only
 * when somebody asked for a format that the model does not give.
 */
export async function transcode(payload: Payload, options: TranscodeOptions): Promise<Payload> {
  // Loaded on first use: sharp costs start-up time, and most answers are never converted.
  const { default: sharp } = await import('sharp');
  const chunks: Buffer[] = [];
  for await (const chunk of binaryChunks(payload)) {
    chunks.push(chunk);
  }
  // Metadata do not come along, so a rotation that stands there is carried out.
  const image = sharp(Buffer.concat(chunks), { limitInputPixels: PIXELS_MAX }).autoOrient();
  const quality = options.compression === undefined ? {} : { quality: qualityOf(options) };
  switch (options.format) {
    case 'png':
      return bytesPayload(await image.png({ compressionLevel: 6 }).toBuffer());
    case 'jpeg':
      return bytesPayload(await image.flatten({ background: '#fff' }).jpeg(quality).toBuffer());
    case 'webp':
      return bytesPayload(await image.webp(quality).toBuffer());
  }
}

/** sharp's lowest quality is 1 where OpenAI's is 0. */
function qualityOf(options: TranscodeOptions): number {
  return Math.max(1, options.compression ?? 1);
}

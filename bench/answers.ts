import { randomBytes } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';

/** A canned answer. Its picture is noise, so it is as long as its pixels. */
export interface CannedAnswer {
  /** Its folder at the upstream. */
  readonly name: string;
  readonly width: number;
  readonly height: number;
  readonly channels: 3 | 4;
}

export interface WrittenAnswer {
  /** The length of the base64 text. */
  readonly payloadBytes: number;
  /** The length of the whole document. */
  readonly documentBytes: number;
}

/** Three bytes a pixel, four for each three of them as base64. */
export const ANSWER_64_KB: CannedAnswer = { name: '64kb', width: 128, height: 128, channels: 3 };
export const ANSWER_4_MB: CannedAnswer = { name: '4mb', width: 1024, height: 1024, channels: 3 };
export const ANSWER_27_MB: CannedAnswer = { name: '27mb', width: 2592, height: 2608, channels: 3 };
export const ANSWER_64_MB: CannedAnswer = { name: '64mb', width: 3456, height: 3472, channels: 4 };

/** Where OpenAI's API has the routes. */
export const GENERATIONS_PATH = '/v1/images/generations';
export const EDITS_PATH = '/v1/images/edits';

/** Writes what OpenAI would answer, under the answer's folder, at the path of the route. */
export async function writeAnswer(root: string, answer: CannedAnswer): Promise<WrittenAnswer> {
  const { payload, document } = await makeDocument(answer);
  const folder = join(root, answer.name, 'v1', 'images');
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'generations'), document);
  return { payloadBytes: payload.length, documentBytes: document.length };
}

/** The document, and the base64 text in it. Pretty-printed, as OpenAI's answers are. */
export async function makeDocument(
  answer: CannedAnswer,
): Promise<{ readonly payload: string; readonly document: string }> {
  const payload = (await makePicture(answer)).toString('base64');
  const document = JSON.stringify(
    {
      created: 1_795_000_000,
      background: 'opaque',
      data: [{ b64_json: payload }],
      output_format: 'png',
      quality: 'low',
      size: `${answer.width}x${answer.height}`,
      usage: {
        input_tokens: 12,
        input_tokens_details: { image_tokens: 0, text_tokens: 12 },
        output_tokens: 272,
        output_tokens_details: { image_tokens: 272, text_tokens: 0 },
        total_tokens: 284,
      },
    },
    undefined,
    2,
  );
  return { payload, document };
}

/** A real PNG of noise, stored rather than deflated: its length hardly depends on chance. */
async function makePicture({ width, height, channels }: CannedAnswer): Promise<Buffer> {
  const pixels = randomBytes(width * height * channels);
  return sharp(pixels, { raw: { width, height, channels } })
    .png({ compressionLevel: 0 })
    .toBuffer();
}

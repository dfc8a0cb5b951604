import { createCipheriv } from 'node:crypto';
import sharp from 'sharp';

/** A multipart body, whole in memory: every edit of a run sends the same one. */
export interface EditForm {
  readonly contentType: string;
  readonly body: Buffer;
  /** The length of each picture in it. */
  readonly pictureBytes: readonly number[];
}

export interface NoisePicture {
  readonly width: number;
  readonly height: number;
  /** From 0 to 255. The same one gives the same picture. */
  readonly seed: number;
}

const BOUNDARY = '----easel-bench-4f1c9a';

/** Text fields first, then the pictures, in OpenAI's field for several. */
export function makeEditForm(
  fields: Readonly<Record<string, string>>,
  pictures: readonly Buffer[],
): EditForm {
  const texts = Object.entries(fields).map(([name, value]) =>
    Buffer.from(`${partHead(`name="${name}"`)}\r\n${value}\r\n`),
  );
  const files = pictures.flatMap((picture, index) => {
    const head = partHead(`name="image[]"; filename="${index}.png"`);
    return [Buffer.from(`${head}content-type: image/png\r\n\r\n`), picture, Buffer.from('\r\n')];
  });
  return {
    contentType: `multipart/form-data; boundary=${BOUNDARY}`,
    body: Buffer.concat([...texts, ...files, Buffer.from(`--${BOUNDARY}--\r\n`)]),
    pictureBytes: pictures.map((picture) => picture.length),
  };
}

/** A PNG that no deflating makes smaller: a key stream for pixels. */
export async function makeNoisePicture({ width, height, seed }: NoisePicture): Promise<Buffer> {
  const cipher = createCipheriv('aes-128-ctr', Buffer.alloc(16, seed), Buffer.alloc(16));
  const pixels = cipher.update(Buffer.alloc(width * height * 3));
  return sharp(pixels, { raw: { width, height, channels: 3 } })
    .png()
    .toBuffer();
}

function partHead(parameters: string): string {
  return `--${BOUNDARY}\r\ncontent-disposition: form-data; ${parameters}\r\n`;
}

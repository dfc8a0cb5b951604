import { Failure } from '../../base/errors.ts';
import { fromFormFields } from '../../contract/edits.ts';
import { arrivingPayload } from '../../payload/payload.ts';
import type { FormPart } from './form-parts.ts';
import { PICTURE_TEXT_BYTES, pictureText } from './picture-text.ts';
import { type PictureTaker, URL_CHARACTERS_MAX } from './picture-taker.ts';

/** `image`, `image[]`, `image[0]` … and the plural, which some clients write. */
const IMAGE_NAME = /^(?:images?|image_urls?)(?:\[\d*\])?$/;
const MASK_NAME = /^mask(?:_url)?(?:\[0?\])?$/;

/**
 * Reads an edit's form: pictures under whatever name, type or place they come go to the taker;
 * everything else is returned as the fields of a body. Throws a Failure that names the field.
 */
export async function readEditForm(
  parts: AsyncIterable<FormPart>,
  taker: PictureTaker,
  textBytesMax: number,
): Promise<Record<string, unknown>> {
  const texts = new Map<string, string>();
  let bytesLeft = textBytesMax;
  for await (const part of parts) {
    const { name } = part;
    if (IMAGE_NAME.test(name) || MASK_NAME.test(name)) {
      await takePicture(taker, part);
      continue;
    }
    if (texts.has(name)) {
      const message = `'${name}' was sent more than once.`;
      throw new Failure('invalid_value', { param: name, message });
    }
    const text = await readText(part, bytesLeft);
    bytesLeft -= Buffer.byteLength(text);
    texts.set(name, text);
  }
  return fromFormFields(texts);
}

/** A file; or a text in its place: an address, a `data:` URI, or base64. */
async function takePicture(taker: PictureTaker, { name, body }: FormPart): Promise<void> {
  const place = { param: name, isMask: MASK_NAME.test(name) };
  const source = body[Symbol.asyncIterator]();
  const head = await readHead(source);
  if (head.length === 0) {
    // What a browser's form sends for an input that was left empty.
    return;
  }
  const found = pictureText(head.toString('latin1', 0, PICTURE_TEXT_BYTES));
  const whole = joined(head, source);
  switch (found.kind) {
    case 'url': {
      const bytes = await readBytes(name, whole, URL_CHARACTERS_MAX);
      taker.add(await taker.read(decode(name, bytes), place), place);
      break;
    }
    case 'base64': {
      const payload = arrivingPayload('base64', withoutBlanks(whole, found.start));
      taker.add(await taker.receive(payload, place), place);
      break;
    }
    case 'other':
      taker.add(await taker.receive(arrivingPayload('binary', whole), place), place);
      break;
  }
}

async function readHead(source: AsyncIterator<Buffer>): Promise<Buffer> {
  let head: Buffer = Buffer.alloc(0);
  while (head.length < PICTURE_TEXT_BYTES) {
    const step = await source.next();
    if (step.done === true) {
      break;
    }
    head = Buffer.concat([head, step.value]);
  }
  return head;
}

async function* joined(
  head: Buffer,
  source: AsyncIterator<Buffer>,
): AsyncGenerator<Buffer, void, void> {
  yield head;
  for (let step = await source.next(); step.done !== true; step = await source.next()) {
    yield step.value;
  }
}

/** Base64 from that character on; encoders break it into lines, and forms end it with one. */
async function* withoutBlanks(
  chunks: AsyncIterable<Buffer>,
  start: number,
): AsyncGenerator<Buffer, void, void> {
  let skipped = start;
  for await (const chunk of chunks) {
    const text = chunk.toString('latin1', skipped);
    skipped = 0;
    yield Buffer.from(/\s/.test(text) ? text.replaceAll(/\s/g, '') : text, 'latin1');
  }
}

/**
 * A field's text. A file under a name that is no picture's may be a text like another; if it is
 * not, the field counts as sent and as empty, and is ignored or refused under its name.
 */
async function readText({ name, body, isFile }: FormPart, bytesMax: number): Promise<string> {
  try {
    return decode(name, await readBytes(name, body, bytesMax));
  } catch (error) {
    const isNoText = error instanceof Failure && error.param === name;
    if (isFile && isNoText) {
      return '';
    }
    throw error;
  }
}

async function readBytes(
  name: string,
  body: AsyncIterable<Buffer>,
  bytesMax: number,
): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.length;
    if (bytes > bytesMax) {
      const message = `'${name}' is too long.`;
      throw new Failure('payload_too_large', { param: name, message });
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function decode(name: string, bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new Failure('invalid_value', { param: name, message: `'${name}' is not UTF-8.` });
  }
}

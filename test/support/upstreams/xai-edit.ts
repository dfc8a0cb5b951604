import { probe } from '../../../src/payload/probe.ts';
import { asArray, asObject, type JsonObject } from '../json.ts';
import { dataUriBytes } from './received-edit.ts';

/** What xAI says of the pictures of an edit; undefined when it takes them. */
export function wrongPicture(body: JsonObject, picturesMax: number): string | undefined {
  const { image, images } = body;
  if (image !== undefined && images !== undefined) {
    return 'image and images are mutually exclusive';
  }
  const pictures = items(body);
  if (pictures.length === 0) {
    return 'One of image and images is required';
  }
  if (pictures.length > picturesMax) {
    return `At most ${picturesMax} images can be edited, got ${pictures.length}`;
  }
  return pictures.map(wrongItem).find((wrong) => wrong !== undefined);
}

/** The pictures of an edit that is right, in order; empty ones for addresses, which stay unread. */
export function picturesOf(body: JsonObject): readonly Buffer[] {
  return items(body).map(({ url }) => dataUriBytes(url) ?? Buffer.alloc(0));
}

function items({ image, images = [] }: JsonObject): readonly JsonObject[] {
  return (image === undefined ? asArray(images) : [image]).map(asObject);
}

function wrongItem(item: JsonObject): string | undefined {
  const { url, type = 'image_url', ...others } = item;
  const [unknown] = Object.keys(others);
  if (unknown !== undefined || type !== 'image_url') {
    return `Invalid image: ${unknown ?? 'type'}`;
  }
  if (String(url).startsWith('https:')) {
    return undefined;
  }
  const bytes = dataUriBytes(url);
  if (bytes === undefined) {
    return 'Invalid image: url must be a data URI or an https address';
  }
  const format = probe(bytes)?.format;
  const isAsSaid = format !== undefined && String(url).startsWith(`data:image/${format};`);
  // Nobody says that webp is taken: refused here, so that nothing relies on it.
  return isAsSaid && format !== 'webp' ? undefined : 'Invalid image: unsupported image format';
}

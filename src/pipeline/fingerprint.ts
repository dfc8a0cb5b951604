import { createHash } from 'node:crypto';
import type { ImageCall } from '../contract/call.ts';
import type { EditInputs, PictureSource } from './pictures.ts';

/**
 * SHA-256, in hexadecimal, of what is asked for: two requests with the same one are the same
 * request. How the answer shall come (stream, response_format, Prefer) is not part of it, nor is
 * how a form was written; pictures count by their bytes, addresses as they stand.
 */
export function fingerprintOf(call: ImageCall, inputs: EditInputs | undefined): string {
  const { stream: _, responseFormat: __, textFields: ___, ...asked } = call;
  const pictures = inputs?.images.map(pictureKey) ?? [];
  const mask = inputs?.mask === undefined ? null : pictureKey(inputs.mask);
  return createHash('sha256')
    .update(JSON.stringify([sorted(asked), pictures, mask]))
    .digest('hex');
}

function pictureKey(source: PictureSource): string {
  return source.kind === 'file' ? source.picture.sha256 : source.url;
}

/** With the members of every object in order: clients write them as they like. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) {
    return value.map(sorted);
  }
  if (typeof value !== 'object' || value === null) {
    return value;
  }
  const entries = Object.entries(value).map(([name, member]) => [name, sorted(member)] as const);
  return entries.toSorted(([a], [b]) => (a < b ? -1 : 1));
}

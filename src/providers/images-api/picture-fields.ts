/** Fields of a request in which OpenAI's models take pictures (November 2026). */
const PICTURE_FIELDS: ReadonlySet<string> = new Set([
  'file_id',
  'image',
  'image_url',
  'images',
  'markup',
  'mask',
]);

/**
 * Whether a field names a picture. A caller's pictures come as the task's references, checked and
 * counted; in a field that is merely passed on one could name a file of the operator's account.
 */
export function isPictureField(field: string): boolean {
  return PICTURE_FIELDS.has(plainName(field));
}

/**
 * The name that a server may make of a field: forms read `image[]` and `image[0]` as `image`, and
 * Go's JSON takes no notice of case, nor of letters such as the long s.
 */
export function plainName(field: string): string {
  return field.normalize('NFKC').toLowerCase().replace(/\[.*$/s, '').trim();
}

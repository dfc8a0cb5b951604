/** How base64 begins that stands for a png, a jpeg or a webp. */
const BASE64_PICTURE = /^(?:iVBORw0KGgo|\/9j\/|UklGR)/;

const DATA_PREFIX = /^\s*data:[\w.+/;=-]{0,200},/i;

/** The most bytes in which `pictureText` needs to look. */
export const PICTURE_TEXT_BYTES = 256;

/** A picture's field by its beginning: what kind of text it is, if it is one. */
export type PictureText =
  | { readonly kind: 'url' }
  /** Base64 from this character on. */
  | { readonly kind: 'base64'; readonly start: number }
  /** The bytes of a file, or nothing that anybody knows. */
  | { readonly kind: 'other' };

/** Tells an address, a `data:` URI in base64 and base64 by itself from the bytes of a file. */
export function pictureText(beginning: string): PictureText {
  const [prefix] = DATA_PREFIX.exec(beginning) ?? [];
  if (prefix !== undefined) {
    const isBase64 = /;base64,$/i.test(prefix);
    return isBase64 ? { kind: 'base64', start: prefix.length } : { kind: 'url' };
  }
  if (/^\s*[a-z][a-z0-9+.-]*:/i.test(beginning)) {
    return { kind: 'url' };
  }
  return BASE64_PICTURE.test(beginning) ? { kind: 'base64', start: 0 } : { kind: 'other' };
}

import { Base64Text } from './base64-text.ts';

/** A `data:` prefix is looked for in so many bytes. */
const PREFIX_BYTES_MAX = 256;

const DATA_PREFIX = 'data:';

/** What the beginning of a long string shows. */
export type PayloadHead =
  | { readonly kind: 'base64'; readonly prefixBytes: number }
  /** A long text or address: part of the document. */
  | { readonly kind: 'text' }
  /** Inside a `data:` prefix or an escape, or all of it line breaks so far. */
  | { readonly kind: 'unclear' };

/**
 * Judges a string by its first bytes, as they stand between the quotes: base64, perhaps after a
 * `data:…;base64,` prefix of so many bytes, or something else.
 */
export function judgeHead(head: Buffer): PayloadHead {
  const start = head.toString('latin1', 0, PREFIX_BYTES_MAX);
  const scheme = start.slice(0, DATA_PREFIX.length).toLowerCase();
  if (scheme !== DATA_PREFIX) {
    const isCutOff = scheme === start && DATA_PREFIX.startsWith(scheme);
    return isCutOff ? { kind: 'unclear' } : judgeText(head, 0);
  }
  const comma = start.indexOf(',');
  if (comma === -1) {
    return { kind: head.length < PREFIX_BYTES_MAX ? 'unclear' : 'text' };
  }
  // Some encoders escape each slash.
  const prefix = start.slice(0, comma).replaceAll('\\/', '/');
  const isBase64 = /^data:[\w.+/;=-]*;base64$/i.test(prefix);
  return isBase64 ? judgeText(head, comma + 1) : { kind: 'text' };
}

function judgeText(head: Buffer, prefixBytes: number): PayloadHead {
  try {
    const text = new Base64Text();
    const isUnclear = text.clean(head.subarray(prefixBytes)).length === 0 || text.isInsideEscape;
    return isUnclear ? { kind: 'unclear' } : { kind: 'base64', prefixBytes };
  } catch {
    return { kind: 'text' };
  }
}

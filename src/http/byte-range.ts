/** Bytes from `start` on, `end` is not one of them. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/**
 * What a `Range` header asks for of so many bytes (RFC 9110 §14). `whole`: nothing that is answered
 * in part: no header, another unit, several ranges, or one that is malformed.
 */
export function parseRange(header: string | undefined, bytes: number): ByteRange | RangeVerdict {
  const [, first = '', last = ''] = /^bytes=[ \t]*(\d*)-(\d*)[ \t]*$/i.exec(header ?? '') ?? [];
  if (first === '') {
    return last === '' ? 'whole' : suffix(Number(last), bytes);
  }
  const start = Number(first);
  const end = last === '' ? bytes : Math.min(Number(last) + 1, bytes);
  if (last !== '' && Number(last) < start) {
    return 'whole';
  }
  return start < bytes ? { start, end } : 'unsatisfiable';
}

export type RangeVerdict = 'whole' | 'unsatisfiable';

function suffix(length: number, bytes: number): ByteRange | RangeVerdict {
  return length === 0 ? 'unsatisfiable' : { start: Math.max(0, bytes - length), end: bytes };
}

/** Whether an `If-None-Match` names this entity tag, which is a strong one: compared weakly. */
export function namesTag(header: string | undefined, tag: string): boolean {
  if (header === undefined) {
    return false;
  }
  // A quoted tag may hold a comma.
  const named = header.match(/(?:W\/)?"[^"]*"/g) ?? [];
  return header.trim() === '*' || named.some((text) => text.replace(/^W\//, '') === tag);
}

/** Whether a `Range` is still meant: its `If-Range`, compared strongly, says so. A date never fits. */
export function rangeHolds(ifRange: string | undefined, tag: string): boolean {
  return ifRange === undefined || ifRange.trim() === tag;
}

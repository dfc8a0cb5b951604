import type { PixelSize } from '../base/image.ts';

/** Where a box's content lies; it may reach beyond the bytes that are there. */
interface Box {
  readonly type: string;
  readonly start: number;
  readonly end: number;
}

/** The way to the sizes: in `meta` 4 bytes of version and flags stand before the inner boxes. */
const PATH = [
  { type: 'meta', skippedBytes: 4 },
  { type: 'iprp', skippedBytes: 0 },
  { type: 'ipco', skippedBytes: 0 },
] as const;

/**
 * The size of an AVIF from its beginning, which starts with an `ftyp` box: the largest of the
 * `ispe` properties, since a thumbnail and the tiles of a grid have smaller ones of their own.
 * `further` when these lie beyond the bytes given, `unknown` when it is another kind of file.
 * ISO/IEC 14496-12 (boxes), ISO/IEC 23008-12 §6.5.3 (ispe).
 */
export function probeAvif(head: Buffer): PixelSize | 'further' | 'unknown' {
  const type = boxes(head, 0, head.length).next().value;
  if (type === undefined || !hasAvifBrand(head, type)) {
    return 'unknown';
  }
  let outer: Box = { type: 'file', start: type.end, end: Infinity };
  for (const { type, skippedBytes } of PATH) {
    const inner = find(head, outer, type);
    if (inner === undefined) {
      return outer.end > head.length ? 'further' : 'unknown';
    }
    outer = { ...inner, start: inner.start + skippedBytes };
  }
  if (outer.end > head.length) {
    return 'further';
  }
  return largest(head, outer);
}

function largest(head: Buffer, properties: Box): PixelSize | 'unknown' {
  let size: PixelSize = { width: 0, height: 0 };
  for (const { type, start, end } of boxes(head, properties.start, properties.end)) {
    if (type === 'ispe' && end - start >= 12 && end <= head.length) {
      const width = head.readUInt32BE(start + 4);
      const height = head.readUInt32BE(start + 8);
      size = width * height > size.width * size.height ? { width, height } : size;
    }
  }
  return size.width === 0 ? 'unknown' : size;
}

/** The file's major brand or one of its compatible brands says that it is an AVIF. */
function hasAvifBrand(head: Buffer, { start, end }: Box): boolean {
  for (let position = start; position + 4 <= Math.min(end, head.length); position += 4) {
    const brand = head.toString('latin1', position, position + 4);
    if (brand === 'avif' || brand === 'avis') {
      return true;
    }
  }
  return false;
}

function find(head: Buffer, outer: Box, type: string): Box | undefined {
  for (const box of boxes(head, outer.start, outer.end)) {
    if (box.type === type) {
      return box;
    }
  }
  return undefined;
}

/** The boxes whose own headers lie within the bytes that are there. */
function* boxes(head: Buffer, first: number, last: number): Generator<Box, undefined, void> {
  const end = Math.min(last, head.length);
  for (let position = first; position + 16 <= end;) {
    const type = head.toString('latin1', position + 4, position + 8);
    const size = head.readUInt32BE(position);
    const isLong = size === 1;
    const bytes = isLong ? Number(head.readBigUInt64BE(position + 8)) : size || Infinity;
    const headerBytes = isLong ? 16 : 8;
    if (bytes < headerBytes) {
      return undefined;
    }
    yield { type, start: position + headerBytes, end: Math.min(position + bytes, last) };
    position += bytes;
  }
  return undefined;
}

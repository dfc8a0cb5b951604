import { type Document, type Node, isAlias, isMap, isNode, isScalar, isSeq } from 'yaml';

/**
 * Where the value at a path begins in the file's text: the offset of its key, or of the deepest
 * part of the path that is there. Aliases and merge keys lead to where the value is written.
 */
export function offsetOf(document: Document, path: readonly PropertyKey[]): number {
  let node: unknown = document.contents;
  let offset = startOf(node) ?? 0;
  for (const step of path) {
    const found = childOf(document, node, step);
    if (found === undefined) {
      return offset;
    }
    offset = startOf(found.key) ?? startOf(found.value) ?? offset;
    node = found.value;
  }
  return offset;
}

interface Child {
  /** Only in maps. */
  readonly key?: unknown;
  readonly value: unknown;
}

function childOf(document: Document, parent: unknown, step: PropertyKey): Child | undefined {
  const node = isAlias(parent) ? parent.resolve(document) : parent;
  if (isSeq(node)) {
    const value: unknown = node.items[Number(step)];
    return value === undefined ? undefined : { value };
  }
  if (!isMap(node)) {
    return undefined;
  }
  const pair = node.items.find(({ key }) => isScalar(key) && String(key.value) === String(step));
  if (pair !== undefined) {
    return { key: pair.key, value: pair.value };
  }
  for (const { key, value } of node.items) {
    const merged = isScalar(key) && isMergeKey(key.value) && childOf(document, value, step);
    if (merged) {
      return merged;
    }
  }
  return undefined;
}

function isMergeKey(key: unknown): boolean {
  return key === '<<' || (typeof key === 'symbol' && key.description === '<<');
}

function startOf(node: unknown): number | undefined {
  return isNode(node) ? (node as Node).range?.[0] : undefined;
}

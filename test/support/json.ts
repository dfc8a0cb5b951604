import assert from 'node:assert/strict';

/** A parsed JSON object of which nothing is known yet. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** The value as an object; fails the test when it is none. */
export function asObject(value: unknown): JsonObject {
  assert(typeof value === 'object' && value !== null && !Array.isArray(value), show(value));
  return value as JsonObject;
}

export function asArray(value: unknown): readonly unknown[] {
  assert(Array.isArray(value), show(value));
  return value as unknown[];
}

export function asString(value: unknown): string {
  assert(typeof value === 'string', show(value));
  return value;
}

/** What lies at a path such as `usage.cost.total_cost` or `data[0].url`; undefined if nothing. */
export function at(value: unknown, path: string): unknown {
  let found = value;
  for (const key of path.split(/[.[\]]+/).filter((part) => part !== '')) {
    found =
      typeof found === 'object' && found !== null
        ? (found as Record<string, unknown>)[key]
        : undefined;
  }
  return found;
}

/** Every leaf of a JSON value by its path, array members by `[]`: `data[].b64_json`. */
export function leafPaths(value: unknown, prefix = ''): string[] {
  if (Array.isArray(value)) {
    return [...new Set(value.flatMap((member) => leafPaths(member, `${prefix}[]`)))];
  }
  if (typeof value === 'object' && value !== null) {
    return Object.entries(value).flatMap(([key, member]) =>
      leafPaths(member, prefix === '' ? key : `${prefix}.${key}`),
    );
  }
  return [prefix];
}

function show(value: unknown): string {
  return `unexpected: ${JSON.stringify(value)?.slice(0, 300)}`;
}

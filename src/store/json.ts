/** What a column of JSON holds; undefined where it is null. */
export function readJson(text: string | null): unknown {
  return text === null ? undefined : JSON.parse(text);
}

/** Amounts inside are written as decimal text, since JSON has no bigint. */
export function writeJson(value: unknown): string | undefined {
  return value === undefined
    ? undefined
    : JSON.stringify(value, (_name, member: unknown) =>
        typeof member === 'bigint' ? member.toString() : member,
      );
}

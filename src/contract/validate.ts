import type { z } from 'zod';
import { Failure } from '../base/errors.ts';

type Issue = z.core.$ZodIssue;

/**
 * Reads a value by a schema of the contract. Throws the Failure that the wire promises for the
 * first thing that is wrong, naming the field and what would be right.
 */
export function validate<Schema extends z.ZodType>(
  schema: Schema,
  value: unknown,
): z.output<Schema> {
  const result = schema.safeParse(value);
  if (result.success) {
    return result.data;
  }
  const [issue] = result.error.issues;
  throw issue === undefined ? new Failure('invalid_value') : issueToFailure(issue, value);
}

function issueToFailure(issue: Issue, root: unknown): Failure {
  const param = issue.path.map(String).join('.');
  const named = param === '' ? { name: 'the body' } : { name: `'${param}'`, param };
  const received = valueAt(root, issue.path);
  const details = named.param === undefined ? {} : { param: named.param };
  if (issue.code === 'invalid_type' && received === undefined && issue.path.length > 0) {
    const message = `Missing required parameter: ${named.name}.`;
    return new Failure('missing_required_parameter', { ...details, message });
  }
  if (issue.code === 'invalid_type') {
    const message =
      `Invalid type for ${named.name}: expected ${withArticle(issue.expected)}, ` +
      `but got ${describeType(received)} instead.`;
    return new Failure('invalid_type', { ...details, message });
  }
  const message = `Invalid value for ${named.name}: ${explain(issue)}.`;
  return new Failure('invalid_value', { ...details, message });
}

function explain(issue: Issue): string {
  if (issue.code === 'invalid_value') {
    return `expected one of ${issue.values.map(String).join(', ')}`;
  }
  if (issue.code === 'too_small') {
    return issue.origin === 'string'
      ? 'it must not be empty'
      : `it must be at least ${issue.minimum}`;
  }
  if (issue.code === 'too_big') {
    const most = issue.origin === 'string' ? `have at most ${issue.maximum} characters` : '';
    return `it must ${most === '' ? `be at most ${issue.maximum}` : most}`;
  }
  return issue.message.charAt(0).toLowerCase() + issue.message.slice(1);
}

function withArticle(expected: string): string {
  const word = { int: 'integer', record: 'object' }[expected] ?? expected;
  return /^[aeiou]/.test(word) ? `an ${word}` : `a ${word}`;
}

function describeType(value: unknown): string {
  if (value === null) {
    return 'null';
  }
  if (Array.isArray(value)) {
    return 'an array';
  }
  return typeof value === 'number' && !Number.isInteger(value)
    ? 'a decimal number'
    : withArticle(typeof value);
}

function valueAt(root: unknown, path: readonly PropertyKey[]): unknown {
  let value = root;
  for (const key of path) {
    if (typeof value !== 'object' || value === null) {
      return undefined;
    }
    value = (value as Record<PropertyKey, unknown>)[key];
  }
  return value;
}

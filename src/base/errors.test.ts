import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { ERRORS, errorBody, type ErrorName, type ErrorRow, Failure, toFailure } from './errors.ts';

const PAGES_FOLDER = new URL('../../docs/errors/', import.meta.url);
const ROWS = Object.values<ErrorRow>(ERRORS);

/** The rows by the name of their page: rows that share a code share a page. */
const ROWS_BY_PAGE = Map.groupBy(ROWS, ({ code }) => code ?? 'internal_error');

function readPage(name: string): string {
  return readFileSync(new URL(`${name}.md`, PAGES_FOLDER), 'utf8');
}

test('every code has a page, and every page has a code', () => {
  const pages = readdirSync(PAGES_FOLDER)
    .filter((file) => file !== 'README.md')
    .map((file) => file.replace(/\.md$/, ''));
  assert.deepEqual(pages.toSorted(), [...ROWS_BY_PAGE.keys()].toSorted());
});

for (const [name, rows] of ROWS_BY_PAGE) {
  test(`docs/errors/${name}.md says what its row says`, () => {
    const page = readPage(name);
    assert.equal(page.split('\n', 1)[0], `# \`${name}\``);
    const lines = [...page.matchAll(/^Status .*$/gm)].map(([line]) => line);
    assert.deepEqual(
      lines,
      rows.map(({ status, type }) => `Status ${status} · type \`${type}\``),
    );
    const neverRetry = rows.some((row) => row.neverRetry === true);
    assert.equal(page.includes('`x-should-retry: false`'), neverRetry, 'x-should-retry');
  });

  test(`the example of docs/errors/${name}.md is an envelope of its row`, () => {
    const [, example] = /```json\n(.+?)```/s.exec(readPage(name)) ?? [];
    assert(example !== undefined, 'there is no example');
    const { error } = JSON.parse(example) as ReturnType<typeof errorBody>;
    assert.deepEqual(Object.keys(error), ['message', 'type', 'code', 'param']);
    assert.deepEqual([error.type, error.code], [rows[0]?.type, rows[0]?.code]);
  });
}

test('the table of docs/errors/README.md lists every row once', () => {
  const listed = [...readPage('README').matchAll(/^\| (\d+) \| (\S+) \|.*\| (\S+) \|$/gm)].map(
    ([, status, code, link]) => `${status} ${code} ${link}`,
  );
  const expected = ROWS.map(({ status, code }) => {
    const page = code ?? 'internal_error';
    return `${status} ${code === null ? 'null' : `\`${code}\``} [${page}](${page}.md)`;
  });
  assert.deepEqual(listed.toSorted(), expected.toSorted());
});

test('a failure reads as its row says, unless it is given other words', () => {
  const plain = new Failure('invalid_api_key');
  assert.equal(plain.message, 'Incorrect API key provided.');
  assert.equal(plain.row, ERRORS.invalid_api_key);
  assert.equal(plain.errorName, 'invalid_api_key');
  assert.equal(plain.param, null);
  assert.equal(plain.internal, undefined);
  assert.equal(plain.retryAfterSeconds, undefined);

  const cause = new Error('a reason');
  const told = new Failure('invalid_value', { message: 'No.', param: 'n', internal: 'x', cause });
  assert.equal(told.message, 'No.');
  assert.equal(told.param, 'n');
  assert.equal(told.internal, 'x');
  assert.equal(told.cause, cause);
});

test('only failures that pass by themselves say when to come back', () => {
  const names = Object.keys(ERRORS) as ErrorName[];
  const timed = names.filter((name) => new Failure(name).retryAfterSeconds !== undefined);
  assert.deepEqual(timed, ['rate_limit_exceeded', 'overloaded']);
  assert.equal(new Failure('overloaded', { retryAfterSeconds: 30 }).retryAfterSeconds, 30);
});

test('what would be bought twice by a retry forbids it', () => {
  const names = Object.keys(ERRORS) as ErrorName[];
  const final = names.filter((name) => new Failure(name).row.neverRetry === true);
  assert.deepEqual(final, ['insufficient_quota', 'request_cancelled', 'upstream_timeout']);
});

test('the envelope has its four keys always, and nothing that is not public', () => {
  const internal = 'the disk of db-3 is full';
  const failure = new Failure('internal_error', { internal, cause: new Error(internal) });
  assert.equal(
    JSON.stringify(errorBody(failure)),
    '{"error":{"message":"The server had an error while processing your request. Please retry.",' +
      '"type":"api_error","code":null,"param":null}}',
  );
  const { error } = errorBody(new Failure('prompt_too_long', { param: 'prompt' }));
  assert.deepEqual([error.code, error.param], ['PROMPT_TOO_LONG', 'prompt']);
});

test('a failure stays itself; anything else that was thrown is our own error', () => {
  const failure = new Failure('overloaded');
  assert.equal(toFailure(failure), failure);

  const thrown = new TypeError('x is not a function');
  const ours = toFailure(thrown);
  assert.equal(ours.row.status, 500);
  assert.equal(ours.message, ERRORS.internal_error.message);
  assert.equal(ours.internal, 'x is not a function');
  assert.equal(ours.cause, thrown);

  assert.equal(toFailure('text').internal, 'text');
  assert.equal(toFailure(undefined).internal, 'undefined');
});

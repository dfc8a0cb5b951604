import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UpstreamFailure } from '../base/upstream-failure.ts';
import { cleanMessage, refusalFailure, type UpstreamRefusal } from './upstream-errors.ts';

const CLEANED: readonly (readonly [string, string | undefined])[] = [
  ['Invalid value: `2x2`.', 'Invalid value: `2x2`.'],
  [
    "Supported values are: '1024x1024' and 'auto'.",
    "Supported values are: '1024x1024' and 'auto'.",
  ],
  ['Too big. Contact us at help.openai.com with request ID 12345678.', 'Too big.'],
  ['Key sk-proj-abcdef12345 is bad', 'Key … is bad'],
  ['Key sk-proj-****************abcd is bad', 'Key … is bad'],
  ['See http://10.0.0.1:8080/x?key=1 or www.example.org/a', 'See … or …'],
  ['connect to 10.1.2.3:443 failed', 'connect to … failed'],
  ['worker gpu-7.internal/v1 failed', 'worker … failed'],
  ['id 11111111-2222-4333-8444-555555555555 failed', 'id … failed'],
  ['image data:image/png;base64,AAAA is bad', 'image … is bad'],
  [`image ${'iVBORw0KGgo'.repeat(20)}1 is bad`, 'image … is bad'],
  ['a\r\nb\tc\u0000d\u001b[31m\u2028e\u200b\u202ef', 'a b c d [31m e f'],
  ['<html><body>502</body></html>', undefined],
  ['', undefined],
  ['12345 !!', undefined],
  ['\ud800 lone', '\ufffd lone'],
];

for (const [text, expected] of CLEANED) {
  test(`${JSON.stringify(text).slice(0, 60)} is cleaned`, () => {
    assert.equal(cleanMessage(text), expected);
  });
}

test('a message has at most 300 characters and no half of one', () => {
  assert.equal(cleanMessage(undefined), undefined);
  const long = cleanMessage(`a${'😀'.repeat(500)}`) ?? '';
  assert(long.length <= 300 && long.isWellFormed() && long.endsWith('😀…'));
  const megabytes = cleanMessage(`word ${'x.-/'.repeat(1_000_000)}`) ?? '';
  assert(megabytes.length <= 300);
});

const ROWS: readonly (readonly [Omit<UpstreamRefusal, 'provider'>, string])[] = [
  [{ status: 400 }, 'invalid_value'],
  [{ status: 422 }, 'invalid_value'],
  [{ status: 400, param: 'model' }, 'upstream_error no'],
  [{ status: 400, code: 'content_policy_violation' }, 'moderation_blocked'],
  [{ status: 500, type: 'content_filter' }, 'moderation_blocked'],
  [{ status: 401 }, 'upstream_error no'],
  [{ status: 402 }, 'upstream_error no'],
  [{ status: 403 }, 'upstream_error no'],
  [{ status: 404 }, 'upstream_error no'],
  [{ status: 429, code: 'insufficient_quota' }, 'upstream_error no'],
  [{ status: 200, code: 'insufficient_quota' }, 'upstream_error unknown'],
  [{ status: 413 }, 'payload_too_large'],
  [{ status: 429, retryAfterSeconds: 7 }, 'overloaded no 7'],
  [{ status: 503 }, 'overloaded no 1'],
  [{ status: 529 }, 'overloaded no 1'],
  [{ status: 500 }, 'upstream_error unknown'],
  [{ status: 502 }, 'upstream_error unknown'],
  [{ status: 408 }, 'upstream_timeout unknown'],
  [{ status: 504 }, 'upstream_timeout unknown'],
  [{ status: 418 }, 'upstream_error unknown'],
  [{ status: 200, code: 'server_error' }, 'upstream_error unknown'],
  [{ status: 200, type: 'invalid_request_error' }, 'invalid_value'],
];

for (const [refusal, expected] of ROWS) {
  test(`${JSON.stringify(refusal)} is ${expected}`, () => {
    const message = 'the prompt "secret words" at http://inside failed';
    const failure = refusalFailure({ provider: 'mine', message, ...refusal });
    const billed = failure instanceof UpstreamFailure ? failure.billed : undefined;
    const found = [failure.errorName, billed, failure.retryAfterSeconds];
    assert.equal(found.filter((part) => part !== undefined).join(' '), expected);
    assert.match(failure.internal ?? '', /^mine answered \d+/);
    const isCallers = failure.errorName === 'invalid_value';
    assert.equal(failure.message.includes('secret words'), isCallers);
  });
}

test('what goes to the log is one clean line', () => {
  const code = 'a\nb"{}'.repeat(100);
  const { internal = '' } = refusalFailure({ provider: 'mine', status: 500, code });
  assert.match(internal, /^mine answered 500 \([\w.:/-]{1,80}\)$/);
});

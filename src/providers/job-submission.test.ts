import assert from 'node:assert/strict';
import { buffer } from 'node:stream/consumers';
import { test } from 'node:test';
import { noisePicture, referenceOf } from '../../test/support/references.ts';
import { Base64Value } from '../egress/streamed-body.ts';
import { jobSubmission } from './job-submission.ts';

test('a generation is a text with its content type, and has the plain time', () => {
  const sent = jobSubmission({ references: [] }, { document: { prompt: 'é' }, acceptMs: 60_000 });
  assert.deepEqual(sent, {
    headers: { 'content-type': 'application/json' },
    body: '{"prompt":"é"}',
    firstByteMs: 60_000,
  });
});

test('an edit is streamed, and has a millisecond more for each KiB of it', async () => {
  const picture = await noisePicture({ width: 256, height: 256 });
  const reference = referenceOf(picture);
  const document = {
    prompt: 'é',
    images: [new Base64Value(reference), new Base64Value(reference)],
  };
  const sent = jobSubmission({ references: [reference] }, { document, acceptMs: 60_000 });
  assert(typeof sent.body === 'object' && 'chunks' in sent.body);
  assert.deepEqual(sent.headers, {});
  const base64 = picture.toString('base64');
  const bytes = await buffer(sent.body.chunks());
  assert.equal(bytes.toString(), JSON.stringify({ prompt: 'é', images: [base64, base64] }));
  assert.equal(sent.firstByteMs, 60_000 + Math.ceil(bytes.length / 1024));
});

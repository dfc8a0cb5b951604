import assert from 'node:assert/strict';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { test } from 'node:test';
import { bytesPayload } from '../payload/payload.ts';
import type { WholeFile } from '../payload/reference.ts';
import { readText } from './read-body.ts';
import { Base64Value, jsonBody, multipartBody, type StreamedBody } from './streamed-body.ts';
import { egressTo, httpUpstream } from './test-upstream.ts';

function file(bytes: Buffer, form: 'binary' | 'base64' = 'binary'): WholeFile {
  const content = form === 'binary' ? bytes : Buffer.from(bytes.toString('base64'));
  return { payload: bytesPayload(content, form), bytes: bytes.length };
}

async function written({ contentLength, chunks }: StreamedBody): Promise<Buffer> {
  const bytes = Buffer.concat(await Array.fromAsync(chunks()));
  assert.equal(bytes.length, contentLength);
  return bytes;
}

const some = Buffer.from(Array.from({ length: 100_001 }, (_, index) => index % 256));

test('a JSON body holds its files in base64, and the rest as JSON.stringify writes it', async () => {
  for (const length of [0, 1, 2, 3, 1000, some.length]) {
    const bytes = some.subarray(0, length);
    const rest = { text: 'a "quoted" ☃\u2028', list: [1, null, true], nothing: undefined };
    const body = jsonBody({
      ...rest,
      images: [{ url: new Base64Value(file(bytes), 'data:image/png;base64,') }],
      again: new Base64Value(file(bytes, 'base64')),
    });
    assert.equal(body.contentType, 'application/json');
    const base64 = bytes.toString('base64');
    assert.equal(
      (await written(body)).toString(),
      JSON.stringify({
        ...rest,
        images: [{ url: `data:image/png;base64,${base64}` }],
        again: base64,
      }),
    );
  }
});

test('a form is read by another parser as it was meant', async () => {
  const body = multipartBody([
    { name: 'prompt', value: 'a ☃\r\n--and "quotes"' },
    { name: 'image[]', value: { ...file(some), mediaType: 'image/png', name: 'a"b\r\n.png' } },
    { name: 'image[]', value: { ...file(some, 'base64'), mediaType: 'image/jpeg', name: 'b.jpg' } },
  ]);
  const headers = { 'content-type': body.contentType };
  const form = await new Response(new Uint8Array(await written(body)), { headers }).formData();
  assert.equal(form.get('prompt'), 'a ☃\r\n--and "quotes"');
  const files = form.getAll('image[]').filter((value) => typeof value !== 'string');
  assert.deepEqual(
    files.map(({ type }) => type),
    ['image/png', 'image/jpeg'],
  );
  for (const value of files) {
    assert.ok(Buffer.from(await value.arrayBuffer()).equals(some));
  }
});

test('a streamed body is sent with its length and type, and arrives whole', async (t) => {
  const upstream = await httpUpstream(t, (request: IncomingMessage, response: ServerResponse) => {
    const { 'content-type': type, 'content-length': length } = request.headers;
    let bytes = 0;
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
    });
    request.on('end', () => response.end(JSON.stringify({ type, length, bytes })));
  });
  const egress = egressTo(t, upstream.url);
  const body = jsonBody({ image: new Base64Value(file(some)) });
  const answer = await egress.request({
    method: 'POST',
    url: `${upstream.url}/edits`,
    body,
    signal: new AbortController().signal,
  });
  assert.deepEqual(JSON.parse(await readText(answer, 1000)), {
    type: 'application/json',
    length: String(body.contentLength),
    bytes: body.contentLength,
  });
});

test('a body whose source fails is never sent as a whole, and nothing hangs', async (t) => {
  let isComplete = false;
  const upstream = await httpUpstream(t, (request) => {
    request.on('error', () => undefined);
    request.on('end', () => {
      isComplete = true;
    });
    request.resume();
  });
  const egress = egressTo(t, upstream.url);
  const broken: WholeFile = {
    bytes: some.length,
    payload: {
      form: 'binary',
      peek: async () => some,
      async *chunks() {
        yield some.subarray(0, 70_000);
        throw new Error('the disk is gone');
      },
    },
  };
  const sending = egress.request({
    method: 'POST',
    url: `${upstream.url}/edits`,
    body: jsonBody({ image: new Base64Value(broken) }),
    signal: new AbortController().signal,
  });
  await assert.rejects(sending, { errorName: 'upstream_error' });
  assert.equal(isComplete, false);
});

test('an answer that comes before the body was read is an answer', async (t) => {
  const upstream = await httpUpstream(t, (_request, response) => {
    response.writeHead(400, { 'content-type': 'application/json' }).end('{"early":true}');
  });
  const egress = egressTo(t, upstream.url);
  const large = file(Buffer.alloc(20 * 1024 * 1024, 1));
  const answer = await egress.request({
    method: 'POST',
    url: `${upstream.url}/edits`,
    body: multipartBody([
      { name: 'image', value: { ...large, mediaType: 'image/png', name: 'a' } },
    ]),
    signal: new AbortController().signal,
  });
  assert.equal(answer.status, 400);
  assert.equal(await readText(answer, 1000), '{"early":true}');
});

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test, type TestContext } from 'node:test';
import { type Bucket, createBucket } from './bucket.ts';

interface Asked {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

type Answer = (response: ServerResponse, asked: Asked) => void;

/** A storage that answers as it is told, in order: for what the server of the other tests never says. */
async function startStorage(
  context: TestContext,
  ...answers: Answer[]
): Promise<{ readonly bucket: Bucket; readonly asked: Asked[] }> {
  const asked: Asked[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { method = '', url = '', headers } = request;
      const one = { method, url, headers, body: Buffer.concat(chunks).toString() };
      asked.push(one);
      const answer = answers[asked.length - 1] ?? refuse(500, 'NothingLeftToSay');
      answer(response, one);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const bucket = createBucket({
    bucket: 'pictures',
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    region: 'eu-central-1',
    accessKeyId: 'AKIA',
    secretAccessKey: 'secret',
    sessionToken: 'for an hour',
  });
  context.after(async () => {
    await bucket.close();
    server.close();
  });
  return { bucket, asked };
}

function refuse(status: number, code: string, message = ''): Answer {
  const body = `<?xml version="1.0"?><Error><Code>${code}</Code><Message>${message}</Message></Error>`;
  return (response) => response.writeHead(status, { 'content-type': 'application/xml' }).end(body);
}

function say(body: string, headers: Record<string, string> = {}, status = 200): Answer {
  return (response) => response.writeHead(status, headers).end(body);
}

const content = {
  body: {
    bytes: 3,
    chunks: async function* chunks() {
      yield Buffer.from('abc');
    },
  },
  notes: { 'easel-form': 'binary' },
};

test('an empty object has no last byte, and is looked at as a whole', async (t) => {
  const { bucket, asked } = await startStorage(
    t,
    refuse(416, 'InvalidRange'),
    say('', { etag: '"e"', 'content-length': '0', 'x-amz-meta-easel-form': 'base64' }),
  );
  const look = await bucket.look('a/b');
  assert.deepEqual(look, {
    bytes: 0,
    tag: '"e"',
    notes: { 'easel-form': 'base64' },
    tail: Buffer.alloc(0),
  });
  assert.deepEqual(
    asked.map(({ headers }) => headers.range),
    ['bytes=-2', undefined],
  );
});

test('an end of an upload that went wrong behind its 200 is made again', async (t) => {
  const { bucket, asked } = await startStorage(
    t,
    refuse(200, 'InternalError'),
    refuse(503, 'SlowDown'),
    say('<CompleteMultipartUploadResult/>'),
  );
  await bucket.completeUpload({ key: 'a/b', uploadId: 'u&1' }, ['"x"', '"y&z"']);
  assert.equal(asked.length, 3);
  assert.equal(asked[2]?.url, '/pictures/a/b?uploadId=u%261');
  assert.equal(
    asked[2]?.body,
    '<CompleteMultipartUpload>' +
      '<Part><PartNumber>1</PartNumber><ETag>"x"</ETag></Part>' +
      '<Part><PartNumber>2</PartNumber><ETag>"y&#38;z"</ETag></Part></CompleteMultipartUpload>',
  );
});

test('a refusal is told once; too much to do is asked for four times', async (t) => {
  const { bucket, asked } = await startStorage(
    t,
    refuse(301, 'PermanentRedirect', 'Use another endpoint &amp; region'),
    ...[1, 2, 3, 4].map(() => refuse(503, 'SlowDown')),
  );
  await assert.rejects(bucket.put('k', content), {
    code: 'PermanentRedirect',
    isAway: false,
    message: /^the bucket pictures at 127.* refuses: PermanentRedirect: Use .* endpoint & region$/,
  });
  assert.equal(asked.length, 1);
  await assert.rejects(bucket.put('k', content), { code: 'SlowDown', isAway: true });
  assert.equal(asked.length, 5);
  assert.ok(
    asked.every(({ body }) => body === 'abc'),
    'each time all of it is sent',
  );
});

test('what is sent is signed, its bytes and a temporary token among it', async (t) => {
  const { bucket, asked } = await startStorage(t, say(''), say('', {}, 204));
  await bucket.put('a/b', content);
  await bucket.remove('a/b');
  const [put, removed] = asked;
  // Of `abc`.
  const hash = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad';
  assert.equal(put?.headers['x-amz-content-sha256'], hash);
  assert.equal(put?.headers['content-length'], '3');
  assert.equal(put?.headers['x-amz-meta-easel-form'], 'binary');
  for (const one of [put, removed]) {
    assert.equal(one?.headers['x-amz-security-token'], 'for an hour');
    const scope = /^AWS4-HMAC-SHA256 Credential=AKIA\/\d{8}\/eu-central-1\/s3\/aws4_request, /;
    assert.match(one?.headers.authorization ?? '', scope);
    assert.match(one?.headers.authorization ?? '', /SignedHeaders=[^,]*x-amz-security-token/);
  }
  assert.deepEqual([removed?.method, removed?.body], ['DELETE', '']);
});

test('a part that comes as the whole is not taken for the part', async (t) => {
  const { bucket } = await startStorage(t, say('abcdef', { etag: '"e"' }));
  const read = bucket.read('k', { start: 2, end: 4, tag: '"e"' });
  await assert.rejects(read, { code: 'StrangeAnswer', isAway: false });
});

test('names are read as they are, over pages', async (t) => {
  const upload = (key: string): string =>
    `<Upload><Key>${key}</Key><UploadId>u</UploadId>` +
    '<Initiated>2026-11-27T08:00:00.000Z</Initiated></Upload>';
  const { bucket, asked } = await startStorage(
    t,
    say(
      `<R><IsTruncated>true</IsTruncated><NextKeyMarker>a&amp;b</NextKeyMarker>` +
        `<NextUploadIdMarker>u</NextUploadIdMarker>${upload('a&amp;b')}</R>`,
    ),
    say(`<R><IsTruncated>false</IsTruncated>${upload('&#x4e2d;&#34;&lt;&quot;')}</R>`),
  );
  const uploads = await Array.fromAsync(bucket.uploads('p/'));
  assert.deepEqual(
    uploads.map(({ key }) => key),
    ['a&b', '中"<"'],
  );
  assert.equal(uploads[0]?.begunAt, Date.UTC(2026, 10, 27, 8));
  assert.equal(new URL(asked[1]?.url ?? '', 'http://x').searchParams.get('key-marker'), 'a&b');
});

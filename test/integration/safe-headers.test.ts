import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { suite, test } from 'node:test';
import { type Easel, startEasel } from '../support/harness.ts';
import { sendRaw } from '../support/raw-http.ts';

const GENERATIONS = '/v1/images/generations';
const BOAT = { model: 'deepshi-banana-pro', prompt: 'a boat', width: 256, height: 256 };
const ORIGIN = 'https://app.example';

/** One answer of each kind. */
async function answersOf(easel: Easel, headers: Record<string, string> = {}): Promise<Response[]> {
  const made = await easel.post(GENERATIONS, BOAT, headers);
  const id = made.headers.get('x-easel-image-id') ?? '';
  await made.clone().arrayBuffer();
  const get = (path: string): Promise<Response> => easel.get(path, { headers });
  return [
    made,
    await easel.post(GENERATIONS, { ...BOAT, stream: true }, headers),
    await easel.post(GENERATIONS, BOAT, { ...headers, accept: 'image/*' }),
    await easel.post(GENERATIONS, { ...BOAT, n: 9 }, headers),
    await get(`/v1/images/${id}`),
    await get(`/v1/images/${id}/content/0`),
    await get('/v1/models'),
    await get('/nowhere'),
    await get('/docs'),
    await get('/openapi.json'),
    await fetch(`${easel.url}/v1/models`, { headers }),
  ];
}

test('no answer can be sniffed, framed, or act as a page', async () => {
  await using easel = await startEasel();
  for (const response of await answersOf(easel)) {
    const { headers, url } = response;
    assert.equal(headers.get('x-content-type-options'), 'nosniff', url);
    assert.equal(headers.get('referrer-policy'), 'no-referrer', url);
    const policy = headers.get('content-security-policy') ?? '';
    assert.match(policy, /default-src 'none'/, url);
    assert.match(policy, /frame-ancestors 'none'/, url);
    assert.doesNotMatch(policy, /unsafe/, url);
    assert.equal(url.endsWith('/docs'), !policy.includes('sandbox'), url);
    await response.arrayBuffer();
  }
});

suite('pages of other origins', () => {
  test('none may read anything unless the operator named it', async () => {
    await using easel = await startEasel();
    for (const response of await answersOf(easel, { origin: ORIGIN })) {
      assert.equal(response.headers.get('access-control-allow-origin'), null, response.url);
      await response.arrayBuffer();
    }
    const preflight = await fetch(`${easel.url}${GENERATIONS}`, {
      method: 'OPTIONS',
      headers: { origin: ORIGIN, 'access-control-request-method': 'POST' },
    });
    assert.equal(preflight.status, 405);
    assert.equal(preflight.headers.get('access-control-allow-origin'), null);
  });

  test('one that is named may read answers and refusals, and the headers that matter', async () => {
    await using easel = await startEasel({ yaml: `cors: { origins: ['${ORIGIN}'] }` });
    const preflight = await fetch(`${easel.url}${GENERATIONS}`, {
      method: 'OPTIONS',
      headers: {
        origin: ORIGIN,
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'authorization,content-type,idempotency-key',
      },
    });
    assert.equal(preflight.status, 204);
    const { headers } = preflight;
    assert.equal(headers.get('access-control-allow-origin'), ORIGIN);
    assert.match(headers.get('access-control-allow-headers') ?? '', /authorization/);
    assert.equal(headers.get('access-control-allow-credentials'), null);
    for (const response of await answersOf(easel, { origin: ORIGIN })) {
      assert.equal(response.headers.get('access-control-allow-origin'), ORIGIN, response.url);
      const exposed = response.headers.get('access-control-expose-headers') ?? '';
      assert.match(exposed, /x-easel-image-id/, response.url);
      assert.match(response.headers.get('vary') ?? '', /origin/i, response.url);
      await response.arrayBuffer();
    }
    const other = await easel.get('/v1/models', { headers: { origin: 'https://evil.example' } });
    assert.equal(other.headers.get('access-control-allow-origin'), null);
  });

  test('what is no origin is refused at the start', async () => {
    for (const origin of ['app.example', 'https://app.example/', 'https://u@app.example', 'null']) {
      await assert.rejects(startEasel({ yaml: `cors: { origins: ['${origin}'] }` }), /origin/);
    }
  });
});

test('what is refused before it is a request has them, too', async () => {
  await using easel = await startEasel({ yaml: 'overload: { max_connections: 1 }' });
  const { hostname, port } = new URL(easel.url);
  const kept = connect(Number(port), hostname);
  await once(kept, 'connect');
  const shed = await sendRaw(easel.url, '');
  kept.destroy();
  let broken = shed;
  while (broken.status === 503) {
    // The server has yet to see that the other one has left.
    broken = await sendRaw(easel.url, 'no request at all\r\n\r\n');
  }
  assert.deepEqual([broken.status, shed.status], [400, 503]);
  for (const { headers } of [broken, shed]) {
    assert.equal(headers.get('x-content-type-options'), 'nosniff');
    assert.match(headers.get('content-security-policy') ?? '', /default-src 'none'/);
  }
});

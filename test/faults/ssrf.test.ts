import assert from 'node:assert/strict';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { Socket } from 'node:net';
import { suite, test } from 'node:test';
import { REFUSED_URLS } from '../../src/egress/test-refused-urls.ts';
import { startEasel } from '../support/harness.ts';
import { asObject } from '../support/json.ts';
import { Simulator } from '../support/upstreams/simulator.ts';

/** Something on this machine that must never be reached. */
function startInside(): Promise<Simulator> {
  return Simulator.start({
    answer: () => ({ status: 200, body: 'secret' }),
    errorBody: () => ({}),
  });
}

interface Watched {
  /** `address:port` of every connection that this process tries to make. */
  readonly attempts: string[];
  readonly [Symbol.dispose]: () => void;
}

/** Watches the sockets of this process, those of the test itself included. */
function watchSockets(): Watched {
  const attempts: string[] = [];
  const onSocket = (message: unknown): void => {
    const { socket } = message as { readonly socket: Socket };
    socket.on('connectionAttempt', (address: string, port: number) => {
      attempts.push(`${address}:${port}`);
    });
  };
  subscribe('net.client.socket', onSocket);
  return {
    attempts,
    [Symbol.dispose]: () => void unsubscribe('net.client.socket', onSocket),
  };
}

suite(`${REFUSED_URLS.length} addresses that lead inside, or nowhere`, () => {
  const ways: Readonly<Record<string, (url: string) => [string, object, Record<string, string>]>> =
    {
      'as the picture of an edit': (url) => [
        '/v1/images/edits',
        { model: 'deepshi-image-1', prompt: 'brighter', image: url },
        {},
      ],
      'as one of several': (url) => [
        '/v1/images/edits',
        { model: 'deepshi-image-1', prompt: 'brighter', images: [{ image_url: url }] },
        {},
      ],
      'as a webhook': (url) => [
        '/v1/images/generations',
        { model: 'deepshi-banana-pro', prompt: 'a boat', webhook_url: url },
        { prefer: 'respond-async' },
      ],
    };
  for (const [name, body] of Object.entries(ways)) {
    test(`${name}: each refused, and no socket opened`, async () => {
      await using inside = await startInside();
      await using easel = await startEasel();
      const { host: own } = new URL(easel.url);
      using watched = watchSockets();
      for (const pattern of REFUSED_URLS) {
        const url = pattern.replaceAll('PORT', new URL(inside.url).port);
        const response = await easel.post(...body(url));
        const text = await response.text();
        assert.equal(response.status, 400, `${pattern}: ${text}`);
        const { error } = asObject(JSON.parse(text));
        assert.notEqual(asObject(error)['param'], null, pattern);
      }
      assert.ok(watched.attempts.includes(own), 'nothing was watched');
      assert.deepEqual(
        watched.attempts.filter((to) => to !== own),
        [],
      );
      assert.deepEqual(inside.requests, []);
      const { held, spent } = asObject(await (await easel.get('/v1/balance')).json());
      assert.deepEqual([held, spent], [0, 0]);
    });
  }
});

test('the watch sees what it must: an address that is allowed is fetched', async () => {
  await using inside = await startInside();
  const { host } = new URL(inside.url);
  await using easel = await startEasel({ environment: { EASEL_FETCH_ALLOW: host } });
  using watched = watchSockets();
  const body = { model: 'deepshi-image-1', prompt: 'brighter', image: `${inside.url}/a.png` };
  const response = await easel.post('/v1/images/edits', body);
  assert.equal(response.status, 400, await response.text());
  assert.ok(watched.attempts.includes(host));
  assert.equal(inside.requests.length, 1);
});

import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { asObject } from '../../test/support/json.ts';
import { createLog } from '../base/log.ts';
import { type CallerUrlOptions, createCallerUrls } from './caller-urls.ts';
import type { Lookup } from './guarded.ts';
import { httpUpstream, listen } from './test-upstream.ts';
import { createServer } from 'node:net';

const never = new AbortController().signal;

function callerUrls(t: TestContext, options: Partial<CallerUrlOptions> = {}) {
  const urls = createCallerUrls({
    trustedHosts: new Set(),
    bytesMax: 1024 * 1024,
    log: createLog({ level: 'silent' }),
    ...options,
  });
  t.after(() => urls.close());
  return urls;
}

/** A name that leads to each of these addresses in turn, the last one for good. */
function turning(...addresses: readonly string[]): { readonly lookup: Lookup; asked: number } {
  const state = {
    asked: 0,
    lookup: ((_name, _options, callback) => {
      const address = addresses[Math.min(state.asked, addresses.length - 1)] ?? '';
      state.asked += 1;
      callback(null, [{ address, family: 4 }]);
    }) as Lookup,
  };
  return state;
}

test('a name that changes between look-ups reaches nothing private', async (t) => {
  const inside = await listen(t, createServer());
  // 203.0.113.0/24 is public by its form, but documentation only: it would be refused by itself.
  for (const addresses of [['127.0.0.1'], ['8.8.8.8', '127.0.0.1'], ['127.0.0.1', '8.8.8.8']]) {
    const name = turning(...addresses);
    const urls = callerUrls(t, { lookup: name.lookup, connectMs: 300 });
    for (let attempt = 0; attempt < 3; attempt += 1) {
      await assert.rejects(urls.fetch(`https://pictures.example:${inside.port}/a.png`, never), {
        errorName: 'image_url_refused',
      });
    }
    assert.ok(name.asked > 0);
  }
  assert.equal(inside.connections.length, 0);
});

test('a trusted host is fetched, and its failures are told without our network’s names', async (t) => {
  const inside = await listen(t, createServer());
  const upstream = await httpUpstream(t, (request, response) => {
    switch (request.url) {
      case '/a.png':
        response.end('bytes');
        break;
      case '/inside':
        response.writeHead(302, { location: `https://${inside.host}/secret` }).end();
        break;
      case '/named':
        response.writeHead(302, { location: `https://localhost:${inside.port}/secret` }).end();
        break;
      case '/plain':
        response.writeHead(302, { location: `//${inside.host}/secret` }).end();
        break;
      case '/elsewhere':
        response.writeHead(302, { location: 'https://10.1.2.3/secret' }).end();
        break;
      case '/large':
        response.end(Buffer.alloc(2 * 1024 * 1024));
        break;
      case '/broken':
        response.writeHead(200, { 'content-length': '100' });
        response.write('half', () => response.destroy());
        break;
      case '/silent':
        break;
      default:
        response.writeHead(404).end();
    }
  });
  const reasons: unknown[] = [];
  const log = createLog({
    level: 'info',
    destination: { write: (line) => reasons.push(asObject(JSON.parse(line))['reason']) },
  });
  const urls = callerUrls(t, { trustedHosts: new Set([upstream.host]), firstByteMs: 200, log });
  const answer = await urls.fetch(`${upstream.url}/a.png`, never);
  assert.equal(Buffer.concat(await Array.fromAsync(answer.body)).toString(), 'bytes');

  const message = async (path: string): Promise<string> => {
    try {
      const { body } = await urls.fetch(`${upstream.url}${path}`, never);
      await Array.fromAsync(body);
      return 'no failure';
    } catch (error) {
      assert.equal((error as { errorName?: string }).errorName, 'image_url_refused', path);
      return (error as Error).message;
    }
  };
  assert.match(await message('/gone'), /answered with 404/);
  assert.match(await message('/large'), /larger than 1 MB/);
  assert.match(await message('/silent'), /too long/);
  for (const [path, reason] of [
    ['/inside', /its address is not public/],
    ['/named', /its name is not public/],
    ['/plain', /it is not https/],
    ['/elsewhere', /its address is not public/],
    ['/broken', undefined],
  ] as const) {
    reasons.length = 0;
    const told = await message(path);
    assert.match(told, /only public https: addresses that answer/);
    assert.doesNotMatch(told, /10\.1\.2\.3|127\.0\.0\.1|localhost|secret|ECONN/);
    assert.equal(reasons.length, 1);
    assert.match(String(reasons[0]), reason ?? /./);
  }
  assert.equal(inside.connections.length, 0);
});

test('who is no longer wanted stops', async (t) => {
  const upstream = await httpUpstream(t, () => undefined);
  const urls = callerUrls(t, { trustedHosts: new Set([upstream.host]) });
  const controller = new AbortController();
  const fetching = urls.fetch(`${upstream.url}/a.png`, controller.signal);
  controller.abort(new Error('the client left'));
  await assert.rejects(fetching, /the client left/);
});

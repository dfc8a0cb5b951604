import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type TestContext, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { freePort, httpUpstream } from './test-upstream.ts';
import { createWebhookSender, type WebhookSenderOptions, whyNoWebhook } from './webhook-sender.ts';

function sendTo(t: TestContext, options: Partial<WebhookSenderOptions> = {}) {
  const { send, close } = createWebhookSender({ trustedHosts: new Set(), ...options });
  t.after(close);
  return (url: string, signal = new AbortController().signal) =>
    send({ url, headers: {}, body: '{}', signal });
}

test('what may be a webhook: https, nobody named in it, a public name', () => {
  const trusted = new Set(['127.0.0.1:9000']);
  const cases: readonly (readonly [string, string | undefined])[] = [
    ['https://hooks.example/easel?token=1', undefined],
    ['https://8.8.8.8:8443/', undefined],
    ['http://127.0.0.1:9000/', undefined],
    ['http://hooks.example/', 'it is not https'],
    ['file:///etc/passwd', 'it is not https'],
    ['hooks.example', 'it is no URL'],
    ['https://me:secret@hooks.example/', 'it names a user'],
    ['https://127.0.0.1/', 'its address is not public'],
    ['https://[::1]/', 'its address is not public'],
    ['https://2130706433/', 'its address is not public'],
    ['https://169.254.169.254/latest', 'its address is not public'],
    ['https://localhost/', 'its name is not public'],
    ['https://intranet/', 'its name is not public'],
    ['https://db.internal/', 'its name is not public'],
  ];
  for (const [url, reason] of cases) {
    assert.equal(whyNoWebhook(url, trusted), reason, url);
  }
});

test('the status decides, whatever the body is', async (t) => {
  const target = await httpUpstream(t, (request, response) => {
    switch (request.url) {
      case '/large':
        response.writeHead(200, { 'content-length': 10_000_000 }).write('x'.repeat(100_000));
        break;
      case '/endless':
        response.write('x');
        setInterval(() => response.write('x'.repeat(10_000)), 1).unref();
        break;
      case '/encoded':
        response.writeHead(201, { 'content-encoding': 'gzip' }).end(gzipSync('thanks'));
        break;
      case '/broken':
        response.writeHead(202, { 'content-length': '100' });
        response.write('half', () => response.destroy());
        break;
      default:
        response.writeHead(503, { 'retry-after': '7' }).end();
    }
  });
  const send = sendTo(t, { trustedHosts: new Set([target.host]) });
  const statuses: unknown[] = [];
  for (const path of ['/large', '/endless', '/encoded', '/broken']) {
    statuses.push(await send(`${target.url}${path}`));
  }
  assert.deepEqual(
    statuses,
    [200, 200, 201, 202].map((status) => ({ status, retryAfterSeconds: undefined })),
  );
  assert.deepEqual(await send(target.url), { status: 503, retryAfterSeconds: 7 });
});

test('an answer that is too long is broken off', async (t) => {
  const target = await httpUpstream(t, (_request, response) => {
    setInterval(() => response.write('x'.repeat(10_000)), 1).unref();
  });
  const send = sendTo(t, { trustedHosts: new Set([target.host]) });
  assert.deepEqual(await send(target.url), { status: 200, retryAfterSeconds: undefined });
  const [socket] = target.connections;
  assert.ok(socket);
  await (socket.closed ? undefined : once(socket, 'close'));
  assert.ok(socket.bytesWritten < 1_000_000);
});

test('why there was no answer', async (t) => {
  const silent = await httpUpstream(t, () => undefined);
  const port = await freePort();
  const trustedHosts = new Set([silent.host, `127.0.0.1:${port}`]);
  const send = sendTo(t, { trustedHosts, totalMs: 200 });
  assert.deepEqual(await send(silent.url), { error: 'timeout' });
  assert.deepEqual(await send(`http://127.0.0.1:${port}/`), {
    error: `127.0.0.1:${port}: ECONNREFUSED`,
  });
  assert.deepEqual(await send('https://127.0.0.1/'), { error: 'refused' });
  assert.deepEqual(await send('http://hooks.example/'), { error: 'refused' });
});

test('a name that leads to a private address is refused, each time anew', async (t) => {
  const inside = await httpUpstream(t, (_request, response) => response.end());
  const send = sendTo(t, {
    lookup: (_name, _options, callback) => {
      const addresses = [
        { address: '8.8.8.8', family: 4 },
        { address: '127.0.0.1', family: 4 },
      ];
      callback(null, addresses);
    },
  });
  for (let attempt = 0; attempt < 2; attempt += 1) {
    assert.deepEqual(await send(`https://hooks.example:${inside.port}/`), { error: 'refused' });
  }
  assert.equal(inside.connections.length, 0);
});

test('who stops breaks the attempt off, with its own reason', async (t) => {
  const controller = new AbortController();
  const silent = await httpUpstream(t, () => {
    controller.abort(new Error('the server stops'));
  });
  const send = sendTo(t, { trustedHosts: new Set([silent.host]) });
  await assert.rejects(send(silent.url, controller.signal), /the server stops/);
});

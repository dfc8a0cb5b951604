import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer as createSocketServer, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { UpstreamFailure } from '../base/upstream-failure.ts';
import type { Egress, EgressAnswer } from './egress.ts';
import { readJson, readText } from './read-body.ts';
import { egressTo, freePort, httpUpstream, listen, post, rawUpstream } from './test-upstream.ts';
import type { EgressOptions } from './upstream.ts';

const TEXT_MAX = 1024 * 1024;
const MEBIBYTE = 1024 * 1024;
const SECRET = 'sk-very-secret';

interface Expected {
  readonly name: 'upstream_error' | 'upstream_timeout';
  readonly billed: 'no' | 'unknown';
  readonly internal?: RegExp;
}

/** A failure says what it should, and nothing of the request. */
function assertFailure(error: unknown, expected: Expected): true {
  assert.ok(error instanceof UpstreamFailure, String(error));
  assert.deepEqual(
    { name: error.errorName, billed: error.billed },
    { name: expected.name, billed: expected.billed },
    error.internal,
  );
  assert.match(error.internal ?? '', expected.internal ?? /./);
  assert.doesNotMatch(error.internal ?? '', /secret|bearer|\/path|\{/i);
  assert.equal(error.cause, undefined);
  return true;
}

function secretPost(url: string) {
  return post(`${url}/path?secret=1`, { headers: { authorization: `Bearer ${SECRET}` } });
}

async function drain(answer: EgressAnswer): Promise<number> {
  let bytes = 0;
  for await (const chunk of answer.body) {
    bytes += chunk.length;
  }
  return bytes;
}

/** Waits for the event loop until something holds; the test's own time-out is the bound. */
async function until(holds: () => boolean): Promise<void> {
  while (!holds()) {
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
  }
}

const echo = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
  const chunks: Buffer[] = [];
  for await (const chunk of request) {
    chunks.push(chunk as Buffer);
  }
  const { method, url, headers } = request;
  const body = Buffer.concat(chunks).toString();
  response.setHeader('content-type', 'application/json');
  response.setHeader('x-twice', ['a', 'b']);
  response.end(JSON.stringify({ method, url, headers, body }));
};

function echoUpstream(t: TestContext) {
  return httpUpstream(t, (request, response) => void echo(request, response));
}

interface Echo {
  readonly method: string;
  readonly url: string;
  readonly headers: Record<string, string>;
  readonly body: string;
}

test('a request arrives as it is, and its answer comes back', async (t) => {
  const upstream = await echoUpstream(t);
  const egress = egressTo(t, `${upstream.url}/v1`);
  const answer = await egress.request({
    method: 'POST',
    url: `${upstream.url}/v1/images?a=b%20c#fragment`,
    headers: { authorization: 'Bearer key', 'content-type': 'application/json' },
    body: '{"prompt":"ein Fuß"}',
    signal: new AbortController().signal,
  });
  assert.equal(answer.status, 200);
  assert.equal(answer.headers['content-type'], 'application/json');
  assert.equal(answer.headers['x-twice'], 'a, b');
  const seen = (await readJson(answer, TEXT_MAX)) as Echo;
  assert.equal(seen.method, 'POST');
  assert.equal(seen.url, '/v1/images?a=b%20c');
  assert.equal(seen.body, '{"prompt":"ein Fuß"}');
  assert.equal(seen.headers['authorization'], 'Bearer key');
  assert.equal(seen.headers['accept-encoding'], 'identity');
  assert.equal(seen.headers['user-agent'], 'easel');
  assert.equal(seen.headers['content-length'], String(Buffer.byteLength('{"prompt":"ein Fuß"}')));
  for (const absent of ['expect', 'cookie', 'transfer-encoding']) {
    assert.equal(seen.headers[absent], undefined, absent);
  }
});

test('every method works, with and without a body; identity cannot be talked out of', async (t) => {
  const upstream = await echoUpstream(t);
  const egress = egressTo(t, upstream.url);
  for (const method of ['GET', 'POST', 'PUT', 'DELETE'] as const) {
    const { signal } = new AbortController();
    const headers = { 'accept-encoding': 'gzip', 'user-agent': 'mine' };
    const answer = await egress.request({ method, url: upstream.url, headers, signal });
    const seen = (await readJson(answer, TEXT_MAX)) as Echo;
    assert.deepEqual([seen.method, seen.body], [method, '']);
    assert.equal(seen.headers['accept-encoding'], 'identity');
    assert.equal(seen.headers['user-agent'], 'mine');
  }
  const body = Buffer.alloc(5 * MEBIBYTE, 'x');
  const answer = await egress.request(post(upstream.url, { body }));
  const seen = (await readJson(answer, 6 * MEBIBYTE)) as Echo;
  assert.equal(seen.body.length, body.length);
});

test('connections are kept alive', async (t) => {
  const upstream = await echoUpstream(t);
  const egress = egressTo(t, upstream.url);
  for (let index = 0; index < 20; index += 1) {
    await drain(await egress.request(post(upstream.url)));
  }
  // undici frees a connection one turn of the event loop after its answer: a second may open.
  assert.ok(upstream.connections.length <= 2, String(upstream.connections.length));
});

test('answers that are errors are answers', async (t) => {
  const upstream = await httpUpstream(t, (_request, response) => {
    response.writeHead(502, { 'content-type': 'text/html', 'retry-after': '7' });
    response.end('<html>Bad gateway</html>');
  });
  const egress = egressTo(t, upstream.url);
  const answer = await egress.request(post(upstream.url));
  assert.equal(answer.status, 502);
  assert.equal(answer.headers['retry-after'], '7');
  await assert.rejects(readJson(answer, TEXT_MAX), { errorName: 'upstream_error' });
});

test('an answer without a body has none', async (t) => {
  const upstream = await httpUpstream(t, (_request, response) => {
    response.writeHead(204).end();
  });
  const egress = egressTo(t, upstream.url);
  assert.equal(await readText(await egress.request(post(upstream.url)), TEXT_MAX), '');
});

test('hints (1xx) before the answer are passed over', async (t) => {
  const upstream = await rawUpstream(t, (socket) => {
    socket.write('HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n');
    socket.write('HTTP/1.1 102 Processing\r\n\r\n');
    socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok');
  });
  const answer = await egressTo(t, upstream.url).request(post(upstream.url));
  assert.equal(answer.status, 200);
  assert.equal(await readText(answer, TEXT_MAX), 'ok');
});

// Nothing was sent: nothing can have been bought.

test('connection refused', async (t) => {
  const url = `http://127.0.0.1:${await freePort()}`;
  const expected = {
    name: 'upstream_error',
    billed: 'no',
    internal: /^127.*ECONNREFUSED/,
  } as const;
  await assert.rejects(egressTo(t, url).request(secretPost(url)), (error) =>
    assertFailure(error, expected),
  );
});

test('a name that does not resolve', async (t) => {
  const url = 'http://upstream.example';
  const egress = egressTo(t, url, {
    lookup: (hostname, _options, callback) => {
      callback(Object.assign(new Error(hostname), { code: 'ENOTFOUND' }), []);
    },
  });
  const expected = { name: 'upstream_error', billed: 'no', internal: /ENOTFOUND/ } as const;
  await assert.rejects(egress.request(secretPost(url)), (error) => assertFailure(error, expected));
});

test('TLS with a server that speaks none', async (t) => {
  const upstream = await listen(
    t,
    createSocketServer((socket) => {
      socket.once('data', () => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'));
    }),
  );
  const url = `https://${upstream.host}`;
  const expected = { name: 'upstream_error', billed: 'no', internal: /SSL|EPROTO/ } as const;
  await assert.rejects(egressTo(t, url).request(secretPost(url)), (error) =>
    assertFailure(error, expected),
  );
});

test('a TLS handshake that never ends', async (t) => {
  const upstream = await listen(
    t,
    createSocketServer((socket) => socket.resume()),
  );
  const url = `https://${upstream.host}`;
  const expected = { name: 'upstream_error', billed: 'no', internal: /CONNECT_TIMEOUT/ } as const;
  await assert.rejects(egressTo(t, url, { connectMs: 50 }).request(secretPost(url)), (error) =>
    assertFailure(error, expected),
  );
});

test('no place among the connections in time', async (t) => {
  const upstream = await rawUpstream(t, () => undefined);
  const egress = egressTo(t, upstream.url, { connections: 1 });
  const controller = new AbortController();
  const first = egress.request(post(upstream.url, { signal: controller.signal }));
  await until(() => upstream.heads.length === 1);
  const expected = { name: 'upstream_timeout', billed: 'no' } as const;
  await assert.rejects(egress.request(post(upstream.url, { firstByteMs: 30 })), (error) =>
    assertFailure(error, expected),
  );
  controller.abort();
  await assert.rejects(first, { name: 'AbortError' });
  assert.equal(upstream.heads.length, 1);
});

test('a closed way out', async (t) => {
  const upstream = await echoUpstream(t);
  const egress = egressTo(t, upstream.url);
  await drain(await egress.request(post(upstream.url)));
  await egress.close();
  await assert.rejects(egress.request(secretPost(upstream.url)), (error) =>
    assertFailure(error, { name: 'upstream_error', billed: 'no' }),
  );
  await egress.close();
});

// Something was sent: it may have been bought.

const BROKEN_BEFORE_THE_BODY: Record<string, (socket: Socket) => void> = {
  'closed without an answer': (socket) => socket.end(),
  'reset without an answer': (socket) => socket.resetAndDestroy(),
  'closed within the head': (socket) => socket.end('HTTP/1.1 200 OK\r\ncontent-le'),
  'a garbage status line': (socket) => socket.end('I am a teapot\r\n\r\n'),
  'a status that is no number': (socket) => socket.end('HTTP/1.1 abc OK\r\n\r\n'),
  'a page of HTML without a head': (socket) => socket.end('<html><body>proxy</body></html>'),
  'HTTP/2 out of nowhere': (socket) => socket.end('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
  'a header without a colon': (socket) => socket.end('HTTP/1.1 200 OK\r\nbad header\r\n\r\n'),
  'two lengths': (socket) =>
    socket.end('HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\nokk'),
  'a length and chunks': (socket) =>
    socket.end('HTTP/1.1 200 OK\r\ncontent-length: 2\r\ntransfer-encoding: chunked\r\n\r\nok'),
  'a length that is no number': (socket) =>
    socket.end('HTTP/1.1 200 OK\r\ncontent-length: many\r\n\r\nok'),
  'headers without end': (socket) =>
    socket.end(`HTTP/1.1 200 OK\r\n${'x-a: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n'.repeat(2000)}`),
  '100 continue, which nobody asked for': (socket) =>
    socket.end('HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n'),
  'another protocol': (socket) =>
    socket.end('HTTP/1.1 101 Switching\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n'),
  'an encoded body': (socket) => {
    const body = gzipSync('{"data":[]}');
    socket.write(`HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: ${body.length}\r\n`);
    socket.end(Buffer.concat([Buffer.from('\r\n'), body]));
  },
  'a body encoded twice': (socket) =>
    socket.end('HTTP/1.1 200 OK\r\ncontent-encoding: identity, br\r\n\r\nxx'),
  '200 MB, said beforehand': (socket) =>
    socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${200 * MEBIBYTE}\r\n\r\n`),
};
for (const status of [300, 301, 302, 303, 304, 307, 308]) {
  BROKEN_BEFORE_THE_BODY[`a redirect (${status})`] = (socket) =>
    socket.end(`HTTP/1.1 ${status} Go\r\nlocation: /elsewhere\r\ncontent-length: 0\r\n\r\n`);
}

const MAYBE_BILLED = { name: 'upstream_error', billed: 'unknown' } as const;

for (const [what, breaks] of Object.entries(BROKEN_BEFORE_THE_BODY)) {
  test(`before the body: ${what}`, async (t) => {
    const upstream = await rawUpstream(t, breaks);
    const egress = egressTo(t, upstream.url, { bodyBytesMax: 100 * MEBIBYTE });
    await assert.rejects(egress.request(secretPost(upstream.url)), (error) =>
      assertFailure(error, MAYBE_BILLED),
    );
    assert.equal(upstream.heads.length, 1, 'a request is never sent twice');
    await until(() => upstream.open.size === 0);
  });
}

test('reset while a large body is being sent', async (t) => {
  const upstream = await listen(
    t,
    createSocketServer((socket) => socket.once('data', () => socket.resetAndDestroy())),
  );
  const egress = egressTo(t, upstream.url);
  const body = Buffer.alloc(32 * MEBIBYTE);
  await assert.rejects(egress.request(post(upstream.url, { body })), (error) =>
    assertFailure(error, MAYBE_BILLED),
  );
  assert.equal(upstream.connections.length, 1);
});

test('a kept connection that closes under the next request: not sent again', async (t) => {
  let requests = 0;
  const upstream = await rawUpstream(t, (socket) => {
    requests += 1;
    if (requests === 1) {
      socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok');
    } else {
      socket.end();
    }
  });
  const egress = egressTo(t, upstream.url);
  await drain(await egress.request(post(upstream.url)));
  for (const method of ['GET', 'POST'] as const) {
    const { signal } = new AbortController();
    await assert.rejects(egress.request({ method, url: upstream.url, signal }), (error) =>
      assertFailure(error, MAYBE_BILLED),
    );
  }
  assert.equal(requests, 3);
});

test('no answer in time: by the account, by the request, and whatever hints come', async (t) => {
  const expected = { name: 'upstream_timeout', billed: 'unknown' } as const;
  const upstream = await rawUpstream(t, (socket) => {
    const timer = setInterval(() => socket.write('HTTP/1.1 103 Hints\r\n\r\n'), 5);
    socket.on('close', () => {
      clearInterval(timer);
    });
  });
  const byAccount = egressTo(t, upstream.url, { firstByteMs: 60 });
  await assert.rejects(byAccount.request(secretPost(upstream.url)), (error) =>
    assertFailure(error, expected),
  );
  const byRequest = egressTo(t, upstream.url);
  await assert.rejects(byRequest.request(post(upstream.url, { firstByteMs: 60 })), (error) =>
    assertFailure(error, expected),
  );
  await until(() => upstream.open.size === 0);
});

// The body.

const HEAD = 'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n';
const CHUNKED = `${HEAD}transfer-encoding: chunked\r\n\r\n`;

const BROKEN_BODIES: Record<string, (socket: Socket) => void> = {
  'half of the length that was said': (socket) =>
    socket.end(`${HEAD}content-length: 1000\r\n\r\n${'x'.repeat(500)}`),
  'reset half-way': (socket) => {
    socket.write(`${HEAD}content-length: 1000\r\n\r\n${'x'.repeat(500)}`, () =>
      setImmediate(() => socket.resetAndDestroy()),
    );
  },
  'chunks cut within one': (socket) => socket.end(`${CHUNKED}3e8\r\n${'x'.repeat(500)}`),
  'chunks without the last': (socket) => socket.end(`${CHUNKED}1f4\r\n${'x'.repeat(500)}\r\n`),
  'a chunk whose length is none': (socket) =>
    socket.write(`${CHUNKED}1f4\r\n${'x'.repeat(500)}\r\nzz\r\n`),
  '200 MB in chunks': (socket) => {
    socket.write(CHUNKED);
    const chunk = Buffer.concat([
      Buffer.from('10000\r\n'),
      Buffer.alloc(65_536, 'x'),
      Buffer.from('\r\n'),
    ]);
    let left = 3200;
    const pump = (): void => {
      while (left > 0 && !socket.destroyed && socket.write(chunk)) {
        left -= 1;
      }
    };
    socket.on('drain', pump);
    pump();
  },
};

for (const [what, breaks] of Object.entries(BROKEN_BODIES)) {
  test(`within the body: ${what}`, async (t) => {
    const upstream = await rawUpstream(t, breaks);
    const egress = egressTo(t, upstream.url, { bodyBytesMax: MEBIBYTE });
    const answer = await egress.request(secretPost(upstream.url));
    assert.equal(answer.status, 200);
    let bytes = 0;
    await assert.rejects(
      async () => {
        for await (const chunk of answer.body) {
          bytes += chunk.length;
        }
      },
      (error) => assertFailure(error, MAYBE_BILLED),
    );
    assert.ok(bytes <= MEBIBYTE, String(bytes));
    assert.equal(upstream.heads.length, 1);
    await until(() => upstream.open.size === 0);
  });
}

test('what came before a death is delivered before the failure', async (t) => {
  const upstream = await rawUpstream(t, (socket) => {
    socket.end(`${CHUNKED}5\r\nwhole\r\n`);
  });
  const answer = await egressTo(t, upstream.url).request(post(upstream.url));
  await until(() => upstream.open.size === 0);
  const reader = answer.body[Symbol.asyncIterator]();
  const first = await reader.next();
  assert.equal(first.done === true ? undefined : first.value.toString(), 'whole');
  await assert.rejects(reader.next(), (error) => assertFailure(error, MAYBE_BILLED));
  assert.equal((await reader.next()).done, true);
});

test('silence within the body', async (t) => {
  const upstream = await rawUpstream(t, (socket) => {
    socket.write(`${HEAD}content-length: 1000\r\n\r\nxxx`);
  });
  const egress = egressTo(t, upstream.url, { idleMs: 60 });
  const answer = await egress.request(secretPost(upstream.url));
  await assert.rejects(drain(answer), (error) =>
    assertFailure(error, { name: 'upstream_timeout', billed: 'unknown' }),
  );
  await until(() => upstream.open.size === 0);
});

test('a slow reader is no silence, and stops the upstream', { timeout: 20_000 }, async (t) => {
  const total = 64 * MEBIBYTE;
  let sent = 0;
  const upstream = await rawUpstream(t, (socket) => {
    socket.write(`${HEAD}content-length: ${total}\r\n\r\n`);
    const chunk = Buffer.alloc(65_536, 'x');
    const pump = (): void => {
      let goesOn = true;
      while (sent < total && goesOn) {
        goesOn = socket.write(chunk);
        sent += chunk.length;
      }
    };
    socket.on('drain', pump);
    pump();
  });
  const other = await echoUpstream(t);
  const egress = egressTo(t, upstream.url, { idleMs: 30 });
  const aside = egressTo(t, other.url);
  const answer = await egress.request(post(upstream.url));
  const reader = answer.body[Symbol.asyncIterator]();
  let bytes = 0;
  const read = async (): Promise<boolean> => {
    const { done, value } = await reader.next();
    bytes += value?.length ?? 0;
    return done !== true;
  };
  await read();
  const start = performance.now();
  while (performance.now() - start < 100) {
    await drain(await aside.request(post(other.url)));
  }
  assert.ok(sent < total / 2, `${sent} bytes were sent to a reader who took one chunk`);
  while (await read());
  assert.equal(bytes, total);
});

test('a body is read once', async (t) => {
  const upstream = await echoUpstream(t);
  const answer = await egressTo(t, upstream.url).request(post(upstream.url));
  await drain(answer);
  await assert.rejects(drain(answer), /can be read once/);
});

// Giving up.

test('aborted beforehand: nothing is sent', async (t) => {
  const upstream = await echoUpstream(t);
  const reason = new Error('cancelled by the caller');
  const request = post(upstream.url, { signal: AbortSignal.abort(reason) });
  await assert.rejects(egressTo(t, upstream.url).request(request), (error) => error === reason);
  assert.equal(upstream.connections.length, 0);
});

test('aborted while it connects', async (t) => {
  const upstream = await listen(
    t,
    createSocketServer((socket) => socket.resume()),
  );
  const url = `https://${upstream.host}`;
  const controller = new AbortController();
  const egress = egressTo(t, url);
  const request = egress.request(post(url, { signal: controller.signal }));
  await until(() => upstream.connections.length === 1);
  const reason = new Error('cancelled');
  controller.abort(reason);
  await assert.rejects(request, (error) => error === reason);
});

test('aborted in the queue: it is never sent', async (t) => {
  let release = (): void => undefined;
  const upstream = await rawUpstream(t, (socket) => {
    release = () => socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok');
  });
  const egress = egressTo(t, upstream.url, { connections: 1 });
  const first = egress.request(post(upstream.url));
  await until(() => upstream.heads.length === 1);
  const controller = new AbortController();
  const second = egress.request(post(upstream.url, { signal: controller.signal }));
  controller.abort(new Error('cancelled'));
  await assert.rejects(second, /cancelled/);
  release();
  await drain(await first);
  const third = egress.request(post(`${upstream.url}/third`));
  await until(() => upstream.heads.length === 2);
  assert.match(upstream.heads[1] ?? '', /^POST \/third /);
  release();
  await drain(await third);
  assert.equal(upstream.heads.length, 2);
});

test('aborted before the head, and within the body', async (t) => {
  for (const answerHead of ['', `${HEAD}content-length: 1000\r\n\r\nxxx`]) {
    const upstream = await rawUpstream(t, (socket) => socket.write(answerHead));
    const controller = new AbortController();
    const egress = egressTo(t, upstream.url);
    const reason = new Error('cancelled');
    const reading = egress.request(post(upstream.url, { signal: controller.signal })).then(drain);
    await until(() => upstream.heads.length === 1);
    setImmediate(() => {
      controller.abort(reason);
    });
    await assert.rejects(reading, (error) => error === reason);
    await until(() => upstream.open.size === 0);
  }
});

test('aborted when all has come and not all is read', async (t) => {
  const upstream = await echoUpstream(t);
  const controller = new AbortController();
  const egress = egressTo(t, upstream.url);
  const answer = await egress.request(post(upstream.url, { signal: controller.signal }));
  await drain(await egress.request(post(upstream.url)));
  controller.abort(new Error('cancelled'));
  await assert.rejects(drain(answer), /cancelled/);
});

test('a reader who leaves early closes the connection; the next request works', async (t) => {
  const upstream = await rawUpstream(t, (socket) => {
    socket.write(`${HEAD}content-length: 1000\r\n\r\nxxx`);
  });
  const egress = egressTo(t, upstream.url, { connections: 1 });
  for (let index = 0; index < 3; index += 1) {
    for await (const chunk of (await egress.request(post(upstream.url))).body) {
      assert.equal(chunk.toString(), 'xxx');
      break;
    }
  }
  assert.equal(upstream.connections.length, 3);
  await until(() => upstream.open.size === 0);
});

test('an answer that nobody reads closes its connection', { timeout: 20_000 }, async (t) => {
  // Enough to fill every buffer on the way, so that only we can end it.
  const upstream = await httpUpstream(t, (_request, response) => {
    response.end(Buffer.alloc(32 * MEBIBYTE));
  });
  const egress = egressTo(t, upstream.url, { idleMs: 50, connections: 1 });
  const unread = await egress.request(post(upstream.url));
  await until(() => upstream.open.size === 0);
  assert.equal(await drain(await egress.request(post(upstream.url))), 32 * MEBIBYTE);
  await assert.rejects(drain(unread), { errorName: 'upstream_timeout' });
});

test('closing ends what still runs, and waits for nobody', async (t) => {
  const upstream = await rawUpstream(t, (socket) => socket.write(CHUNKED));
  const egress = egressTo(t, upstream.url);
  const answer = await egress.request(post(upstream.url));
  await egress.close();
  await assert.rejects(drain(answer), (error) => assertFailure(error, MAYBE_BILLED));
});

test('after a hundred broken answers all is well', { timeout: 30_000 }, async (t) => {
  const breaks = [...Object.values(BROKEN_BEFORE_THE_BODY), ...Object.values(BROKEN_BODIES)];
  let requests = 0;
  const upstream = await rawUpstream(t, (socket, head) => {
    if (head.startsWith('POST /well ')) {
      socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok');
      return;
    }
    breaks[requests % breaks.length]?.(socket);
    requests += 1;
  });
  const options: Partial<EgressOptions> = { bodyBytesMax: MEBIBYTE, connections: 8 };
  const egress = egressTo(t, upstream.url, options);
  const attempt = async (): Promise<void> => {
    await drain(await egress.request(post(`${upstream.url}/broken`)));
  };
  const outcomes = await Promise.allSettled(Array.from({ length: 100 }, attempt));
  assert.equal(outcomes.filter(({ status }) => status === 'rejected').length, 100);
  assert.equal(requests, 100, 'each was sent once');
  await until(() => upstream.open.size === 0);

  const before = upstream.connections.length;
  await allWell(egress, `${upstream.url}/well`, 50);
  assert.ok(upstream.connections.length - before <= 8, 'no more than its share of connections');
  assert.ok(upstream.open.size <= 8);
});

async function allWell(egress: Egress, url: string, count: number): Promise<void> {
  const one = async (): Promise<string> => readText(await egress.request(post(url)), 10);
  const texts = await Promise.all(Array.from({ length: count }, one));
  assert.deepEqual(new Set(texts), new Set(['ok']));
}

// What may be sent, and where.

test('headers that would break out of their line, or of the transport, are refused', async (t) => {
  const upstream = await echoUpstream(t);
  const egress = egressTo(t, upstream.url);
  const table: Record<string, string>[] = [
    { authorization: 'Bearer a\r\nx-injected: 1' },
    { authorization: 'Bearer a\n' },
    { authorization: 'Bearer a\r' },
    { authorization: 'a\0b' },
    { authorization: 'a\tb' },
    { authorization: 'a\x7fb' },
    { authorization: 'emoji 🎨' },
    { 'x-a\r\nx-injected': '1' },
    { 'x a': '1' },
    { '': '1' },
    { Authorization: 'Bearer upper case' },
    { 'Accept-Encoding': 'gzip' },
    { host: 'elsewhere.example' },
    { 'content-length': '3' },
    { 'transfer-encoding': 'chunked' },
    { connection: 'upgrade' },
    { upgrade: 'h2c' },
    { expect: '100-continue' },
    { 'proxy-authorization': 'Basic x' },
  ];
  for (const headers of table) {
    await assert.rejects(egress.request(post(upstream.url, { headers })), (error) =>
      assertFailure(error, { name: 'upstream_error', billed: 'no', internal: /cannot be sent$/ }),
    );
  }
  assert.equal(upstream.connections.length, 0);
});

test('the credential goes to the provider alone', async (t) => {
  const upstream = await echoUpstream(t);
  const other = await echoUpstream(t);
  const lookups: string[] = [];
  const egress = egressTo(t, upstream.url, {
    trustedHosts: new Set([other.host]),
    ownDomains: ['bfl.ai'],
    lookup: (hostname, _options, callback) => {
      lookups.push(hostname);
      callback(null, [{ address: '10.0.0.1', family: 4 }]);
    },
  });
  await drain(await egress.request(post(`${other.url}/poll`)));
  assert.equal(other.connections.length, 1, 'a host that the operator trusts');

  const elsewhere = [
    'https://example.com/poll',
    'https://notbfl.ai/poll',
    'https://bfl.ai.example.com/poll',
    'http://api.eu2.bfl.ai/poll',
    `https://${upstream.host}/poll`,
    `http://user:pass@${upstream.host}/poll`,
    `http://127.0.0.1:${await freePort()}/poll`,
    'https://169.254.169.254/poll',
    'file:///etc/passwd',
    'not a URL',
    '/poll',
  ];
  for (const url of elsewhere) {
    await assert.rejects(
      egress.request({ ...post(url), method: 'GET' }),
      (error) => assertFailure(error, { ...MAYBE_BILLED, internal: /was not fetched/ }),
      url,
    );
  }
  assert.deepEqual(lookups, []);
  assert.equal(upstream.connections.length, 0);

  // Its own host in clear text, which is "host:port" of the base URL all the same.
  const secure = egressTo(t, `https://${upstream.host}`, { ownDomains: ['127.0.0.1'] });
  await assert.rejects(secure.request(post(upstream.url)), (error) =>
    assertFailure(error, { ...MAYBE_BILLED, internal: /may not go there/ }),
  );
  assert.equal(upstream.connections.length, 0);

  // A host of its own is looked at like any URL that we did not choose.
  for (const host of ['api.eu2.bfl.ai', 'bfl.ai']) {
    await assert.rejects(egress.request(post(`https://${host}/poll`)), (error) =>
      assertFailure(error, { name: 'upstream_error', billed: 'unknown', internal: /not public/ }),
    );
  }
  assert.deepEqual(lookups, ['api.eu2.bfl.ai', 'bfl.ai']);
});

test('a place in the queue is kept when the one before fails to connect', async (t) => {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const egress = egressTo(t, url, { connections: 2 });
  const outcomes = await Promise.allSettled(
    Array.from({ length: 10 }, () => egress.request(post(url))),
  );
  for (const outcome of outcomes) {
    assert.ok(outcome.status === 'rejected');
    assertFailure(outcome.reason, { name: 'upstream_error', billed: 'no' });
  }
  const server = createSocketServer((socket) => {
    socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok'));
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  assert.equal(await readText(await egress.request(post(url)), 10), 'ok');
});

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { suite, test } from 'node:test';
import { readAnswer } from '../support/answers.ts';
import { type Easel, startEasel } from '../support/harness.ts';
import { asObject } from '../support/json.ts';
import { sendRaw } from '../support/raw-http.ts';

const GENERATIONS = '/v1/images/generations';
const BOAT = { model: 'deepshi-banana-pro', prompt: 'a boat', width: 256, height: 256 };
const SLOW = { 'x-easel-test': 'slow=3600' };

async function assertShed(response: Response): Promise<void> {
  assert.equal(response.status, 503);
  const seconds = Number(response.headers.get('retry-after'));
  assert.ok(Number.isInteger(seconds) && seconds >= 1 && seconds <= 3, `retry-after: ${seconds}`);
  const { error } = asObject(await response.json());
  assert.equal(asObject(error)['code'], 'overloaded');
}

async function openSocket(easel: Easel): Promise<Socket> {
  const { hostname, port } = new URL(easel.url);
  const socket = connect(Number(port), hostname);
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  return socket;
}

suite('more than there is room for is turned away', () => {
  test('requests: 503 with retry-after, while what runs goes on', async () => {
    await using easel = await startEasel({ yaml: 'overload: { max_requests: 2 }' });
    const running = [];
    for (let count = 0; count < 2; count += 1) {
      running.push(await easel.post(GENERATIONS, { ...BOAT, stream: true }, SLOW));
    }
    const shed = await easel.post(GENERATIONS, BOAT);
    await assertShed(shed);
    assert.match(shed.headers.get('x-request-id') ?? '', /^req_/);
    // What asks for no pictures is served.
    for (const path of ['/healthz', '/readyz', '/v1/models', '/v1/balance', '/v1/images']) {
      const { status } = await easel.get(path);
      assert.equal(status, 200, path);
    }
    for (const stream of running) {
      const id = stream.headers.get('x-easel-image-id') ?? '';
      await easel.get(`/v1/images/${id}`, { method: 'DELETE' });
      await stream.text();
    }
    await readAnswer(await easel.post(GENERATIONS, BOAT));
    assert.deepEqual(await easel.auditProblems(), []);
    // One line tells of it, not one for each.
    const told = easel.logLines.filter(({ msg }) => String(msg).startsWith('overloaded:'));
    assert.equal(told.length, 1);
  });

  test('the body of one that is turned away is not read', async () => {
    await using easel = await startEasel({ yaml: 'overload: { max_requests: 1 }' });
    const running = await easel.post(GENERATIONS, { ...BOAT, stream: true }, SLOW);
    const answer = await sendRaw(
      easel.url,
      `POST /v1/images/edits HTTP/1.1\r\nhost: a\r\nauthorization: Bearer ${easel.key}\r\n` +
        'content-type: multipart/form-data; boundary=a\r\ncontent-length: 500000000\r\n\r\n',
    );
    assert.equal(answer.status, 503);
    assert.equal(answer.headers.get('connection'), 'close');
    const id = running.headers.get('x-easel-image-id') ?? '';
    await easel.get(`/v1/images/${id}`, { method: 'DELETE' });
    await running.text();
  });

  test('an event loop that is late: everything but health', async () => {
    await using easel = await startEasel({ yaml: 'overload: { max_event_loop_delay_ms: 20 }' });
    const isLate = { now: true };
    // Each turn of the loop is longer than two ticks of its watch.
    const block = (): void => {
      const until = performance.now() + 120;
      while (performance.now() < until);
      if (isLate.now) {
        setTimeout(block);
      }
    };
    block();
    let response = await easel.get('/v1/models');
    while (response.status === 200) {
      await response.arrayBuffer();
      response = await easel.get('/v1/models');
    }
    await assertShed(response);
    assert.equal((await easel.get('/healthz')).status, 200);
    assert.equal((await easel.get('/readyz')).status, 200);
    isLate.now = false;
    while ((await easel.get('/v1/models')).status !== 200) {
      // It is forgotten within some ticks.
    }
    await readAnswer(await easel.post(GENERATIONS, BOAT));
  });

  test('connections: the next gets a 503 and is closed, and the others stay', async () => {
    await using easel = await startEasel({ yaml: 'overload: { max_connections: 3 }' });
    const sockets = [];
    for (let count = 0; count < 3; count += 1) {
      sockets.push(await openSocket(easel));
    }
    const shed = await sendRaw(easel.url, '');
    assert.equal(shed.status, 503);
    assert.ok(Number(shed.headers.get('retry-after')) >= 1);
    assert.equal(asObject(asObject(JSON.parse(shed.body))['error'])['code'], 'overloaded');
    sockets[0]?.destroy();
    const again = async (): Promise<number> =>
      (await sendRaw(easel.url, 'GET /healthz HTTP/1.1\r\nhost: a\r\n\r\n')).status;
    while ((await again()) !== 200) {
      // The server has yet to see that one has left.
    }
    for (const socket of sockets) {
      socket.destroy();
    }
  });

  test('bytes of bodies in memory', async () => {
    await using easel = await startEasel({ yaml: 'overload: { max_body_bytes: 4096 }' });
    const shed = await easel.post(GENERATIONS, { ...BOAT, prompt: 'x'.repeat(8000) });
    await assertShed(shed);
    // What was counted is given back.
    for (let count = 0; count < 20; count += 1) {
      await readAnswer(await easel.post(GENERATIONS, { ...BOAT, prompt: 'x'.repeat(1000) }));
    }
  });
});

test('what is wrong with the headers of an edit is said before its pictures are read', async () => {
  await using easel = await startEasel();
  for (const header of [`idempotency-key: ${'k'.repeat(256)}`, 'x-easel-test: nonsense']) {
    // Nothing of the body is ever sent.
    const answer = await sendRaw(
      easel.url,
      `POST /v1/images/edits HTTP/1.1\r\nhost: a\r\nauthorization: Bearer ${easel.key}\r\n` +
        `${header}\r\ncontent-type: multipart/form-data; boundary=a\r\n` +
        'content-length: 500000000\r\n\r\n',
    );
    assert.equal(answer.status, 400, answer.body);
  }
});

suite('clients that are slow on purpose', () => {
  test('a head that dribbles is cut off, and others are served meanwhile', async () => {
    await using easel = await startEasel({ yaml: 'time: { head_seconds: 0.5 }' });
    const sockets = await Promise.all(Array.from({ length: 50 }, () => openSocket(easel)));
    const ends = sockets.map((socket) => once(socket, 'close'));
    const startedAt = performance.now();
    for (const socket of sockets) {
      socket.write('GET /healthz HTTP/1.1\r\nhost: a\r\nx-slow: ');
    }
    const dribble = setInterval(() => {
      for (const socket of sockets) {
        if (socket.writable) {
          socket.write('a');
        }
        socket.resume();
      }
    }, 20);
    await readAnswer(await easel.post(GENERATIONS, BOAT));
    await Promise.all(ends);
    assert.ok(performance.now() - startedAt >= 500, 'it was cut off for another reason');
    clearInterval(dribble);
  });

  test('a body that dribbles without a pause is refused in words', async () => {
    await using easel = await startEasel({ yaml: 'time: { upload_idle_seconds: 0.3 }' });
    for (const [path, type] of [
      [GENERATIONS, 'application/json'],
      ['/v1/images/edits', 'multipart/form-data; boundary=a'],
    ] as const) {
      const socket = await openSocket(easel);
      let received = '';
      socket.on('data', (chunk: Buffer) => {
        received += chunk.toString();
      });
      socket.write(
        `POST ${path} HTTP/1.1\r\nhost: a\r\nauthorization: Bearer ${easel.key}\r\n` +
          `content-type: ${type}\r\ncontent-length: 100000\r\n\r\n`,
      );
      const dribble = setInterval(() => socket.write(' '), 20);
      await once(socket, 'data');
      clearInterval(dribble);
      assert.match(received, /^HTTP\/1\.1 400 .*arrives too slowly: less than 256 bytes/s);
      socket.destroy();
    }
  });

  test('a body that stops is refused in words', async () => {
    await using easel = await startEasel({ yaml: 'time: { upload_idle_seconds: 0.2 }' });
    const answer = await sendRaw(
      easel.url,
      `POST ${GENERATIONS} HTTP/1.1\r\nhost: a\r\nauthorization: Bearer ${easel.key}\r\n` +
        'content-type: application/json\r\ncontent-length: 100\r\n\r\n{"model":',
    );
    assert.equal(answer.status, 400);
    assert.match(answer.body, /stopped arriving/);
  });
});

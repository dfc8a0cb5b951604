import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { openFiles, until } from '../../src/blobs/test-blobs.ts';
import { readError } from '../support/answers.ts';
import { type Easel, startEasel } from '../support/harness.ts';
import { asObject } from '../support/json.ts';
import { noisePicture } from '../support/references.ts';

const GENERATIONS = '/v1/images/generations';
const BODY = { model: 'deepshi-banana-pro', prompt: 'a red boat', width: 256, height: 256 };

test('ten times more results than fit: within its bytes, the oldest delivered ones go', async () => {
  const bytesMax = 200_000;
  await using easel = await startEasel({
    environment: { EASEL_RESULTS_MAX_BYTES: String(bytesMax) },
  });
  const { marks, lookup } = easel.app.engine;
  // Paid, and nobody has got it: it stays, though it is the oldest.
  const accepted = await easel.post(GENERATIONS, BODY, { prefer: 'respond-async' });
  const waiting = String(asObject(await accepted.json())['id']);
  await easel.app.engine.pipeline.jobs.idle();
  const [anyRecord] = await lookup.list(await ownerOf(easel, waiting), { limit: 1 });
  assert.equal(anyRecord?.id, waiting);
  // One that is being read stays, too.
  const first = asObject(await (await easel.post(GENERATIONS, BODY)).json());
  const read = await lookup.content(String(first['id']), 0);

  const ids: string[] = [];
  let sent = 0;
  while (sent < 10 * bytesMax) {
    const response = await easel.post(GENERATIONS, { ...BODY, seed: ids.length });
    const text = await response.text();
    sent += text.length;
    ids.push(String(asObject(JSON.parse(text))['id']));
    await marks.flush();
    assert.ok((await easel.stored.bytes()) <= bytesMax, `after ${ids.length} pictures`);
  }
  const statuses = await Promise.all(
    ids.map(async (id) => (await easel.get(`/v1/images/${id}`)).status),
  );
  const kept = statuses.indexOf(200);
  assert.ok(kept > 0, 'nothing had to go');
  // Oldest first: from the first that is there on, all are.
  assert.deepEqual(
    statuses,
    ids.map((_, index) => (index < kept ? 410 : 200)),
  );
  // Not only its reader has it still: it lies there, though it is older than those that went.
  assert.equal((await easel.get(`/v1/images/${String(first['id'])}/content/0`)).status, 200);
  const bytes = Buffer.concat(await Array.fromAsync(read.blob.payload.chunks()));
  assert.equal(bytes.length, read.blob.bytes);
  await read.blob.close();
  assert.equal((await easel.get(`/v1/images/${waiting}/content/0`)).status, 200);
  assert.deepEqual(await easel.auditProblems(), []);
});

async function ownerOf(easel: Easel, id: string): Promise<{ accountId: string; mode: 'test' }> {
  const { account_id: accountId } = await easel.app.engine.store.db
    .selectFrom('requests')
    .select('account_id')
    .where('id', '=', id)
    .executeTakeFirstOrThrow();
  return { accountId, mode: 'test' };
}

const TIDY_MS = 15_000;

test(
  'when their time is over pictures go, whoever has got them',
  { timeout: 60_000 },
  async (context) => {
    // The store is tidied when the test says so.
    context.mock.timers.enable({ apis: ['setInterval'] });
    const now = { ms: Date.now() };
    await using easel = await startEasel({ clock: { now: () => now.ms } });
    const { id: got } = asObject(await (await easel.post(GENERATIONS, BODY)).json());
    const accepted = await easel.post(GENERATIONS, BODY, { prefer: 'respond-async' });
    const { id: waiting } = asObject(await accepted.json());
    await easel.app.engine.pipeline.jobs.idle();
    await easel.app.engine.marks.flush();
    // A HEAD brings nothing: the one that waits stays undelivered.
    const statuses = (): Promise<number[]> =>
      Promise.all(
        [got, waiting].map(async (id) => {
          const path = `/v1/images/${String(id)}/content/0`;
          return (await easel.get(path, { method: 'HEAD' })).status;
        }),
      );
    now.ms += 3_599_000;
    assert.deepEqual(await statuses(), [200, 200]);
    now.ms += 1001;
    assert.deepEqual(await statuses(), [410, 410]);
    assert.equal((await easel.get(`/v1/images/${String(got)}`)).status, 410);
    assert.equal((await easel.stored.list()).length, 2);
    // Readers elsewhere may come to their end first, where there is an elsewhere.
    now.ms += 600_000;
    context.mock.timers.tick(TIDY_MS);
    while ((await easel.stored.bytes()) > 0) {
      context.signal.throwIfAborted();
    }
  },
);

test(
  'an answer that nobody reads opens no pictures for good',
  { timeout: 60_000 },
  async (context) => {
    await using easel = await startEasel();
    const folder = join(easel.home, 'results');
    const headers = { 'idempotency-key': 'order 7', prefer: 'respond-async' };
    const body = { model: 'gpt-image-2', prompt: 'a red boat', quality: 'low', n: 2 };
    assert.equal((await easel.post(GENERATIONS, body, headers)).status, 202);
    await easel.app.engine.pipeline.jobs.idle();
    for (let times = 1; times <= 5; times += 1) {
      const again = await easel.post(GENERATIONS, body, headers);
      assert.deepEqual([again.status, again.headers.get('idempotent-replayed')], [202, 'true']);
    }
    await until(context.signal, () => openFiles(folder) === 0);

    // One that is read closes what it has opened.
    const read = await easel.post(GENERATIONS, body, { 'idempotency-key': 'order 7' });
    assert.equal((asObject(await read.json())['data'] as unknown[]).length, 2);
    await until(context.signal, () => openFiles(folder) === 0);

    // Whoever asks hears at once that a picture is gone, in whatever form the answer was to come.
    const [onePicture = ''] = await easel.stored.list();
    await easel.stored.remove(onePicture);
    for (const more of [headers, { 'idempotency-key': 'order 7' }]) {
      await readError(await easel.post(GENERATIONS, body, more), { name: 'result_expired' });
    }
    await until(context.signal, () => openFiles(folder) === 0);
  },
);

test('a repeated request is refused once the time of its pictures is over', async () => {
  const now = { ms: Date.now() };
  // A key is kept for an hour, its pictures for a minute.
  await using easel = await startEasel({
    environment: { EASEL_RESULT_TTL: '60' },
    clock: { now: () => now.ms },
  });
  const key = { 'idempotency-key': 'order 7' };
  const first = await (await easel.post(GENERATIONS, BODY, key)).json();
  now.ms += 59_000;
  assert.deepEqual(await (await easel.post(GENERATIONS, BODY, key)).json(), first);
  now.ms += 1001;
  await readError(await easel.post(GENERATIONS, BODY, key), { name: 'result_expired' });
});

/** An upstream of OpenAI's form whose one answer is far larger than what sockets hold. */
async function startLarge() {
  const picture = await noisePicture({ width: 2400, height: 2400 });
  const answer = Buffer.from(
    JSON.stringify({
      created: 1,
      data: [{ b64_json: picture.toString('base64') }],
      usage: {
        input_tokens: 7,
        input_tokens_details: { text_tokens: 7, image_tokens: 0 },
        output_tokens: 196,
        total_tokens: 203,
      },
    }),
  );
  const server = createServer((request, response) => {
    request.resume();
    request.on('end', () => {
      response.writeHead(200, { 'content-type': 'application/json' }).end(answer);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    answerBytes: answer.length,
    pictureBytes: picture.length,
    close: (): void => {
      server.closeAllConnections();
      server.close();
    },
  };
}

/** Bytes of buffers that something still refers to. */
function liveBufferBytes(): number {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  collect();
  collect();
  return process.memoryUsage().arrayBuffers;
}

/** A client that takes no more at once than it is told to. */
function pacedReader(socket: Socket): (bytesMax?: number) => Promise<Buffer> {
  return async (bytesMax = Infinity) => {
    // Asking for more than there is would get nothing, and be told at once to ask again.
    while (socket.readableLength === 0) {
      assert.ok(!socket.readableEnded, 'the answer ended early');
      await once(socket, 'readable');
    }
    const piece = socket.read(Math.min(bytesMax, socket.readableLength)) as Buffer | null;
    assert.ok(piece !== null);
    return piece;
  };
}

test(
  'a reader at 1 KB/s neither holds up the job nor keeps its buffers',
  { timeout: 60_000 },
  async () => {
    const upstream = await startLarge();
    await using easel = await startEasel({
      environment: { OPENAI_API_KEY: 'k', OPENAI_BASE_URL: upstream.url },
    });
    const authorization = `Bearer ${await easel.liveKey()}`;
    const body = JSON.stringify({ model: 'gpt-image-2', prompt: 'a red boat', quality: 'low' });
    const before = liveBufferBytes();
    const { hostname, port } = new URL(easel.url);
    const socket = connect(Number(port), hostname);
    socket.write(
      `POST ${GENERATIONS} HTTP/1.1\r\nhost: ${hostname}\r\nauthorization: ${authorization}\r\n` +
        `content-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
    );
    const read = pacedReader(socket);
    // The whole job takes less than a second: this is what such a reader has got by then.
    let tail = await read(1024);
    let received = tail.length;
    const id = /^x-easel-image-id: (\S+)/im.exec(tail.toString('latin1'))?.[1];
    await easel.app.engine.pipeline.jobs.idle();
    const balance = asObject(
      await (await easel.get('/v1/balance', { headers: { authorization } })).json(),
    );
    assert.deepEqual([balance['spent'], balance['held']], [0.005915, 0]);
    // Minutes of such a reader, without their waits: it is served from the disk, bit by bit.
    while (received < 256 * 1024) {
      received += (await read(1024)).length;
    }
    // What the two sockets of this process hold is part of it, the rest of the picture is not.
    const heldBytes = liveBufferBytes() - before;
    assert.ok(heldBytes < upstream.answerBytes / 2, `${heldBytes} of ${upstream.answerBytes}`);
    // Nor does it hold up others.
    const content = await easel.get(`/v1/images/${id}/content/0`, { headers: { authorization } });
    assert.equal((await content.arrayBuffer()).byteLength, upstream.pictureBytes);
    while (!tail.includes('\r\n0\r\n\r\n')) {
      const piece = await read();
      received += piece.length;
      tail = Buffer.concat([tail, piece]).subarray(-4096);
    }
    socket.destroy();
    assert.ok(received > upstream.answerBytes);
    assert.match(tail.toString('latin1'), /"total_cost":0\.005915/);
    upstream.close();
  },
);

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readdir, stat } from 'node:fs/promises';
import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { startEasel } from '../support/harness.ts';
import { asObject } from '../support/json.ts';
import { noisePicture } from '../support/references.ts';

const GENERATIONS = '/v1/images/generations';
const BODY = { model: 'deepshi-banana-pro', prompt: 'a red boat', width: 256, height: 256 };

/** The bytes of every file in the result store. */
async function storedBytes(home: string): Promise<number> {
  const entries = await readdir(join(home, 'results'), { recursive: true, withFileTypes: true });
  const sizes = await Promise.all(
    entries
      .filter((entry) => entry.isFile())
      .map(async (entry) => (await stat(join(entry.parentPath, entry.name))).size),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}

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
    assert.ok((await storedBytes(easel.home)) <= bytesMax, `after ${ids.length} pictures`);
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
  const bytes = Buffer.concat(await Array.fromAsync(read.blob.payload.chunks()));
  assert.equal(bytes.length, read.blob.bytes);
  await read.blob.close();
  assert.equal((await easel.get(`/v1/images/${waiting}/content/0`)).status, 200);
  assert.deepEqual(await easel.auditProblems(), []);
});

async function ownerOf(
  easel: Awaited<ReturnType<typeof startEasel>>,
  id: string,
): Promise<{ accountId: string; mode: 'test' }> {
  const { account_id: accountId } = await easel.app.engine.store.db
    .selectFrom('requests')
    .select('account_id')
    .where('id', '=', id)
    .executeTakeFirstOrThrow();
  return { accountId, mode: 'test' };
}

test('when their time is over pictures go, whoever has got them', async () => {
  const now = { ms: Date.now() };
  await using easel = await startEasel({ clock: { now: () => now.ms } });
  const { id } = asObject(await (await easel.post(GENERATIONS, BODY)).json());
  assert.ok((await storedBytes(easel.home)) > 0);
  now.ms += 3_600_001;
  assert.equal((await easel.get(`/v1/images/${String(id)}`)).status, 410);
});

/** An upstream of OpenAI's form whose one answer is far larger than what sockets hold. */
async function startLarge(): Promise<{ url: string; answerBytes: number; close: () => void }> {
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
    close: () => {
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

test('a reader that stalls neither holds up the job nor keeps its buffers', async () => {
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
  // It reads the head of the answer, and then no more until the job is done and paid.
  const chunks = [(await once(socket, 'data'))[0] as Buffer];
  socket.pause();
  await easel.app.engine.pipeline.jobs.idle();
  const balance = asObject(
    await (await easel.get('/v1/balance', { headers: { authorization } })).json(),
  );
  assert.deepEqual([balance['spent'], balance['held']], [0.005915, 0]);
  // What the two sockets of this process hold is part of it, the rest of the picture is not.
  const heldBytes = liveBufferBytes() - before;
  assert.ok(heldBytes < upstream.answerBytes / 2, `${heldBytes} of ${upstream.answerBytes}`);
  let received = chunks[0]?.length ?? 0;
  socket.on('data', (chunk: Buffer) => {
    received += chunk.length;
    chunks.push(chunk);
    chunks.splice(0, chunks.length - 4);
  });
  socket.resume();
  while (!Buffer.concat(chunks).includes('\r\n0\r\n\r\n')) {
    await once(socket, 'data');
  }
  socket.destroy();
  assert.ok(received > upstream.answerBytes);
  assert.match(Buffer.concat(chunks).toString('latin1'), /"total_cost":0\.005915/);
  upstream.close();
});

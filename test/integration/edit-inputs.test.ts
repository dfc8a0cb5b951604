import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { suite, test } from 'node:test';
import sharp from 'sharp';
import { readAnswer } from '../support/answers.ts';
import { type Edit, type Publish, SPELLINGS } from '../support/edit-spellings.ts';
import { type Easel, startEasel } from '../support/harness.ts';
import { middleMask, noisePicture } from '../support/references.ts';
import { readEvents } from '../support/sse.ts';
import { openSpoolFiles } from '../support/spool.ts';
import { startOpenaiCompatible } from '../support/upstreams/openai-compatible.ts';
import type { ReceivedEdit } from '../support/upstreams/received-edit.ts';
import { ownCard, ownCards, type UpstreamRow, UPSTREAMS } from '../providers/upstreams-table.ts';

// Every spelling of an edit × every engine: what reaches it are exactly the pictures and the mask
// that were sent.

const EDITS = '/v1/images/edits';

/** One of base64 long enough to be lifted out of JSON, one too short, and one of several blocks. */
const pictures = await Promise.all([
  noisePicture({ width: 80, height: 60, seed: 1 }),
  noisePicture({ width: 15, height: 15, seed: 2 }),
  noisePicture({ width: 700, height: 500, seed: 3 }),
]);
const mask = await middleMask({ width: 80, height: 60 });

/** Files that Easel may fetch. */
async function startFiles(): Promise<AsyncDisposable & { host: string; publish: Publish }> {
  const files: Buffer[] = [];
  const server = createServer((request, response) => {
    const file = files[Number(request.url?.slice(1))];
    response.writeHead(file === undefined ? 404 : 200).end(file);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    host,
    publish: (bytes) => `http://${host}/${files.push(bytes) - 1}`,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

interface Bench extends AsyncDisposable {
  readonly easel: Easel;
  readonly publish: Publish;
  readonly key: string;
  readonly edits: readonly ReceivedEdit[];
}

async function openBench(row?: UpstreamRow): Promise<Bench> {
  const files = await startFiles();
  const started = await row?.start();
  const allowed = [started?.environment['EASEL_FETCH_ALLOW'] ?? '', files.host];
  const easel = await startEasel({
    environment: { ...started?.environment, EASEL_FETCH_ALLOW: allowed.join(',') },
    ...(started?.yaml === undefined ? {} : { yaml: started.yaml }),
  });
  return {
    easel,
    publish: files.publish,
    key: row === undefined ? easel.key : await easel.liveKey(),
    edits: started?.edits ?? [],
    [Symbol.asyncDispose]: async () => {
      await easel.close();
      await started?.[Symbol.asyncDispose]();
      await files[Symbol.asyncDispose]();
      assert.deepEqual(started?.upstream.problems ?? [], []);
    },
  };
}

function send(
  { easel, key, publish }: Bench,
  edit: Edit,
  spell: (typeof SPELLINGS)[number]['spell'],
): Promise<Response> {
  const { contentType, body } = spell(edit, publish);
  const headers = { authorization: `Bearer ${key}`, 'content-type': contentType };
  return easel.get(EDITS, { method: 'POST', headers, body });
}

/** A server of OpenAI's own form that takes masks, beside the one of the shared table. */
const plain: UpstreamRow = {
  name: 'openai-compatible, plain',
  model: 'plain-model',
  cost: 0.025,
  isLive: true,
  mask: 'alpha',
  start: async () => {
    const sim = await startOpenaiCompatible({ flavour: 'sdserver' });
    const account =
      `providers:\n  local:\n    kind: openai-compatible\n    base_url: ${sim.baseUrl}\n` +
      '    settings: { flavour: plain }\n';
    return {
      upstream: sim.upstream,
      delivery: sim.upstream,
      edits: sim.edits,
      environment: {},
      yaml: account + ownCards(ownCard('plain-model', 'local', 'sd-cpp-local')),
      [Symbol.asyncDispose]: () => sim[Symbol.asyncDispose](),
    };
  },
};

for (const row of [...UPSTREAMS, plain]) {
  suite(`edits reach ${row.name}`, () => {
    const fields = {
      model: row.editModel ?? row.model,
      prompt: 'make it night',
      ...(row.fields as Edit['fields'] | undefined),
    };

    test('every spelling brings the same pictures, byte for byte, in order', async () => {
      await using bench = await openBench(row);
      for (const { name, spell } of SPELLINGS) {
        for (const images of [pictures.slice(0, 1), pictures]) {
          const before = bench.edits.length;
          const response = await send(bench, { fields, images }, spell);
          assert.equal(response.status, 200, `${name}: ${await response.clone().text()}`);
          await readAnswer(response);
          const [received, ...others] = bench.edits.slice(before);
          assert.equal(others.length, 0, name);
          assertSame(received?.images, images, name);
          assert.equal(received?.mask, undefined, name);
        }
      }
      await assertNothingLeft(bench);
    });

    const form = row.mask;
    if (form !== undefined) {
      test('every spelling brings the mask', async () => {
        await using bench = await openBench(row);
        for (const { name, spell } of SPELLINGS) {
          const edit = { fields, images: pictures.slice(0, 2), mask };
          const response = await send(bench, edit, spell);
          assert.equal(response.status, 200, `${name}: ${await response.clone().text()}`);
          await readAnswer(response);
          const received = bench.edits.at(-1);
          assertSame(received?.images, edit.images, name);
          const sent = form === 'alpha' ? mask : await whiteWhereTransparent(mask);
          assertSame([await decoded(received?.mask, form)], [await decoded(sent, form)], name);
        }
        await assertNothingLeft(bench);
      });
    }

    test('a streamed edit ends with image_generation.completed', async () => {
      await using bench = await openBench(row);
      const [spelling] = SPELLINGS;
      const edit = { fields: { ...fields, stream: true }, images: pictures.slice(0, 1) };
      assert.ok(spelling !== undefined);
      const events = await Array.fromAsync(readEvents(await send(bench, edit, spelling.spell)));
      const last = events.at(-1);
      assert.ok(last !== undefined && 'event' in last, JSON.stringify(last));
      assert.equal(last.event, 'image_generation.completed', last.text.slice(-300));
      assert.equal(last.data['type'], 'image_generation.completed');
      assert.ok('usage' in last.data);
      await assertNothingLeft(bench);
    });
  });
}

suite('edits reach the painter', () => {
  test('every spelling gives the same picture', async () => {
    await using bench = await openBench();
    const fields = { model: 'deepshi-image-1', prompt: 'make it night', seed: 7 };
    const made = new Set<string>();
    for (const masks of [{}, { mask }]) {
      const same = new Set<string>();
      for (const { name, spell } of SPELLINGS) {
        const edit = { fields, images: pictures, ...masks };
        const response = await send(bench, edit, spell);
        assert.equal(response.status, 200, `${name}: ${await response.clone().text()}`);
        const answer = await readAnswer(response);
        same.add(String(answer.data[0]?.b64_json));
      }
      assert.equal(same.size, 1);
      made.add([...same].join());
    }
    assert.equal(made.size, 2, 'the mask makes no difference');
    const { spell } = SPELLINGS[0] ?? assert.fail();
    const other = await readAnswer(await send(bench, { fields, images: pictures.slice(2) }, spell));
    // The size follows the first picture, on the card's grid.
    assert.equal(other.size, '704x504');
    await assertNothingLeft(bench);
  });
});

function assertSame(
  received: readonly Buffer[] | undefined,
  sent: readonly Buffer[],
  name: string,
): void {
  assert.deepEqual(
    received?.map((bytes) => bytes.length),
    sent.map((bytes) => bytes.length),
    name,
  );
  assert.ok(
    sent.every((bytes, index) => received?.[index]?.equals(bytes)),
    name,
  );
}

/** A mask as it came is compared by its bytes, a converted one by its pixels. */
async function decoded(bytes: Buffer | undefined, form: 'alpha' | 'white'): Promise<Buffer> {
  assert.ok(bytes !== undefined, 'no mask came');
  return form === 'alpha' ? bytes : sharp(bytes).raw().toBuffer();
}

async function whiteWhereTransparent(bytes: Buffer): Promise<Buffer> {
  return sharp(bytes).extractChannel('alpha').negate().png().toBuffer();
}

async function assertNothingLeft({ easel }: Bench): Promise<void> {
  await easel.app.engine.pipeline.jobs.idle();
  assert.deepEqual(await openSpoolFiles(easel.home), []);
  assert.deepEqual(await easel.auditProblems(), []);
}

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLog } from '../base/log.ts';
import { bytesPayload, type Payload } from '../payload/payload.ts';
import type { ImageTask, Provider, ProviderEvent, Receipt } from '../providers/provider.ts';
import { fanOut } from './fan-out.ts';

const task: ImageTask = {
  upstreamModel: 'm',
  prompt: 'a boat',
  n: 4,
  parameters: {},
  upstreamParameters: {},
  passthrough: {},
  seed: 7,
  format: 'png',
  stream: false,
  partialImages: 0,
  references: [],
  size: { width: 64, height: 64 },
};

const usage = {
  textInput: 1,
  imageInput: 0,
  cachedTextInput: 0,
  cachedImageInput: 0,
  textOutput: 0,
  imageOutput: 10,
  reasoningOutput: 0,
};

/** An engine that gives one picture a call, named by its seed, in an order of the test's choice. */
function oneAtATime(
  turns: ReadonlyMap<number, Promise<void>>,
  failing: ReadonlySet<number> = new Set(),
): Provider & { readonly started: number[] } {
  const started: number[] = [];
  return {
    name: 'one',
    started,
    async *generate({ seed = 0, n }): AsyncGenerator<ProviderEvent, Receipt, void> {
      assert.equal(n, 1);
      started.push(seed);
      await turns.get(seed);
      if (failing.has(seed)) {
        throw new Error(`no ${seed}`);
      }
      yield { type: 'image', payload: bytesPayload(Buffer.from(`picture ${seed}`)), seed };
      return { upstreamIds: [`id-${seed}`], upstreamCost: 5n, tokens: usage };
    },
  };
}

async function run(provider: Provider): Promise<{ events: string[]; receipt: Receipt }> {
  const spool = async (payload: Payload): Promise<Payload> => payload;
  const context = {
    signal: new AbortController().signal,
    log: createLog({ level: 'silent' }),
    spool,
  };
  const generator = fanOut(provider, 1).generate(task, context);
  const events: string[] = [];
  for (;;) {
    const step = await generator.next();
    if (step.done === true) {
      return { events, receipt: step.value };
    }
    const event = step.value;
    events.push(event.type === 'image' ? `image ${event.seed}` : event.type);
  }
}

test('all calls start at once, and their pictures come in the order of the calls', async () => {
  const gates = [7, 8, 9, 10].map((seed) => [seed, Promise.withResolvers<void>()] as const);
  const provider = oneAtATime(new Map(gates.map(([seed, { promise }]) => [seed, promise])));
  const result = run(provider);
  await new Promise(setImmediate);
  assert.deepEqual(provider.started, [7, 8, 9, 10]);
  for (const [, gate] of gates.toReversed()) {
    gate.resolve();
    await new Promise(setImmediate);
  }
  const { events, receipt } = await result;
  assert.deepEqual(events, ['image 7', 'image 8', 'image 9', 'image 10']);
  assert.deepEqual(receipt.upstreamIds, ['id-7', 'id-8', 'id-9', 'id-10']);
  assert.equal(receipt.upstreamCost, 20n);
  assert.equal(receipt.tokens?.imageOutput, 40);
});

test('a call that fails costs its own picture only', async () => {
  const { events, receipt } = await run(oneAtATime(new Map(), new Set([8])));
  assert.deepEqual(events, ['image 7', 'image_failed', 'image 9', 'image 10']);
  assert.equal(receipt.upstreamCost, 15n);
});

test('when all calls fail, each is told, and the receipt is empty', async () => {
  const { events, receipt } = await run(oneAtATime(new Map(), new Set([7, 8, 9, 10])));
  assert.deepEqual(events, Array(4).fill('image_failed'));
  assert.deepEqual(receipt, { upstreamIds: [] });
});

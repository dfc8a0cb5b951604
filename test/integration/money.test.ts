import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { type Easel, startEasel } from '../support/harness.ts';
import { type AllUpstreams, startAllUpstreams } from '../support/upstreams/all.ts';

/** Nano-dollars a token: prices in USD a million, times a thousand. */
interface TokenPrices {
  readonly textIn: bigint;
  readonly cachedText: bigint;
  readonly imageIn: bigint;
  readonly cachedImage: bigint;
  readonly imageOut: bigint;
}

const GPT_2: TokenPrices = {
  textIn: 5_000n,
  cachedText: 1_250n,
  imageIn: 8_000n,
  cachedImage: 2_000n,
  imageOut: 30_000n,
};
const TOKEN_MODELS: Readonly<Record<string, TokenPrices>> = {
  'gpt-image-2': GPT_2,
  'gpt-image-2.5': GPT_2,
  'gpt-image-2.6': GPT_2,
  'gpt-image-1.5': { ...GPT_2, imageOut: 32_000n },
  'gpt-image-1-mini': {
    textIn: 2_000n,
    cachedText: 200n,
    imageIn: 2_500n,
    cachedImage: 250n,
    imageOut: 8_000n,
  },
};

/** Computed by hand: 7 text tokens, which the simulator counts for the prompt, and the output. */
const TOKEN_ANSWERS: readonly [model: string, fields: object, outputTokens: bigint][] = [
  ['gpt-image-2', { quality: 'low' }, 196n],
  ['gpt-image-2', {}, 1756n],
  ['gpt-image-2', { quality: 'high' }, 7024n],
  ['gpt-image-2', { quality: 'low', image_size: '1536x1024' }, 158n],
  ['gpt-image-2', { quality: 'low', image_size: '2048x2048' }, 397n],
  ['gpt-image-2', { quality: 'low', image_size: '3840x2160' }, 371n],
  ['gpt-image-2', { quality: 'medium', size: '1024x1536' }, 1372n],
  ['gpt-image-2.5', { quality: 'medium' }, 439n],
  ['gpt-image-2.5', { quality: 'high' }, 1756n],
  ['gpt-image-2.5', { quality: 'xhigh' }, 3122n],
  ['gpt-image-2.5', { quality: 'max' }, 7024n],
  ['gpt-image-2.6', { quality: 'medium', image_size: '1536x1024' }, 343n],
  ['gpt-image-1.5', { quality: 'low' }, 272n],
  ['gpt-image-1.5', { quality: 'medium', size: '1024x1536' }, 1584n],
  ['gpt-image-1.5', { quality: 'high', size: '1536x1024' }, 6208n],
  ['gpt-image-1-mini', { quality: 'high' }, 4160n],
  ['gpt-image-2', { quality: 'low', n: 3 }, 3n * 196n],
];

/** Prices that the card or the upstream's own figure fixes, in USD. */
const FIXED_ANSWERS: readonly [model: string, fields: object, usd: number][] = [
  ['deepshi-banana-pro', {}, 0.01],
  ['deepshi-image-1', { width: 2048, height: 2048 }, 0.01],
  ['nano-banana', {}, 0.039],
  ['nano-banana-2', { resolution: '1K' }, 0.0336],
  ['nano-banana-2', { resolution: '2K' }, 0.0504],
  ['nano-banana-2', { resolution: '4K' }, 0.113],
  ['nano-banana-pro', { resolution: '1K' }, 0.134],
  ['nano-banana-pro', {}, 0.134],
  ['nano-banana-pro', { resolution: '4K', n: 2 }, 0.48],
  ['grok-imagine', { n: 4 }, 0.08],
  ['grok-imagine-quality', {}, 0.04],
  ['grok-imagine-quality', { resolution: '2k' }, 0.06],
  ['seedream-4.5', { image_size: 'auto_4K' }, 0.04],
  ['seedream-5', { n: 2 }, 0.07],
  ['flux-2-pro', {}, 0.03],
  ['flux-2-pro', { width: 1920, height: 1088 }, 0.045],
  ['flux-2-pro', { width: 2048, height: 2048 }, 0.075],
  ['flux-2-max', { width: 2048, height: 1024 }, 0.1],
  ['flux-2-flex', { width: 1024, height: 1040 }, 0.1],
  ['flux-2-klein-9b', { width: 2048, height: 2048 }, 0.021],
  ['flux-2-klein-9b', { n: 2 }, 0.03],
];

suite('the charge of a live answer, to the nano-dollar', () => {
  let upstreams: AllUpstreams;
  let easel: Easel;
  let key: string;

  before(async () => {
    upstreams = await startAllUpstreams();
    const { environment, yaml } = upstreams;
    easel = await startEasel({ environment, yaml: yaml(1) });
    key = await easel.liveKey();
  });
  after(async () => {
    await easel.close();
    await upstreams[Symbol.asyncDispose]();
  });

  const headers = (): Record<string, string> => ({ authorization: `Bearer ${key}` });
  const spent = async (): Promise<bigint> => {
    const response = await easel.get('/v1/balance', { headers: headers() });
    const balance = (await response.json()) as { spent: number; held: number };
    assert.equal(balance.held, 0);
    return nanos(balance.spent);
  };
  /** What was charged: the same in the answer, the ledger, and not above the quote. */
  const charge = async (model: string, fields: object): Promise<bigint> => {
    const body = { model, prompt: 'a red boat', ...fields };
    const quoted = await easel.post('/v1/images/quotes', body);
    const { max_cost: most } = (await quoted.json()) as { max_cost: number };
    const before = await spent();
    const response = await easel.post('/v1/images/generations', body, headers());
    const answer = (await response.json()) as { usage: { cost: { total_cost: number } } };
    assert.equal(response.status, 200, JSON.stringify(answer).slice(0, 300));
    const charged = nanos(answer.usage.cost.total_cost);
    assert.equal((await spent()) - before, charged);
    assert.ok(
      upstreams.openai.habits.usage !== undefined || nanos(most) >= charged,
      `${model}: ${most}`,
    );
    return charged;
  };

  for (const [model, fields, outputTokens] of TOKEN_ANSWERS) {
    test(`${model} ${JSON.stringify(fields)}: ${outputTokens} output tokens`, async () => {
      const prices = TOKEN_MODELS[model];
      assert.ok(prices !== undefined);
      const expected = 7n * prices.textIn + outputTokens * prices.imageOut;
      assert.equal(await charge(model, fields), expected);
    });
  }

  for (const [model, fields, usd] of FIXED_ANSWERS) {
    test(`${model} ${JSON.stringify(fields)}: ${usd} USD`, async () => {
      assert.equal(await charge(model, fields), nanos(usd));
    });
  }

  test('random usages, cached and not, by the price list of each model', async (t) => {
    t.after(() => {
      upstreams.openai.habits.usage = undefined;
    });
    let state = 7;
    const random = (most: number): number => {
      state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
      return state % (most + 1);
    };
    for (let round = 0; round < 100; round += 1) {
      const [model, prices] = Object.entries(TOKEN_MODELS)[round % 5] ?? [];
      assert.ok(model !== undefined && prices !== undefined);
      const [text, image, output] = [random(9_000), random(9_000), random(9_000)];
      const [cachedText, cachedImage] = [random(text), random(image)];
      upstreams.openai.habits.usage = {
        input_tokens: text + image,
        input_tokens_details: {
          text_tokens: text,
          image_tokens: image,
          cached_tokens: cachedText + cachedImage,
          cached_tokens_details: { text_tokens: cachedText, image_tokens: cachedImage },
        },
        output_tokens: output,
        total_tokens: text + image + output,
      };
      const expected =
        BigInt(text - cachedText) * prices.textIn +
        BigInt(cachedText) * prices.cachedText +
        BigInt(image - cachedImage) * prices.imageIn +
        BigInt(cachedImage) * prices.cachedImage +
        BigInt(output) * prices.imageOut;
      assert.equal(await charge(model, { quality: 'low' }), expected, `round ${round}`);
    }
    assert.deepEqual(await easel.auditProblems(), []);
  });

  test("the DeerAPI page's own sample: 16 text tokens in, 208 image tokens out", async (t) => {
    t.after(() => {
      upstreams.openai.habits.usage = undefined;
    });
    upstreams.openai.habits.usage = {
      input_tokens: 16,
      input_tokens_details: { image_tokens: 0, text_tokens: 16 },
      output_tokens: 208,
      total_tokens: 224,
    };
    assert.equal(await charge('gpt-image-2', { quality: 'low' }), 6_320_000n);
  });

  test("xAI's ticks and Black Forest Labs' credits are charged as they are named", async () => {
    // A tick is a tenth of a nano-dollar: the sum is rounded up once.
    upstreams.xai.nextAnswers({ kind: 'ticks', ticks: 123_456_789 });
    assert.equal(await charge('grok-imagine', {}), 12_345_679n);
    upstreams.bfl.nextJobs({ cost: 4.25 });
    assert.equal(await charge('flux-2-pro', {}), 42_500_000n);
  });
});

function nanos(usd: number): bigint {
  return BigInt(Math.round(usd * 1e9));
}

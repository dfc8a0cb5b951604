import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readAnswer } from '../support/answers.ts';
import { type CollectedSpan, type Collector, startCollector } from '../support/collector.ts';
import { type Easel, startEasel } from '../support/harness.ts';
import { type OpenaiSimulator, startOpenai } from '../support/upstreams/openai.ts';

const GENERATIONS = '/v1/images/generations';
const PROMPT = 'a very secret boat';
const PARENT = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

async function startTraced(
  openai: OpenaiSimulator,
  { url }: Pick<Collector, 'url'>,
  yaml = '',
): Promise<Easel & AsyncDisposable> {
  return startEasel({
    environment: {
      OPENAI_API_KEY: openai.apiKey,
      OPENAI_BASE_URL: openai.baseUrl,
      OTEL_EXPORTER_OTLP_ENDPOINT: url,
    },
    yaml,
  });
}

const ORDER = { model: 'gpt-image-2', quality: 'low', prompt: PROMPT };

test('the trace of one request has every step, and carries the caller’s context on', async () => {
  await using openai = await startOpenai();
  await using collector = await startCollector();
  const easel = await startTraced(
    openai,
    collector,
    'providers: { openai: { kind: openai, trace_context: true } }',
  );
  const key = await easel.liveKey();
  const headers = { authorization: `Bearer ${key}`, traceparent: PARENT };
  await readAnswer(await easel.post(GENERATIONS, ORDER, headers));
  // What is left is sent as the server stops.
  await easel.close();
  const spans = collector.spans();
  const root = spans.find(({ kind }) => kind === 2);
  assert.ok(root !== undefined);
  assert.equal(root.name, `POST ${GENERATIONS}`);
  assert.equal(root.parentSpanId, PARENT.split('-')[2]);
  assert.equal(root.attributes['http.response.status_code'], 200);
  const children = spans.filter(({ parentSpanId }) => parentSpanId === root.spanId);
  assert.deepEqual(children.map(({ name }) => name).toSorted(), [
    'admit',
    'authenticate',
    'call openai/gpt-image-2',
    'generate',
    'hold',
    'limit',
    'parse',
    'render',
    'settle',
    'store',
  ]);
  for (const span of spans) {
    assert.equal(span.traceId, PARENT.split('-')[1], span.name);
    assert.ok(span.startNs <= span.endNs, span.name);
    assert.equal(span.isError, false, span.name);
  }
  const { attributes } = named(spans, 'generate');
  assert.equal(attributes['gen_ai.operation.name'], 'generate_content');
  assert.equal(attributes['gen_ai.output.type'], 'image');
  assert.equal(attributes['gen_ai.request.model'], 'gpt-image-2');
  assert.equal(attributes['gen_ai.provider.name'], 'openai');
  assert.ok(Number(attributes['gen_ai.usage.output_tokens']) > 0);
  // The upstream was told which span it belongs to.
  const call = named(spans, 'call openai/gpt-image-2');
  assert.equal(call.kind, 3);
  const sent = openai.upstream.requests[0]?.headers['traceparent'];
  assert.equal(sent, `00-${call.traceId}-${call.spanId}-01`);
  // Nothing of what was asked for, nor of who asked.
  for (const secret of [PROMPT, key, openai.apiKey]) {
    assert.ok(!collector.text().includes(secret), secret);
  }
});

function named(spans: readonly CollectedSpan[], name: string): CollectedSpan {
  const span = spans.find((each) => each.name === name);
  assert.ok(span !== undefined, name);
  return span;
}

test('a failure shows in the step that failed; upstreams get no context unless allowed', async () => {
  await using openai = await startOpenai();
  await using collector = await startCollector();
  const easel = await startTraced(openai, collector);
  openai.upstream.next({ kind: 'status', status: 500 });
  const headers = { authorization: `Bearer ${await easel.liveKey()}` };
  const response = await easel.post(GENERATIONS, ORDER, headers);
  assert.equal(response.status, 502, await response.text());
  const refused = await easel.post(GENERATIONS, { ...ORDER, n: 99 }, headers);
  assert.equal(refused.status, 400, await refused.text());
  await easel.close();
  const spans = collector.spans();
  assert.equal(named(spans, 'generate').attributes['error.type'], 'upstream_error');
  assert.equal(named(spans, 'call openai/gpt-image-2').isError, true);
  assert.equal(named(spans, 'hold').isError, false);
  const roots = spans.filter(({ kind }) => kind === 2 && true);
  assert.deepEqual(roots.filter(({ attributes }) => 'error.type' in attributes).length, 2);
  assert.equal(openai.upstream.requests[0]?.headers['traceparent'], undefined);
});

test('a collector that is away costs nobody an answer', async () => {
  await using openai = await startOpenai();
  const easel = await startTraced(openai, { url: 'http://127.0.0.1:9' });
  await readAnswer(
    await easel.post(GENERATIONS, ORDER, { authorization: `Bearer ${await easel.liveKey()}` }),
  );
  await easel.close();
});

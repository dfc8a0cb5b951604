import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { suite, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { readAnswer } from '../support/answers.ts';
import { type Easel, startEasel } from '../support/harness.ts';
import { asObject } from '../support/json.ts';
import { sendRaw } from '../support/raw-http.ts';
import { startOpenai } from '../support/upstreams/openai.ts';

const GENERATIONS = '/v1/images/generations';
const BOAT = { model: 'deepshi-banana-pro', prompt: 'a boat', width: 512, height: 256 };
const DOCS = fileURLToPath(new URL('../../docs/operating/', import.meta.url));

interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

interface Scrape {
  readonly samples: ReadonlyMap<string, readonly Sample[]>;
  readonly help: ReadonlyMap<string, string>;
}

async function scrape(easel: Easel): Promise<Scrape> {
  const response = await fetch(`${easel.url}/metrics`);
  const text = await response.text();
  assert.equal(response.status, 200, text);
  assert.match(response.headers.get('content-type') ?? '', /^text\/plain; version=/);
  const samples = new Map<string, Sample[]>();
  const help = new Map<string, string>();
  for (const line of text.split('\n')) {
    const [, named, words] = /^# HELP (\S+) (.+)$/.exec(line) ?? [];
    if (named !== undefined && words !== undefined) {
      help.set(named, words);
    }
    const [, name, inside = '', value] = /^([a-z_]+)(?:\{(.*)\})? (\S+)$/.exec(line) ?? [];
    if (name !== undefined) {
      const labels = [...inside.matchAll(/(\w+)="([^"]*)"/g)].map(
        ([, label = '', text = '']) => [label, text] as const,
      );
      const known = samples.get(name) ?? [];
      samples.set(name, [...known, { labels: Object.fromEntries(labels), value: Number(value) }]);
    }
  }
  return { samples, help };
}

function valueOf({ samples }: Scrape, name: string, labels: Record<string, string> = {}): number {
  const found = (samples.get(name) ?? []).filter((sample) =>
    Object.entries(labels).every(([label, value]) => sample.labels[label] === value),
  );
  assert.equal(found.length, 1, `${name} ${JSON.stringify(labels)}: ${found.length} samples`);
  return found[0]?.value ?? NaN;
}

/** Every metric of Easel's own. */
const METRICS = [
  'easel_http_requests_total',
  'easel_http_request_duration_seconds',
  'easel_http_first_byte_seconds',
  'easel_http_received_bytes_total',
  'easel_http_sent_bytes_total',
  'easel_errors_total',
  'easel_image_requests_total',
  'easel_image_request_duration_seconds',
  'easel_images_total',
  'easel_megapixels_total',
  'easel_charged_usd_total',
  'easel_upstream_cost_usd_total',
  'easel_warnings_total',
  'easel_overruns_total',
  'easel_lost_requests_total',
  'easel_upstream_calls_total',
  'easel_upstream_call_duration_seconds',
  'easel_upstream_first_byte_seconds',
  'easel_requests_running',
  'easel_connections',
  'easel_event_loop_delay_seconds',
  'easel_body_bytes',
  'easel_results_bytes',
  'easel_spool_bytes',
  'easel_shed_total',
  'easel_holds',
  'easel_held_usd',
  'easel_route_running',
  'easel_route_queued',
  'easel_route_paused_seconds',
  'easel_route_circuit',
];

test('after real requests the figures are what happened', async () => {
  await using openai = await startOpenai();
  await using easel = await startEasel({
    environment: { OPENAI_API_KEY: openai.apiKey, OPENAI_BASE_URL: openai.baseUrl },
  });
  const live = { authorization: `Bearer ${await easel.liveKey()}` };
  const order = { model: 'gpt-image-2', quality: 'low', prompt: 'a boat', style: 'vivid' };
  let charged = 0;
  for (let count = 0; count < 3; count += 1) {
    charged += (await readAnswer(await easel.post(GENERATIONS, order, live))).usage.cost.total_cost;
  }
  openai.upstream.next({ kind: 'status', status: 500 });
  assert.equal((await easel.post(GENERATIONS, order, live)).status, 502);
  await readAnswer(await easel.post(GENERATIONS, BOAT));
  const stuck = await easel.post(
    GENERATIONS,
    { ...BOAT, stream: true },
    { 'x-easel-test': 'slow=3600' },
  );
  const metrics = await scrape(easel);
  for (const name of METRICS) {
    assert.ok((metrics.help.get(name) ?? '').length > 15, `${name} has no help`);
  }
  const own = [...metrics.help.keys()].filter((name) => name.startsWith('easel_'));
  assert.deepEqual(own.toSorted(), METRICS.toSorted());
  const gpt = { model: 'gpt-image-2', mode: 'live' };
  const house = { model: 'deepshi-banana-pro', mode: 'test' };
  const table: [string, Record<string, string>, number][] = [
    ['easel_image_requests_total', { ...gpt, status: 'completed' }, 3],
    ['easel_image_requests_total', { ...gpt, status: 'failed' }, 1],
    ['easel_images_total', gpt, 3],
    ['easel_images_total', house, 1],
    ['easel_megapixels_total', house, (512 * 256) / 1e6],
    ['easel_charged_usd_total', house, 0.01],
    ['easel_image_request_duration_seconds_count', gpt, 4],
    ['easel_upstream_calls_total', { route: 'openai/gpt-image-2', outcome: 'ok' }, 3],
    ['easel_upstream_calls_total', { route: 'openai/gpt-image-2', outcome: 'failed' }, 1],
    ['easel_upstream_call_duration_seconds_count', { route: 'openai/gpt-image-2' }, 4],
    ['easel_upstream_first_byte_seconds_count', { route: 'openai/gpt-image-2' }, 3],
    ['easel_http_requests_total', { route: GENERATIONS, status: '200' }, 4],
    ['easel_http_requests_total', { route: GENERATIONS, status: '502' }, 1],
    ['easel_errors_total', { error: 'upstream_error' }, 1],
    ['easel_warnings_total', { code: 'ignored' }, 3],
    ['easel_requests_running', {}, 1],
    ['easel_holds', { mode: 'test' }, 1],
    ['easel_held_usd', { mode: 'test' }, 0.01],
    ['easel_holds', { mode: 'live' }, 0],
    ['easel_route_circuit', { route: 'openai/gpt-image-2', state: 'closed' }, 1],
    ['easel_route_circuit', { route: 'openai/gpt-image-2', state: 'open' }, 0],
    ['easel_shed_total', { reason: 'event_loop' }, 0],
    ['easel_overruns_total', {}, 0],
    ['easel_lost_requests_total', {}, 0],
  ];
  for (const [name, labels, value] of table) {
    assert.equal(valueOf(metrics, name, labels), value, `${name} ${JSON.stringify(labels)}`);
  }
  assert.ok(Math.abs(valueOf(metrics, 'easel_charged_usd_total', gpt) - charged) < 1e-9);
  assert.ok(valueOf(metrics, 'easel_http_sent_bytes_total') > 4 * 1024);
  assert.ok(valueOf(metrics, 'easel_results_bytes') > 0);
  assert.ok(valueOf(metrics, 'easel_connections') >= 1);
  const id = stuck.headers.get('x-easel-image-id') ?? '';
  await easel.get(`/v1/images/${id}`, { method: 'DELETE' });
  await stuck.text();
  await easel.app.engine.pipeline.jobs.idle();
  const after = await scrape(easel);
  assert.equal(valueOf(after, 'easel_image_requests_total', { ...house, status: 'cancelled' }), 1);
  assert.equal(valueOf(after, 'easel_requests_running'), 0);
  assert.equal(valueOf(after, 'easel_spool_bytes'), 0);
});

test('labels are names of the catalogue and of settings, whatever callers send', async () => {
  await using easel = await startEasel();
  for (const model of ['no-such-model', 'a"b\\c\n', 'x'.repeat(500)]) {
    await (await easel.post(GENERATIONS, { ...BOAT, model })).arrayBuffer();
    await (await easel.get(`/v1/images/${encodeURIComponent(model)}`)).arrayBuffer();
    await (await easel.get(`/nowhere/${encodeURIComponent(model)}`)).arrayBuffer();
  }
  const response = await fetch(`${easel.url}/metrics`);
  const text = await response.text();
  assert.doesNotMatch(text, /no-such-model|a\\"b|xxxx|nowhere|acct_|key_|img_/);
});

suite('who may read them', () => {
  test('by default this machine, and no proxy on it', async () => {
    await using easel = await startEasel();
    assert.equal((await fetch(`${easel.url}/metrics`)).status, 200);
    for (const name of ['x-forwarded-for', 'forwarded', 'via', 'x-real-ip', 'x-forwarded-host']) {
      const headers = { [name]: '203.0.113.7' };
      assert.equal((await fetch(`${easel.url}/metrics`, { headers })).status, 404);
    }
    // A proxy that says nothing but the name by which it was asked; a page whose name leads here.
    for (const host of ['images.example.com', '127.0.0.1.example.com', 'localhost.example:8080']) {
      const text = `GET /metrics HTTP/1.1\r\nhost: ${host}\r\n\r\n`;
      assert.equal((await sendRaw(easel.url, text)).status, 404, host);
    }
  });

  test('nobody without the token, where others reach the server by another address', async () => {
    const environment = { EASEL_PUBLIC_URL: 'https://images.example.com' };
    await using easel = await startEasel({ environment });
    assert.equal((await fetch(`${easel.url}/metrics`)).status, 404);
  });

  test('with a token: whoever has it, and nobody else', async () => {
    const token = 'a token that is long enough to count';
    const secret = token.replaceAll(' ', '-');
    await using easel = await startEasel({ environment: { EASEL_METRICS_TOKEN: secret } });
    const read = async (authorization?: string): Promise<number> => {
      const headers = {
        'x-forwarded-for': '203.0.113.7',
        ...(authorization === undefined ? {} : { authorization }),
      };
      return (await fetch(`${easel.url}/metrics`, { headers })).status;
    };
    assert.equal(await read(`Bearer ${secret}`), 200);
    for (const wrong of [undefined, 'Bearer', `Bearer ${secret}x`, `Basic ${secret}`]) {
      assert.equal(await read(wrong), 404, wrong);
    }
  });

  test('nobody, where they are turned off', async () => {
    await using easel = await startEasel({ yaml: 'telemetry: { metrics: off }' });
    assert.equal((await fetch(`${easel.url}/metrics`)).status, 404);
  });
});

suite('docs/operating', () => {
  test('the page names each metric with its meaning, and no other', async () => {
    await using easel = await startEasel();
    const { help } = await scrape(easel);
    const page = await readFile(`${DOCS}metrics.md`, 'utf8');
    for (const name of METRICS) {
      assert.ok(page.includes(`| \`${name}\` | ${help.get(name)} |`), name);
    }
  });

  test('dashboard and alerts ask for metrics that exist', async () => {
    const known = new Set(
      METRICS.flatMap((name) => [name, `${name}_bucket`, `${name}_sum`, `${name}_count`]),
    );
    for (const file of ['grafana-dashboard.json', 'alerts.yaml']) {
      const text = await readFile(`${DOCS}${file}`, 'utf8');
      const named = [...text.matchAll(/easel_[a-z_]+/g)].map(([name]) => name);
      assert.ok(named.length >= 8, file);
      for (const name of named) {
        assert.ok(known.has(name), `${file}: ${name}`);
      }
    }
    const dashboard = asObject(JSON.parse(await readFile(`${DOCS}grafana-dashboard.json`, 'utf8')));
    assert.equal(typeof dashboard['title'], 'string');
  });
});

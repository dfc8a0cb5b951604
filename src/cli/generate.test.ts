import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { startEasel } from '../../test/support/harness.ts';
import { probe } from '../payload/probe.ts';
import { makeTestFolder } from '../store/test-store.ts';
import { runEasel, startCommand } from './test-command.ts';

test('with nothing set up it paints a real PNG for exactly 0.01 USD', async (context) => {
  const folder = makeTestFolder(context);
  const painted = await runEasel(['generate', 'a red boat', '-o', 'boat.png'], { folder });
  assert.equal(painted.exitCode, 0, painted.stderr);
  assert.match(painted.stdout, /^boat\.png {2}1024x1024 png {2}0\.01 USD {2}img_\w+\n$/);
  assert.match(painted.stderr, /^Made .*\.easel with a test key and 10 USD of test credit\.$/m);
  assert.match(painted.stderr, /keys create/);
  assert.doesNotMatch(painted.stderr + painted.stdout, /sk-easel-|"level"/);
  assert.deepEqual(probe(readFileSync(join(folder, 'boat.png'))), {
    format: 'png',
    width: 1024,
    height: 1024,
  });
  assert.deepEqual(readdirSync(folder).toSorted(), ['.easel', 'boat.png']);
  const usage = await runEasel(['usage', '--json'], { folder });
  const [row] = JSON.parse(usage.stdout) as Record<string, unknown>[];
  assert.deepEqual(row, {
    day: row?.['day'],
    mode: 'test',
    model: 'deepshi-banana-pro',
    requests: 1,
    failed: 0,
    images: 1,
    usd: 0.01,
  });
  // A tiny credit shows the rest: 10 - 0.01 and a nano-dollar.
  const credit = await runEasel(['credit', '0.000000001'], { folder });
  assert.match(credit.stdout, /is now 9\.990000001 USD\./);
});

test('the fields go through, the extension is the format, JSON has no payload', async (context) => {
  const folder = makeTestFolder(context);
  const words = ['generate', 'an', 'old', 'mill', '--size', '700x300', '--seed', '7', '--json'];
  const { exitCode, stdout, stderr } = await runEasel(
    [...words, '-p', 'style=vivid', '-o', 'mill.jpg'],
    { folder },
  );
  assert.equal(exitCode, 0, stderr);
  const answer = JSON.parse(stdout) as Record<string, unknown>;
  const { id, created, warnings, ...rest } = answer;
  assert.match(String(id), /^img_/);
  assert.equal(typeof created, 'number');
  assert.deepEqual(rest, {
    model: 'deepshi-banana-pro',
    size: '704x304',
    output_format: 'jpeg',
    test: true,
    seed: 7,
    files: ['mill.jpg'],
    cost: 0.01,
    currency: 'USD',
  });
  assert.deepEqual((warnings as { param: string }[]).map(({ param }) => param).toSorted(), [
    'size',
    'style',
  ]);
  assert.match(stderr, /^Warning {2}style ignored: /m);
  assert.equal(probe(readFileSync(join(folder, 'mill.jpg')))?.format, 'jpeg');
});

test('without -o the prompt names the file, in a folder too', async (context) => {
  const folder = makeTestFolder(context);
  mkdirSync(join(folder, 'out'));
  const first = await runEasel(['generate', 'A red boat, at Dawn!'], { folder });
  assert.match(first.stdout, /^a-red-boat-at-dawn\.png /);
  const second = await runEasel(['generate', '…', '-o', 'out', '--format', 'webp'], { folder });
  assert.match(second.stdout, /^out\/picture\.webp {2}1024x1024 webp /);
});

test('several pictures are numbered and billed once', async (context) => {
  const folder = makeTestFolder(context);
  const words = ['generate', 'x', '-m', 'gpt-image-1-mini', '--n', '2', '--quality', 'low'];
  const { exitCode, stdout, stderr } = await runEasel([...words, '-o', 'x.png'], { folder });
  assert.equal(exitCode, 0, stderr);
  assert.match(stdout, /^x-1\.png {2}\d+x\d+ png\nx-2\.png .*\n2 pictures {2}0\.\d+ USD {2}img_/);
  assert.deepEqual(readdirSync(folder).toSorted(), ['.easel', 'x-1.png', 'x-2.png']);
});

test('a file that is there is overwritten, but not by a failure', async (context) => {
  const folder = makeTestFolder(context);
  const file = join(folder, 'boat.png');
  writeFileSync(file, 'old');
  const failed = await runEasel(['generate', 'x', '--n', '3', '-o', 'boat.png'], { folder });
  assert.equal(failed.exitCode, 1);
  assert.match(failed.stderr, /invalid_value: n must be at most 1 .*\(docs\/errors\/invalid_value/);
  assert.equal(readFileSync(file, 'utf8'), 'old');
  assert.deepEqual(readdirSync(folder).toSorted(), ['.easel', 'boat.png']);
  await runEasel(['generate', 'x', '-o', 'boat.png'], { folder });
  assert.equal(probe(readFileSync(file))?.format, 'png');
});

test('a failure leaves no file and says what is wrong, in words', async (context) => {
  const folder = makeTestFolder(context);
  const table: [string[], RegExp][] = [
    [['-m', 'nano-bananna'], /model_not_found: The model does not exist.*\n.*mean nano-banana\?/],
    [['--format', 'gif'], /invalid_value: .*png, jpeg, webp/],
    [['-o', 'nowhere/x.png'], /nowhere cannot be written: there is no such folder\./],
    [['--seed', 'seven'], /invalid_(value|type): .*seed/],
  ];
  for (const [words, pattern] of table) {
    const { exitCode, stdout, stderr } = await runEasel(['generate', 'x', ...words], { folder });
    assert.equal(exitCode, 1, words.join(' '));
    assert.equal(stdout, '');
    assert.match(stderr, pattern);
  }
  const poor = { folder, environment: { EASEL_BOOTSTRAP_CREDIT_USD: '0', EASEL_HOME: 'poor' } };
  const { stderr } = await runEasel(['generate', 'x'], poor);
  assert.match(stderr, /insufficient_quota: .*\n.*npx easel credit 10 --mode test/);
  assert.deepEqual(readdirSync(folder).toSorted(), ['.easel', 'poor']);
});

test('a named server paints, and its errors are told', async (context) => {
  const folder = makeTestFolder(context);
  await using server = await startEasel();
  const environment = { EASEL_SERVER: `${server.url}/v1`, EASEL_API_KEY: server.key };
  const words = ['generate', 'a red boat', '-o', 'boat.webp', '--size', '512x512', '-p', 'style=x'];
  const painted = await runEasel(words, { folder, environment });
  assert.equal(painted.exitCode, 0, painted.stderr);
  assert.match(painted.stdout, /^boat\.webp {2}512x512 webp {2}0\.01 USD {2}img_/);
  assert.match(painted.stderr, /^Warning {2}style ignored: /m);
  assert.equal(probe(readFileSync(join(folder, 'boat.webp')))?.width, 512);
  const balance = (await (await server.get('/v1/balance')).json()) as { balance: number };
  assert.equal(balance.balance, 9.99);

  const broken = await runEasel(['generate', 'x', '--n', '4'], { folder, environment });
  assert.equal(broken.exitCode, 1);
  assert.match(broken.stderr, /invalid_value: n must be at most 1/);
  const wrongKey = `sk-easel-test-${'0'.repeat(43)}`;
  const refused = await runEasel(['generate', 'x', '--key', wrongKey], { folder, environment });
  assert.match(refused.stderr, /invalid_api_key: Incorrect API key provided\. \(docs\/errors/);
  const keyless = await runEasel(['generate', 'x', '--server', server.url], { folder });
  assert.equal(keyless.exitCode, 2);
  assert.match(keyless.stderr, /wants an API key/);
  // It asked the server: no home was made here, and no file but the one is left.
  assert.deepEqual(readdirSync(folder), ['boat.webp']);
});

test('a server that is not there is told in a sentence', async (context) => {
  const folder = makeTestFolder(context);
  const server = await startEasel();
  await server.close();
  const environment = { EASEL_SERVER: server.url, EASEL_API_KEY: server.key };
  const { exitCode, stderr } = await runEasel(['generate', 'x'], { folder, environment });
  assert.equal(exitCode, 1);
  assert.match(stderr, /No server answers at http:\/\/127\.0\.0\.1:\d+ \(ECONNREFUSED\)/);
  assert.deepEqual(readdirSync(folder), []);
});

test('it paints beside a running server of the same home', async (context) => {
  const folder = makeTestFolder(context);
  await using server = await startEasel();
  const environment = { EASEL_HOME: server.home };
  const painted = await runEasel(['generate', 'x', '-o', 'x.png'], { folder, environment });
  assert.equal(painted.exitCode, 0, painted.stderr);
  const balance = (await (await server.get('/v1/balance')).json()) as { balance: number };
  assert.equal(balance.balance, 9.99);
  assert.deepEqual(await server.auditProblems(), []);
});

test('Ctrl-C gives a picture up at once: no file and no charge', async (context) => {
  const folder = makeTestFolder(context);
  await using server = await startEasel();
  const environment = { EASEL_HOME: server.home };
  // Large enough that it still paints when its hold has been seen.
  const words = ['generate', 'a city', '-m', 'gpt-image-2', '--size', '3840x2160', '-n', '4'];
  const child = startCommand(words, { folder, environment });
  const ended = once(child, 'exit') as Promise<[number | null, string | null]>;
  const stderr = text(child.stderr);
  await untilRunning(server, ended);
  child.kill('SIGINT');
  assert.deepEqual(await ended, [null, 'SIGINT'], await stderr);
  assert.match(await stderr, /Stopped\./);
  assert.deepEqual(readdirSync(folder), []);
  const balance = (await (await server.get('/v1/balance')).json()) as Record<string, number>;
  assert.deepEqual([balance['balance'], balance['held']], [10, 0]);
  assert.deepEqual(await server.auditProblems(), []);
});

/** Resolves when the child's request is held; throws when the child ends before. */
async function untilRunning(
  server: Awaited<ReturnType<typeof startEasel>>,
  ended: Promise<unknown>,
): Promise<void> {
  let isOver = false;
  void ended.then(() => {
    isOver = true;
  });
  for (;;) {
    const balance = (await (await server.get('/v1/balance')).json()) as { held: number };
    if (balance.held > 0) {
      return;
    }
    assert.equal(isOver, false, 'the command ended before its request was seen');
  }
}

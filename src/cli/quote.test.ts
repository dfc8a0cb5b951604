import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { test } from 'node:test';
import { startEasel } from '../../test/support/harness.ts';
import { makeTestFolder } from '../store/test-store.ts';
import { runEasel } from './test-command.ts';

test('a quote needs neither a home nor a server', async (context) => {
  const folder = makeTestFolder(context);
  const words = ['quote', 'a red boat', '-m', 'nano-banana-pro', '-p', 'resolution=4K'];
  const { exitCode, stdout, stderr } = await runEasel([...words, '-p', 'style=x'], { folder });
  assert.equal(exitCode, 0, stderr);
  assert.match(stdout, /^Estimated +0\.24 USD$/m);
  assert.match(stdout, /^At most, held while it runs +0\.24 USD$/m);
  assert.match(stderr, /^Warning {2}style ignored: /m);
  assert.deepEqual(readdirSync(folder), []);
});

test('quotes and models are the same here and from a server', async (context) => {
  const folder = makeTestFolder(context);
  await using server = await startEasel();
  const environment = { EASEL_SERVER: server.url, EASEL_API_KEY: server.key };
  const words = ['quote', 'a red boat', '-m', 'gpt-image-2', '--quality', 'high', '--json'];
  const here = await runEasel(words, { folder });
  const there = await runEasel(words, { folder, environment });
  assert.equal(there.exitCode, 0, there.stderr);
  assert.deepEqual(JSON.parse(there.stdout), JSON.parse(here.stdout));
  const listHere = await runEasel(['models'], { folder });
  const listThere = await runEasel(['models'], { folder, environment });
  assert.equal(listThere.stdout, listHere.stdout);
  assert.match(listHere.stdout, /^deepshi-banana-pro .* 1024x1024 .* 0\.01 an image$/m);
  const json = await runEasel(['models', '--json'], { folder });
  const { data } = JSON.parse(json.stdout) as { data: { id: string }[] };
  assert.ok(data.some(({ id }) => id === 'nano-banana-pro'));
});

test('a quote of an edit counts its pictures, by the model that edits', async (context) => {
  const folder = makeTestFolder(context);
  const house = await runEasel(['quote', 'x', '--references', '2'], { folder });
  assert.match(house.stdout, /^Estimated +0\.01 USD$/m, house.stderr);
  const words = ['quote', 'x', '-m', 'grok-imagine', '--references', '2'];
  const { stdout } = await runEasel(words, { folder });
  assert.match(stdout, /^reference images +0\.004 USD\n/m);
});

test('a quote that the model does not take is refused in words', async (context) => {
  const folder = makeTestFolder(context);
  const words = ['quote', 'x', '-m', 'nano-banana-pro', '-p', 'resolution=9K'];
  const { exitCode, stderr } = await runEasel(words, { folder });
  assert.equal(exitCode, 1);
  assert.match(stderr, /invalid_value: .*resolution.*4K/);
});

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { test, type TestContext } from 'node:test';
import { type Easel, startEasel } from '../../test/support/harness.ts';
import { middleMask, noisePicture } from '../../test/support/references.ts';
import { probe } from '../payload/probe.ts';
import { makeTestFolder } from '../store/test-store.ts';
import { type CommandOptions, runEasel, runHere, startCommand } from './test-command.ts';

const SIZE = { width: 640, height: 384 };
const INSTRUCTION = 'make it autumn';

/** A folder with `in.png`, `other.png`, a mask for the first, and things that are no pictures. */
async function makeFolder(context: TestContext): Promise<string> {
  const folder = makeTestFolder(context);
  const put = (name: string, bytes: Buffer | string): void =>
    writeFileSync(join(folder, name), bytes);
  const picture = await noisePicture(SIZE);
  put('in.png', picture);
  put('other.png', await noisePicture({ width: 64, height: 64, seed: 2 }));
  put('mask.png', await middleMask(SIZE));
  put('half.png', picture.subarray(0, picture.length >> 1));
  put('notes.txt', 'no picture at all');
  put('empty.png', '');
  mkdirSync(join(folder, 'folder'));
  return folder;
}

function pictureIn(folder: string, name: string): ReturnType<typeof probe> {
  return probe(readFileSync(join(folder, name)));
}

function environmentOf({ url, key }: Easel): Record<string, string> {
  return { EASEL_SERVER: url, EASEL_API_KEY: key };
}

/** The same command by itself and through a server: what it says must not differ. */
async function bothWays(
  context: TestContext,
  run: (way: string, options: CommandOptions) => Promise<void>,
): Promise<void> {
  const folder = await makeFolder(context);
  await using server = await startEasel();
  await run('by itself', { folder });
  await run('through a server', { folder, environment: environmentOf(server) });
  assert.deepEqual(await server.auditProblems(), []);
}

test('an edit is a picture of the size of its first one, for exactly 0.01 USD', async (context) => {
  await bothWays(context, async (way, options) => {
    const words = ['edit', 'in.png', 'other.png', INSTRUCTION, '--mask', 'mask.png'];
    const edited = await runEasel([...words, '--seed', '7', '-o', 'out.webp'], options);
    assert.equal(edited.exitCode, 0, `${way}: ${edited.stderr}`);
    assert.match(edited.stdout, /^out\.webp {2}640x384 webp {2}0\.01 USD {2}img_\w+\n$/, way);
    assert.deepEqual(pictureIn(options.folder, 'out.webp'), { format: 'webp', ...SIZE }, way);
    const named = await runEasel(
      ['edit', 'in.png', 'Red, at Dawn!', '-p', 'style=x', '--json', '--size', '512x512'],
      options,
    );
    const answer = JSON.parse(named.stdout) as Record<string, unknown>;
    assert.equal(answer['model'], 'deepshi-image-1', way);
    assert.deepEqual(answer['files'], ['red-at-dawn.png'], way);
    assert.equal(answer['size'], '512x512', way);
    assert.match(named.stderr, /^Warning {2}style ignored: /m, way);
  });
});

test('the picture itself may be overwritten, but not by a failure', async (context) => {
  const folder = await makeFolder(context);
  const before = readFileSync(join(folder, 'in.png'));
  const failed = await refusedIn(['in.png', INSTRUCTION, '-n', '3', '-o', 'in.png'], { folder });
  assert.match(failed, /invalid_value: n must be at most 1 /);
  assert.deepEqual(readFileSync(join(folder, 'in.png')), before);
  const edited = await runEasel(['edit', 'in.png', INSTRUCTION, '-o', 'in.png'], { folder });
  assert.equal(edited.exitCode, 0, edited.stderr);
  assert.notDeepEqual(readFileSync(join(folder, 'in.png')), before);
});

test('a failure names the file and leaves nothing', async (context) => {
  const many = Array.from({ length: 17 }, () => 'other.png');
  const table: [string[], RegExp][] = [
    [['none.png', 'x y'], /^Error {2}none\.png cannot be read: there is no such file\.\n.*quotes/],
    [['in.png', 'make', 'it', 'red'], /^Error {2}make cannot be read: there is no such file\./],
    [['in.png', 'folder', 'x y'], /^Error {2}folder cannot be read: it is a folder\.\n$/],
    [['empty.png', 'x y'], /^Error {2}empty\.png cannot be read: it is an empty file\.\n$/],
    [['in.png', 'x y', '--mask', 'no.png'], /^Error {2}no\.png cannot be read: there is no such/],
    [['in.png', 'notes.txt', 'x y'], /invalid_image: notes\.txt is not a picture that can be read/],
    [['half.png', 'x y'], /invalid_image: half\.png is cut off: its end is missing\./],
    [
      ['other.png', 'x y', '--mask', 'mask.png'],
      /invalid_mask: mask\.png has 640x384 pixels, other\.png 64x64: they must be of the same size/,
    ],
    [['in.png', 'x y', '--mask', 'in.png'], /invalid_mask: in\.png has no transparency/],
    [['in.png', 'http://[::1]/a.png', 'x y'], /image_url_refused: http:\/\/\[::1\]\/a\.png could/],
    [[...many.slice(0, 6), 'x y'], /too_many_images: deepshi-image-1 takes at most 5 .*, not 6\./],
    [[...many, 'x y'], /too_many_images: .* takes at most /],
    [['in.png', 'x y', '-m', 'deepshi-banana-pro'], /edit_not_supported: .*does not edit pictures/],
    [
      ['in.png', 'x y', '-m', 'flux-2-pro', '--mask', 'mask.png'],
      /mask_not_supported: flux-2-pro takes no mask\./,
    ],
    [['in.png', 'x y', '-m', 'no-such'], /model_not_found: /],
  ];
  await bothWays(context, async (way, options) => {
    const before = readdirSync(options.folder).filter((name) => name !== '.easel');
    for (const [words, pattern] of table) {
      assert.match(await refusedIn([...words, '-o', 'out.png'], options), pattern, way);
    }
    assert.deepEqual(
      readdirSync(options.folder).filter((name) => name !== '.easel'),
      before,
    );
  });
});

test('a command line without a picture or an instruction is exit code 2', async (context) => {
  const folder = await makeFolder(context);
  const table: [string[], RegExp][] = [
    [[], /edit needs PICTURE… "INSTRUCTION"\./],
    [['make it autumn'], /edit needs a PICTURE before its instruction\./],
    [[join(folder, 'in.png')], /edit needs an "INSTRUCTION" after its pictures\./],
    [['in.png', '  '], /edit needs an "INSTRUCTION"/],
    [[join(folder, 'in.png'), join(folder, 'other.png')], /edit needs an "INSTRUCTION"/],
    [['in.png', 'x y', '-p', 'image[]=a.png'], /Pictures stand before the instruction/],
  ];
  for (const [words, pattern] of table) {
    const { exitCode, stderr } = await runHere(['edit', ...words], { folder });
    assert.equal(exitCode, 2, stderr);
    assert.match(stderr, pattern);
  }
  assert.equal(existsSync(join(folder, '.easel')), false);
});

test('a picture at an address is fetched by whoever paints', async (context) => {
  const folder = await makeFolder(context);
  const picture = readFileSync(join(folder, 'in.png'));
  const host = await serve(context, (_request, response) => response.end(picture));
  const url = `http://${host}/a.png`;
  const environment = { EASEL_FETCH_ALLOW: host };
  const here = await runEasel(['edit', url, INSTRUCTION, '-o', '1.png'], { folder, environment });
  assert.equal(here.exitCode, 0, here.stderr);
  assert.deepEqual(pictureIn(folder, '1.png'), { format: 'png', ...SIZE });
  await using server = await startEasel({ environment });
  const there = await runEasel(['edit', url, 'other.png', INSTRUCTION, '-o', '2.png'], {
    folder,
    environment: environmentOf(server),
  });
  assert.equal(there.exitCode, 0, there.stderr);
  assert.deepEqual(pictureIn(folder, '2.png'), { format: 'png', ...SIZE });
});

test('a refusal in the middle of a large upload is told at once', async (context) => {
  const folder = await makeFolder(context);
  const picture = readFileSync(join(folder, 'in.png'));
  writeFileSync(join(folder, 'big.png'), Buffer.concat([picture, Buffer.alloc(52 * 2 ** 20)]));
  await using server = await startEasel();
  const environment = environmentOf(server);
  const words = ['edit', 'in.png', 'big.png', INSTRUCTION];
  const large = await runEasel(words, { folder, environment });
  assert.match(large.stderr, /payload_too_large: big\.png is larger than 50 MB\./);
  const wrongKey = { ...environment, EASEL_API_KEY: `sk-easel-test-${'0'.repeat(43)}` };
  const refused = await runEasel(words, { folder, environment: wrongKey });
  assert.match(refused.stderr, /invalid_api_key: /);
  const here = await runEasel(words, { folder });
  assert.match(here.stderr, /payload_too_large: big\.png is larger than 50 MB\./);
  assert.deepEqual(spooled(join(folder, '.easel')), []);
});

test('Ctrl-C gives an edit up: while it fetches, and while it paints', async (context) => {
  const folder = await makeFolder(context);
  const before = readdirSync(folder);
  const asked = Promise.withResolvers<void>();
  // Never answers.
  const host = await serve(context, () => asked.resolve());
  await using server = await startEasel();
  const environment = { EASEL_HOME: server.home, EASEL_FETCH_ALLOW: host };
  const fetching = start(['edit', `http://${host}/a.png`, INSTRUCTION], { folder, environment });
  await asked.promise;
  await fetching.interrupt();
  const large = ['-m', 'gpt-image-2', '--size', '3840x2160', '-n', '4'];
  for (const settings of [environment, environmentOf(server)]) {
    const painting = start(['edit', 'in.png', 'other.png', INSTRUCTION, ...large], {
      folder,
      environment: settings,
    });
    await untilHeld(server, painting);
    await painting.interrupt();
    await untilReleased(server);
  }
  assert.deepEqual(readdirSync(folder), before);
  assert.deepEqual(spooled(server.home), []);
  const balance = (await (await server.get('/v1/balance')).json()) as Record<string, number>;
  assert.deepEqual([balance['balance'], balance['held']], [10, 0]);
  assert.deepEqual(await server.auditProblems(), []);
});

/** Runs an edit that must fail, on the files of the folder; returns its errors in their names. */
async function refusedIn(words: readonly string[], options: CommandOptions): Promise<string> {
  const { folder } = options;
  const paths = words.map((word) =>
    /^(?:\w+\.\w+|folder)$/.test(word) ? join(folder, word) : word,
  );
  const { exitCode, stdout, stderr } = await runHere(['edit', ...paths], options);
  assert.equal(exitCode, 1, words.join(' '));
  assert.equal(stdout, '');
  return stderr.replaceAll(`${folder}/`, '').replace(/^Made .*\n.*\n/, '');
}

/** Names in the folder of what is kept while a request runs: none, always. */
function spooled(home: string): string[] {
  const folder = join(home, 'spool');
  return existsSync(folder) ? readdirSync(folder) : [];
}

async function serve(context: TestContext, listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  context.after(() => {
    server.closeAllConnections();
    server.close();
  });
  await once(server, 'listening');
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

interface Started {
  readonly hasEnded: () => boolean;
  /** Presses Ctrl-C; fails unless the command stops by it. */
  readonly interrupt: () => Promise<void>;
}

function start(words: readonly string[], options: CommandOptions): Started {
  const child = startCommand(words, options);
  const ended = once(child, 'exit') as Promise<[number | null, string | null]>;
  const stderr = text(child.stderr);
  return {
    hasEnded: () => child.exitCode !== null || child.signalCode !== null,
    interrupt: async () => {
      child.kill('SIGINT');
      assert.deepEqual(await ended, [null, 'SIGINT'], await stderr);
      assert.match(await stderr, /Stopped\./);
    },
  };
}

async function heldBy(server: Easel): Promise<number> {
  return ((await (await server.get('/v1/balance')).json()) as { held: number }).held;
}

async function untilHeld(server: Easel, { hasEnded }: Started): Promise<void> {
  while ((await heldBy(server)) === 0) {
    assert.equal(hasEnded(), false, 'the command ended before its request was seen');
  }
}

async function untilReleased(server: Easel): Promise<void> {
  while ((await heldBy(server)) > 0) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { chmod, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { delimiter, dirname, join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { findPostgres } from '../../scripts/postgres.mjs';
import { createTestDatabase, testServer } from '../../src/store/test-postgres.ts';
import { requesters } from '../support/harness.ts';
import { asArray, asObject } from '../support/json.ts';
import { type EaselProcess, spawnEasel, temporaryFolder } from '../support/process.ts';

const PAGE = fileURLToPath(new URL('../../docs/operating/backup-and-restore.md', import.meta.url));
const CLI = fileURLToPath(new URL('../../src/cli.ts', import.meta.url));
const BODY = { model: 'deepshi-banana-pro', prompt: 'a boat', width: 256, height: 256 };
const server = testServer();

/** The first block of commands below that heading of the page. */
async function commandsOf(database: string, deed: string): Promise<string> {
  const page = await readFile(PAGE, 'utf8');
  const [, section = ''] = page.split(`\n## ${database}\n`);
  const [, part = ''] = (section.split('\n## ')[0] ?? '').split(`\n### ${deed}\n`);
  const block = /^```sh\n(.*?)^```$/ms.exec(part)?.[1];
  assert.ok(block !== undefined, `${database}, ${deed}: no commands`);
  return block;
}

/** A shell that knows what the page's commands need. */
async function openShell(context: TestContext, variables: Readonly<Record<string, string>>) {
  const folder = await temporaryFolder();
  context.after(() => folder[Symbol.asyncDispose]());
  const npx = join(folder.path, 'npx');
  await writeFile(npx, `#!/bin/sh\nshift\nexec "${process.execPath}" "${CLI}" "$@" --json\n`);
  await chmod(npx, 0o700);
  const path = [folder.path, dirname(process.execPath), findPostgres() ?? '', '/usr/bin', '/bin'];
  return async (commands: string): Promise<string> => {
    const { stdout } = await promisify(execFile)('sh', ['-eu', '-c', commands], {
      cwd: folder.path,
      env: { ...variables, PATH: path.join(delimiter) },
    });
    return stdout;
  };
}

interface Before {
  readonly key: string;
  readonly id: string;
  readonly picture: Buffer;
  readonly spent: unknown;
}

async function balanceOf({ url }: EaselProcess, key: string): Promise<Record<string, unknown>> {
  return asObject(await (await requesters(url, key).get('/v1/balance')).json());
}

/** A picture that is paid for, and a request that runs. */
async function use(easel: EaselProcess, key: string): Promise<Before> {
  const { post, get } = requesters(easel.url, key);
  const answer = asObject(await (await post('/v1/images/generations', BODY)).json());
  const id = String(answer['id']);
  const content = await get(`/v1/images/${id}/content/0`);
  const picture = Buffer.from(await content.arrayBuffer());
  assert.equal(content.headers.get('content-type'), 'image/png');
  const stream = { ...BODY, stream: true };
  const running = await post('/v1/images/generations', stream, { 'x-easel-test': 'slow=3600' });
  assert.equal(running.status, 200);
  running.text().catch(() => undefined);
  const { spent, held } = await balanceOf(easel, key);
  assert.ok(Number(held) > 0);
  return { key, id, picture, spent };
}

/** All that was there when the copy was made, and what ran is given back. */
async function check(easel: EaselProcess, before: Before): Promise<void> {
  const { key, id, picture, spent } = before;
  const content = await requesters(easel.url, key).get(`/v1/images/${id}/content/0`);
  assert.equal(content.status, 200);
  assert.deepEqual(Buffer.from(await content.arrayBuffer()), picture);
  for (;;) {
    const balance = await balanceOf(easel, key);
    if (Number(balance['held']) === 0) {
      assert.equal(balance['spent'], spent);
      return;
    }
  }
}

/** What `easel doctor` must find of every copy. */
function checkDoctor(output: string): void {
  const findings = asArray(asObject(JSON.parse(output.slice(output.indexOf('{'))))['findings']);
  for (const what of ['database', 'schema', 'ledger']) {
    const finding = findings.map((each) => asObject(each)).find((each) => each['what'] === what);
    assert.equal(finding?.['state'], 'fine', `${what}: ${JSON.stringify(finding)}`);
  }
}

/** Killed at once when asked for, and when the test is over. */
async function start(context: TestContext, ...options: Parameters<typeof spawnEasel>) {
  const easel = await spawnEasel(...options);
  const end = async (): Promise<void> => {
    easel.signal('SIGKILL');
    await easel.ended;
  };
  context.after(end);
  return { ...easel, end };
}

test(
  'SQLite: copied beside a running server, restored, audited, and an old picture is served',
  { skip: server === undefined ? false : 'this one is about SQLite' },
  async (context) => {
    await using folder = await temporaryFolder();
    const home = join(folder.path, 'home');
    const backup = join(folder.path, 'backup');
    await mkdir(backup);
    const shell = await openShell(context, { EASEL_HOME: home, BACKUP: backup });
    const first = await start(context, home);
    const before = await use(first, first.key);
    await shell(await commandsOf('SQLite', 'Back up'));
    // What came after the copy is not in it.
    await requesters(first.url, first.key).post('/v1/images/generations', BODY);
    await first.end();
    const secret = await readFile(join(home, 'secret'), 'utf8');
    await rm(join(home, 'secret'));
    // Its lease has not lapsed for the doctor, or it has: either is right, so that only the server says.
    const looked = await shell(await commandsOf('SQLite', 'Restore')).catch((error: unknown) =>
      String(asObject(error)['stdout']),
    );
    checkDoctor(looked);
    const second = await start(context, home);
    await check(second, before);
    assert.equal(await readFile(join(home, 'secret'), 'utf8'), secret);
    await second.end();
  },
);

test(
  'PostgreSQL: dumped beside a running server, restored, audited, and an old picture is served',
  { skip: server === undefined ? 'this one is about PostgreSQL' : false },
  async (context) => {
    await using folder = await temporaryFolder();
    const [one, other] = [
      await createTestDatabase(server ?? ''),
      await createTestDatabase(server ?? ''),
    ];
    context.after(() => Promise.all([one.drop(), other.drop()]));
    const place = (name: string) => ({
      home: join(folder.path, name),
      results: join(folder.path, `${name}-results`),
    });
    const [here, there] = [place('here'), place('there')];
    const backup = join(folder.path, 'backup');
    await mkdir(backup);
    const yaml = join(folder.path, 'easel.yaml');
    await writeFile(yaml, 'time: { lease_seconds: 1 }\n');
    const settings = (url: string, results: string) => ({
      EASEL_DATABASE_URL: url,
      EASEL_RESULTS_URL: pathToFileURL(results).href,
      EASEL_CONFIG: yaml,
    });
    const first = await start(context, here.home, settings(one.url, here.results));
    const before = await use(first, first.key);
    const shell = await openShell(context, {
      BACKUP: backup,
      RESULTS: here.results,
      EASEL_DATABASE_URL: one.url,
    });
    await shell(await commandsOf('PostgreSQL', 'Back up'));
    await requesters(first.url, first.key).post('/v1/images/generations', BODY);
    await first.end();
    const shellThere = await openShell(context, {
      BACKUP: backup,
      RESULTS: there.results,
      EASEL_HOME: there.home,
      EASEL_DATABASE_URL: other.url,
    });
    const looked = await shellThere(await commandsOf('PostgreSQL', 'Restore')).catch(
      (error: unknown) => String(asObject(error)['stdout']),
    );
    checkDoctor(looked);
    const second = await start(context, there.home, settings(other.url, there.results));
    await check(second, before);
    await second.end();
  },
);

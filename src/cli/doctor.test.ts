import assert from 'node:assert/strict';
import { closeSync, openSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test, type TestContext } from 'node:test';
import { startEasel } from '../../test/support/harness.ts';
import { spawnEasel } from '../../test/support/process.ts';
import { makeTestFolder } from '../store/test-store.ts';
import { type Finished, runEasel } from './test-command.ts';

/** A home in which one picture was painted. */
async function makeHome(context: TestContext): Promise<{ folder: string; file: string }> {
  const folder = makeTestFolder(context);
  const painted = await runEasel(['generate', 'x', '-o', 'x.png'], { folder });
  assert.equal(painted.exitCode, 0, painted.stderr);
  return { folder, file: join(folder, '.easel', 'easel.db') };
}

function alter(file: string, sql: string): void {
  const database = new DatabaseSync(file);
  database.exec(sql);
  database.close();
}

const doctor = (folder: string, environment: Record<string, string> = {}): Promise<Finished> =>
  runEasel(['doctor'], { folder, environment });

test('a healthy home is green, before and after its first use', async (context) => {
  const before = await doctor(makeTestFolder(context));
  assert.equal(before.exitCode, 0, before.stdout);
  const { folder } = await makeHome(context);
  const { exitCode, stdout } = await doctor(folder);
  assert.equal(exitCode, 0, stdout);
  assert.match(stdout, /^✔ ledger +2 balances agree with 3 transfers$/m);
  assert.match(stdout, /^✔ holds +0 open, no process is running$/m);
  assert.match(stdout, /^All is well\.$/m);
  const json = await runEasel(['doctor', '--json'], { folder });
  assert.equal((JSON.parse(json.stdout) as { ok: boolean }).ok, true);
});

test('a running server is seen, and is no fault', async (context) => {
  await using server = await startEasel();
  const { exitCode, stdout } = await doctor(makeTestFolder(context), { EASEL_HOME: server.home });
  assert.equal(exitCode, 0, stdout);
  assert.match(stdout, new RegExp(`^✔ holds +0 open, running: server ${process.pid}$`, 'm'));
});

test('a route that is out of use is noted, until its process is gone', async (context) => {
  await using server = await startEasel({
    environment: { KEY: 'a-key' },
    yaml: `
providers:
  down: { kind: openai, api_key_env: KEY, base_url: 'http://127.0.0.1:9/v1' }
models: [{ id: gpt-image-2, provider: down }]
routing: { attempts: 1, breaker: { failures: 1 } }
`,
  });
  const { status } = await server.post(
    '/v1/images/generations',
    { model: 'gpt-image-2', prompt: 'a boat' },
    { authorization: `Bearer ${await server.liveKey()}` },
  );
  assert.ok(status >= 500, String(status));
  const looks = (): Promise<Finished> =>
    doctor(makeTestFolder(context), { EASEL_HOME: server.home });
  // The state is written beside the answer.
  let report = await looks();
  while (!report.stdout.includes('down/gpt-image-2')) {
    report = await looks();
  }
  assert.equal(report.exitCode, 0, report.stdout);
  assert.match(report.stdout, /circuits +down\/gpt-image-2 is out of use since \d{4}-.*\(process /);
});

test('a balance that somebody altered is red, in words', async (context) => {
  const { folder, file } = await makeHome(context);
  alter(file, `update balances set balance = balance + 1000000000 where mode = 'test'`);
  const { exitCode, stdout } = await doctor(folder);
  assert.equal(exitCode, 1);
  assert.match(stdout, /✖ ledger .*balance is 10\.99 USD, but its transfers make 9\.99 USD\./);
  assert.match(stdout, /→ .*restore a backup/);
  assert.match(stdout, /^1 thing is wrong\.$/m);
});

test('a hold of a dead process is red, and the server mends it', async (context) => {
  const { folder, file } = await makeHome(context);
  alter(
    file,
    `insert into leases (id, kind, pid, started_at, expires_at)
       values ('lease_dead', 'cli', 4711, 1, 2);
     insert into transfers
       (id, account_id, mode, kind, amount, overrun, request_id, lease_id, created_at)
       select 'hold_img_dead', account_id, mode, 'hold', 10000000, 0, 'img_dead', 'lease_dead', 1
       from balances where mode = 'test';
     update balances set held = 10000000 where mode = 'test';`,
  );
  const { exitCode, stdout } = await doctor(folder);
  assert.equal(exitCode, 1);
  assert.match(stdout, /✖ holds +The cli process 4711 ended without a farewell/);
  assert.match(stdout, /img_dead holds 0\.01 USD of the test balance/);
  assert.match(stdout, /→ Start the server/);
  const server = await spawnEasel(join(folder, '.easel'));
  server.signal('SIGTERM');
  assert.equal(await server.ended, 0);
  const mended = await doctor(folder);
  assert.equal(mended.exitCode, 0, mended.stdout);
});

test('requests that were lost are told, with what the upstream calls them', async (context) => {
  const { folder, file } = await makeHome(context);
  const lose = (id: string, ageDays: number, upstreamIds: string): string =>
    `insert into requests
       (id, request_id, account_id, mode, operation, model, provider, status, n, images, held,
        upstream_ids, created_at, finished_at)
       select '${id}', 'req_1', account_id, 'live', 'generation', 'flux-2-pro', 'bfl', 'lost', 2, 0,
        0, ${upstreamIds}, ${Date.now() - ageDays * 86_400_000}, 1
       from balances where mode = 'live';`;
  alter(file, lose('img_new', 1, `'["job-1","job-2"]'`) + lose('img_old', 8, `'["job-3"]'`));
  alter(file, lose('img_bare', 2, 'null'));
  const { exitCode, stdout } = await doctor(folder);
  assert.equal(exitCode, 0, stdout);
  assert.match(stdout, /^! lost +2 requests of the last 7 days died with the server; nothing was/m);
  assert.match(stdout, /^ +img_new of \S+Z, bfl, its ids: job-1, job-2$/m);
  assert.match(stdout, /^ +img_bare of \S+Z, bfl, it gave no id$/m);
  assert.doesNotMatch(stdout, /img_old/);
  assert.match(stdout, /→ Ask the upstream/);
});

test('missing tables, a newer schema and broken pages are told apart', async (context) => {
  const { folder, file } = await makeHome(context);
  alter(file, `insert into kysely_migration values ('9998_future', '2030-01-01')`);
  assert.match(
    (await doctor(folder)).stdout,
    /! schema .*\n.*A newer Easel has added .*9998_future/,
  );
  alter(file, `insert into kysely_migration values ('9999_breaking_future', '2030-01-01')`);
  assert.match((await doctor(folder)).stdout, /✖ schema +A newer Easel .*9999_breaking_future/);
  alter(file, 'delete from kysely_migration');
  assert.match(
    (await doctor(folder)).stdout,
    /✖ schema +0001_initial(, \d{4}_\w+)* not applied yet\.\n.*migrate/,
  );
  const handle = openSync(file, 'r+');
  writeSync(handle, Buffer.alloc(4096, 0xff), 0, 4096, 8192);
  closeSync(handle);
  const broken = await doctor(folder);
  assert.equal(broken.exitCode, 1);
  assert.match(broken.stdout, /✖ database +.* is damaged:/);
  rmSync(`${file}-wal`, { force: true });
  rmSync(`${file}-shm`, { force: true });
  writeFileSync(file, 'this was never a database, and it is longer than a header '.repeat(20));
  const nonsense = await doctor(folder);
  assert.match(nonsense.stdout, /is damaged:\n +file is not a database/);
  const usage = await runEasel(['usage'], { folder });
  assert.match(usage.stderr, /file is not a database\n.*npx easel doctor/);
});

test('settings and notices are told', async (context) => {
  const folder = makeTestFolder(context);
  const wrong = await doctor(folder, { PORT: 'eighty', EASEL_HOME: folder });
  assert.equal(wrong.exitCode, 1);
  assert.match(wrong.stdout, /✖ settings +PORT: "eighty" is not a port/);
  const odd = await doctor(folder, { EASEL_HOMME: folder });
  assert.equal(odd.exitCode, 0);
  assert.match(odd.stdout, /! settings +EASEL_HOMME is not a setting/);
});

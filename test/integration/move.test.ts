import assert from 'node:assert/strict';
import { once } from 'node:events';
import { copyFile, mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, before, suite, test, type TestContext } from 'node:test';
import { Client } from 'pg';
import { makeInstallation } from '../../bench/installation.ts';
import { newId } from '../../src/base/ids.ts';
import { type Finished, runEasel, startCommand } from '../../src/cli/test-command.ts';
import { audit } from '../../src/ledger/audit.ts';
import { lockHome } from '../../src/store/home-lock.ts';
import { migrate } from '../../src/store/migrate.ts';
import { openStore } from '../../src/store/store.ts';
import { createTestDatabase, testServer } from '../../src/store/test-postgres.ts';
import { startCuttingProxy } from '../support/cut-commits.ts';
import { asArray, asObject, at } from '../support/json.ts';
import { temporaryFolder } from '../support/process.ts';

const server = testServer();
const skip = server === undefined ? 'a move needs a PostgreSQL server' : false;
const REQUESTS = 300;

let original: Awaited<ReturnType<typeof temporaryFolder>>;

/** A home to move, and an empty database to move it into. */
interface Scene {
  readonly home: string;
  readonly file: string;
  readonly url: string;
  readonly move: (...options: string[]) => Promise<Finished>;
  readonly easel: (words: readonly string[], more?: Record<string, string>) => Promise<Finished>;
  /** Statements in the home's database. */
  readonly inSource: (sql: string) => void;
  readonly inTarget: (sql: string) => Promise<Record<string, unknown>[]>;
  /** Rows there, of all tables that have some; none where there are no tables. */
  readonly filled: () => Promise<string[]>;
}

async function makeScene(context: TestContext): Promise<Scene> {
  const folder = await temporaryFolder();
  const { url, drop } = await createTestDatabase(server ?? '');
  context.after(async () => {
    await drop();
    await folder[Symbol.asyncDispose]();
  });
  const home = join(folder.path, 'home');
  const file = join(home, 'easel.db');
  await mkdir(home);
  await copyFile(join(original.path, 'easel.db'), file);
  const easel: Scene['easel'] = (words, more = {}) =>
    runEasel(words, { folder: folder.path, environment: { EASEL_HOME: home, ...more } });
  const inTarget = (sql: string): Promise<Record<string, unknown>[]> => ask(url, sql);
  return {
    home,
    file,
    url,
    easel,
    move: (...options) => easel(['move', ...options], { EASEL_DATABASE_URL: url }),
    inSource: (sql) => {
      const database = new DatabaseSync(file);
      database.exec('pragma ignore_check_constraints = on');
      database.exec(sql);
      database.close();
    },
    inTarget,
    filled: async () => {
      const tables = await inTarget(
        `select relname as name from pg_class where relkind in ('r', 'p') and not relispartition
         and relnamespace = 'public'::regnamespace and relname not like 'kysely%'`,
      );
      const counts = await Promise.all(
        tables.map(async ({ name }) => {
          const rows = await inTarget(`select 1 from "${String(name)}" limit 1`);
          return rows.length > 0 ? [String(name)] : [];
        }),
      );
      return counts.flat();
    },
  };
}

async function ask(url: string, sql: string): Promise<Record<string, unknown>[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    const { rows } = await client.query<Record<string, unknown>>(sql);
    return rows;
  } finally {
    await client.end();
  }
}

/** The tables, so that a test can put something in the way of the move. */
async function makeTables(url: string): Promise<void> {
  const store = await openStore({ url });
  await migrate(store);
  await store.close();
}

/** A trigger that runs before each row is written there. */
async function plant({ url, inTarget }: Scene, table: string, body: string): Promise<void> {
  await makeTables(url);
  await inTarget(`create function planted() returns trigger language plpgsql as $$
    begin ${body} return new; end $$`);
  await inTarget(
    `create trigger planted before insert on ${table} for each row execute function planted()`,
  );
}

async function refused(finished: Finished | Promise<Finished>, ...words: RegExp[]): Promise<void> {
  const { exitCode, stderr, stdout } = await finished;
  assert.equal(exitCode, 1, stdout + stderr);
  assert.equal(stdout, '');
  for (const word of words) {
    assert.match(stderr, word);
  }
}

async function isMarked({ home }: Scene): Promise<boolean> {
  return stat(join(home, 'moved.json')).then(
    () => true,
    () => false,
  );
}

suite('easel move', { skip }, () => {
  before(async () => {
    original = await temporaryFolder();
    const size = { requests: REQUESTS, accounts: 7 };
    await makeInstallation(join(original.path, 'easel.db'), size);
  });
  after(() => original[Symbol.asyncDispose]());

  test('every row of every table is there, and both audits say the same', async (context) => {
    const scene = await makeScene(context);
    const { exitCode, stdout, stderr } = await scene.move('--json');
    assert.equal(exitCode, 0, stderr);
    const report = asObject(JSON.parse(stdout));
    const tables = asArray(report['tables']).map((table) => asObject(table));
    // A table that nobody thought of is red here: none of the tables of a fresh home may be missing,
    // nor be without rows in this installation.
    const fresh = new DatabaseSync(scene.file);
    const names = fresh
      .prepare(
        `select name from sqlite_schema where type = 'table' and name not glob 'kysely*' order by 1`,
      )
      .all();
    fresh.close();
    assert.deepEqual(
      tables.map(({ table }) => table).toSorted(),
      names.map(({ name }) => name),
    );
    for (const { table, ...each } of tables) {
      assert.ok(Number(each['sqlite_rows']) > 0, `${String(table)} has no rows to move`);
      assert.equal(each['sqlite_rows'], each['postgresql_rows']);
      assert.equal(each['sqlite_sha256'], each['postgresql_sha256']);
    }
    assert.deepEqual(report['sqlite_audit'], report['postgresql_audit']);
    assert.equal(at(report, 'postgresql_audit.ok'), true);
    assert.equal(at(report, 'postgresql_audit.open_holds'), REQUESTS / 100);
    // Beyond what a float could hold, and with all kinds of letters.
    const [limit] = await scene.inTarget(
      'select monthly_budget::text as budget from limits limit 1',
    );
    assert.equal(limit?.['budget'], '9007199254740993');
    const [account] = await scene.inTarget('select name from accounts order by id limit 1');
    assert.match(String(account?.['name']), /^Müller & 山田 № \d 🎨$/);
    const store = await openStore({ url: scene.url });
    assert.deepEqual((await audit(store)).problems, []);
    await store.close();
  });

  test('what the operator reads, and that Easel refuses the SQLite file afterwards', async (context) => {
    const scene = await makeScene(context);
    const bytes = await readFile(scene.file);
    const secret = scene.url.replace('easel@', 'easel:hunter2@');
    const { exitCode, stdout, stderr } = await scene.easel(['move', '--to', secret]);
    assert.equal(exitCode, 0, stderr);
    assert.match(stdout, new RegExp(`^requests +${REQUESTS} +${REQUESTS} +[0-9a-f]{12}$`, 'm'));
    assert.match(stdout, /^Audit of SQLite +7 balances agree with 604 transfers, 3 holds open$/m);
    assert.match(
      stdout,
      /^Audit of PostgreSQL +7 balances agree with 604 transfers, 3 holds open$/m,
    );
    assert.match(stdout, /EASEL_DATABASE_URL=postgres:\/\/easel:\*\*\*@127/);
    assert.match(stderr, /Copying requests, 300 rows/);
    assert.doesNotMatch(stdout + stderr, /hunter2/);
    assert.deepEqual(await readFile(scene.file), bytes);
    const words = /was moved to postgres:\/\/127\S+ on 20\d\d-\d\d-\d\d\. Set EASEL_DATABASE_URL\./;
    await refused(scene.easel(['usage']), words);
    await refused(scene.easel(['serve', '--port', '0']), /cannot start/, words);
    await refused(scene.easel(['migrate']), words);
    const doctor = await scene.easel(['doctor']);
    assert.equal(doctor.exitCode, 1);
    assert.match(doctor.stdout, words);
    await refused(scene.move(), words, /Nothing was moved/);
    // With the database it is the same installation, in the same home.
    const there = await scene.easel(['usage', '--json'], { EASEL_DATABASE_URL: scene.url });
    assert.equal(there.exitCode, 0, there.stderr);
    // The way back, as the sentence says.
    await rm(join(scene.home, 'moved.json'));
    const back = await scene.easel(['usage', '--json']);
    assert.deepEqual(JSON.parse(back.stdout), JSON.parse(there.stdout));
  });

  test('a marker that was cut off counts all the same', async (context) => {
    const scene = await makeScene(context);
    await writeFile(join(scene.home, 'moved.json'), '{"mov');
    await refused(scene.easel(['usage']), /This installation was moved\. Set EASEL_DATABASE_URL/);
  });

  test('killed in the middle: nothing is there, and it can be run again', async (context) => {
    const scene = await makeScene(context);
    await plant(scene, 'transfers', 'perform pg_advisory_xact_lock(7);');
    const blocker = new Client({ connectionString: scene.url });
    await blocker.connect();
    await blocker.query('select pg_advisory_lock(7)');
    const child = startCommand(['move'], {
      folder: scene.home,
      environment: { EASEL_HOME: scene.home, EASEL_DATABASE_URL: scene.url },
    });
    const waits = `select pid from pg_stat_activity where wait_event = 'advisory'
      and datname = current_database()`;
    while ((await scene.inTarget(waits)).length === 0) {
      assert.equal(child.exitCode, null);
    }
    child.kill('SIGKILL');
    await once(child, 'close');
    await blocker.end();
    // Its locks go with its transaction.
    while (
      (
        await scene.inTarget(`select 1 from pg_locks where mode = 'AccessExclusiveLock'
      and database = (select oid from pg_database where datname = current_database())`)
      ).length
    ) {
      // The server has yet to see that nobody is there.
    }
    assert.deepEqual(await scene.filled(), []);
    assert.equal(await isMarked(scene), false);
    const again = await scene.move();
    assert.equal(again.exitCode, 0, again.stderr);
    assert.ok(await isMarked(scene));
  });

  test('the connection breaks in the middle, or the disk there is full: the same', async (context) => {
    const scene = await makeScene(context);
    await plant(scene, 'transfers', 'perform pg_terminate_backend(pg_backend_pid());');
    await refused(scene.move(), /cannot be reached/, /Run the move again/);
    assert.deepEqual(await scene.filled(), []);
    await scene.inTarget(`create or replace function planted() returns trigger language plpgsql as $$
      begin raise exception 'could not extend file' using errcode = '53100'; end $$`);
    await refused(scene.move(), /could not extend file/);
    assert.deepEqual(await scene.filled(), []);
    assert.equal(await isMarked(scene), false);
    await scene.inTarget('drop function planted() cascade');
    assert.equal((await scene.move()).exitCode, 0);
  });

  test('nobody heard of the COMMIT: run again it finds all of it, and says so', async (context) => {
    const scene = await makeScene(context);
    await using proxy = await startCuttingProxy(scene.url);
    const cut = proxy.cutNext('insert into "accounts"');
    await refused(
      scene.easel(['move', '--to', proxy.url]),
      /unless the connection broke at the very end/,
    );
    await cut;
    assert.equal(await isMarked(scene), false);
    const again = await scene.move();
    assert.equal(again.exitCode, 0, again.stderr);
    assert.match(again.stdout, /rows were there already, and are the same/);
    assert.ok(await isMarked(scene));
  });

  test('a cell that is another one there is found, and nothing is kept', async (context) => {
    const scene = await makeScene(context);
    await plant(
      scene,
      'requests',
      `if new.id = (select max(request_id) from transfers) or new.status = 'lost'
       then new.size = '1025x1024'; end if;`,
    );
    await refused(
      scene.move(),
      /The copy is not what the original is:\n.*requests, id "img_\w+": size is/,
    );
    assert.deepEqual(await scene.filled(), []);
    assert.equal(await isMarked(scene), false);
  });

  test('money that is another one there, or a row that is missing, is found', async (context) => {
    const scene = await makeScene(context);
    await plant(
      scene,
      'transfers',
      `if new.kind = 'credit' then new.amount = new.amount + 1; end if;`,
    );
    await refused(
      scene.move(),
      /transfers, id "tr_\w+": amount is/,
      /balance is .* but its transfers/,
    );
    await scene.inTarget(`create or replace function planted() returns trigger language plpgsql as $$
      begin if new.kind = 'release' then return null; end if; return new; end $$`);
    await refused(scene.move(), /transfers has 604 rows here, 583 there/, /Where transfers, id/);
    assert.deepEqual(await scene.filled(), []);
  });

  test('another installation in the database is not touched', async (context) => {
    const scene = await makeScene(context);
    await makeTables(scene.url);
    await scene.inTarget(
      `insert into accounts (id, name, created_at) values ('acct_1', 'theirs', 1)`,
    );
    await refused(scene.move(), /not empty: there are rows in accounts\. It is no copy/);
    assert.deepEqual(await scene.filled(), ['accounts']);
    await scene.inTarget(`delete from kysely_migration where name > '0003'`);
    await refused(scene.move(), /It was made by another version of Easel/);
  });

  test('a home that is in use', async (context) => {
    const scene = await makeScene(context);
    const lock = lockHome(scene.home);
    await refused(scene.move(), /Another Easel server is running on/, /Nothing was moved/);
    lock.release();
    const id = newId('lease');
    const until = Date.now() + 60_000;
    scene.inSource(`insert into leases values ('${id}', 'cli', 4711, 1, ${until})`);
    await refused(scene.move(), /A command is painting in this home: process 4711/);
    scene.inSource(`update leases set expires_at = 2 where id = '${id}'`);
    const writer = new DatabaseSync(scene.file);
    writer.exec('begin immediate');
    await refused(scene.move(), /Another process is writing into/);
    writer.close();
    assert.equal((await scene.move()).exitCode, 0);
  });

  test('a home that is older or newer than this Easel, damaged, or whose ledger is wrong', async (context) => {
    const scene = await makeScene(context);
    const history = `insert into kysely_migration values ('9999_wonder', '2030-01-01')`;
    scene.inSource(history);
    await refused(scene.move(), /A newer Easel has changed this installation: 9999_wonder/);
    scene.inSource(
      `delete from kysely_migration where name >= '0007'; drop table places; drop table secrets`,
    );
    await refused(
      scene.move(),
      /lacks migrations: 0007_months, 0008_places, 0009_secrets/,
      /easel migrate/,
    );
    assert.equal((await scene.easel(['migrate'])).exitCode, 0);
    scene.inSource('update balances set balance = balance + 1 where rowid = 1');
    await refused(scene.move(), /The ledger does not add up:\n.*balance is/);
    scene.inSource('update balances set balance = balance - 1 where rowid = 1');
    scene.inSource(
      `pragma foreign_keys = off; update keys set account_id = 'nobody' where rowid = 1`,
    );
    await refused(scene.move(), /The SQLite file is damaged:\n.*keys refers to a row/);
    assert.deepEqual(await scene.inTarget(`select 1 from pg_class where relname = 'accounts'`), []);
  });

  test('what PostgreSQL cannot keep is named', async (context) => {
    const scene = await makeScene(context);
    const spoil = async (value: string, words: RegExp): Promise<void> => {
      scene.inSource(`update transfers set note = ${value} where rowid = 3`);
      await refused(scene.move(), /transfers, id "\w+": note holds/, words, /Mend that value/);
      assert.deepEqual(await scene.filled(), []);
    };
    await spoil(`'a' || char(0) || 'b'`, /a NUL character/);
    await spoil(`cast(x'61ff62' as text)`, /bytes that are no UTF-8/);
    await spoil(`x'6162'`, /no text/);
    scene.inSource(`update transfers set note = 'the sign ' || char(65533) where rowid = 3`);
    scene.inSource('update requests set n = 1.5 where rowid = 3');
    await refused(scene.move(), /requests, id "\w+": n holds no whole number/);
    scene.inSource('update requests set n = 1 where rowid = 3');
    assert.equal((await scene.move()).exitCode, 0);
  });

  test('half a command line', async (context) => {
    const scene = await makeScene(context);
    const nowhere = await scene.easel(['move']);
    assert.equal(nowhere.exitCode, 2);
    assert.match(nowhere.stderr, /move needs to know where to: EASEL_DATABASE_URL, or --to URL/);
    const odd = await scene.easel(['move', '--to', 'mysql://x']);
    assert.equal(odd.exitCode, 78);
    assert.match(odd.stderr, /--to: it is not a URL as postgres:/);
    await refused(scene.easel(['move', '--to', 'postgres://127.0.0.1:1/x']), /cannot be reached/);
    const EASEL_HOME = join(scene.home, 'none');
    await refused(
      scene.easel(['move', '--to', scene.url], { EASEL_HOME }),
      /There is no SQLite installation at/,
    );
    const { stdout } = await scene.easel(['move', '--help']);
    assert.match(stdout, /PGPASSWORD/);
  });
});

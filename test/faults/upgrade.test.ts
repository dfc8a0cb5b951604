import assert from 'node:assert/strict';
import { cp, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from 'node:test';
import { readMigrationState } from '../../src/store/migrate.ts';
import {
  checkFleet,
  type Fleet,
  openFleet,
  REPLICAS,
  runTraffic,
  skipWithoutFleet,
} from '../support/fleet.ts';
import type { Outcome } from '../support/fleet-traffic.ts';
import { temporaryFolder } from '../support/process.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const LIST = 'src/store/migrate.ts';
const ENTRY = /^ {2}'(\d{4}_\w+)': (\w+),\n/gm;

/** A migration as a later version may bring it: a column, an index, and a table, and it uses them. */
const NEXT = `import { type Kysely, sql } from 'kysely';
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema.alterTable('requests').addColumn('next_note', 'text').execute();
  await db.schema.alterTable('accounts').addColumn('next_note', 'text').execute();
  await db.schema.alterTable('keys').addColumn('next_at', 'bigint').execute();
  await db.schema.createIndex('requests_next').on('requests').column('next_note').execute();
  await sql\`create table next_things (id text primary key)\`.execute(db);
}
`;

/** A copy of this very program whose list of migrations is another one. Gives its `main.ts`. */
async function makeVersion(
  folder: string,
  name: string,
  change: (list: string, migrations: string) => Promise<string>,
): Promise<string> {
  const root = join(folder, name);
  await cp(join(ROOT, 'src'), join(root, 'src'), { recursive: true });
  for (const entry of await readdir(ROOT)) {
    if (!['src', '.git'].includes(entry)) {
      await symlink(join(ROOT, entry), join(root, entry));
    }
  }
  const file = join(root, LIST);
  const list = await readFile(file, 'utf8');
  const changed = await change(list, join(root, 'src/store/migrations'));
  assert.notEqual(changed, list);
  await writeFile(file, changed);
  return join(root, 'src/main.ts');
}

/** Without the newest migration. */
function previousVersion(folder: string): Promise<string> {
  return makeVersion(folder, 'previous', async (list) => {
    const newest = [...list.matchAll(ENTRY)].at(-1);
    return list.replace(newest?.[0] ?? '', '');
  });
}

/** With one more. */
function nextVersion(folder: string): Promise<string> {
  return makeVersion(folder, 'next', async (list, migrations) => {
    await writeFile(join(migrations, '9998_next.ts'), NEXT);
    const newest = [...list.matchAll(ENTRY)].at(-1)?.[0] ?? '';
    return `import * as next from './migrations/9998_next.ts';\n${list.replace(
      newest,
      `${newest}  '9998_next': next,\n`,
    )}`;
  });
}

/** As a deploy does: one after the other is told to stop, drains, and is started as the new version. */
async function replaceAll({ replicas, start }: Fleet, main?: string): Promise<void> {
  for (let index = 0; index < REPLICAS; index += 1) {
    await replicas[index]?.stop();
    await start(index, main);
  }
}

test(
  'versions are replaced one by one under load: no answer is an error, and the ledger balances',
  { skip: skipWithoutFleet, timeout: 240_000 },
  async (context) => {
    const folder = await temporaryFolder();
    context.after(() => folder[Symbol.asyncDispose]());
    const previous = await previousVersion(folder.path);
    const next = await nextVersion(folder.path);
    const fleet = await openFleet(context, previous);
    const { store, start, replicas } = fleet;
    const before = await readMigrationState(store.db);
    assert.equal(before.pending.length, 1, 'the newest migration is not applied yet');
    const over = new AbortController();
    const traffic = runTraffic(fleet, over.signal, { mayDrain: true });
    // What it fails with is told when the steps have been taken.
    traffic.catch(() => undefined);
    const steps = async (): Promise<void> => {
      await replaceAll(fleet);
      assert.deepEqual((await readMigrationState(store.db)).pending, []);
      await replicas[0]?.stop();
      await start(0, next);
      assert.deepEqual((await readMigrationState(store.db)).added, ['9998_next']);
      // One of this version is started anew beside it, as after a crash, or to go back.
      await replicas[1]?.kill();
      await start(1);
      await replaceAll(fleet, next);
    };
    let outcomes: Outcome[];
    try {
      await steps();
    } finally {
      over.abort();
      outcomes = await traffic;
    }
    context.diagnostic(await checkFleet(fleet, outcomes));
  },
);

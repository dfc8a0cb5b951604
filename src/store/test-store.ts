import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { TestContext } from 'node:test';
import { migrate } from './migrate.ts';
import { openStore, type Store, type StoreOptions } from './store.ts';
import { createTestDatabase, damageDatabase, testServer } from './test-postgres.ts';

export interface TestStore {
  readonly store: Store;
  /** The SQLite file; empty where the store is on a PostgreSQL server. */
  readonly file: string;
  /** Runs a statement as somebody else could, past the checks of the tables; rows it changed. */
  readonly damage: (statement: string) => Promise<number>;
  /** What opens it. */
  readonly options: StoreOptions;
  /** The same database once more, as another process has it. To be closed by the caller. */
  readonly openAgain: (options?: Partial<StoreOptions>) => Promise<Store>;
}

/**
 * For tests: a migrated store on a real file, or on a real PostgreSQL server, closed and removed when
 * the test is over.
 */
export async function openTestStore(
  context: TestContext,
  options: Partial<StoreOptions> = {},
): Promise<TestStore> {
  const place = await makePlace();
  const openAgain = (others: Partial<StoreOptions> = {}): Promise<Store> =>
    openStore({ ...place.options, ...others });
  const store = await openAgain(options);
  context.after(async () => {
    await store.close();
    await place.remove();
  });
  await migrate(store);
  const { file, damage, options: where } = place;
  return { store, file, options: where, openAgain, damage };
}

interface Place {
  readonly options: StoreOptions;
  readonly file: string;
  readonly damage: TestStore['damage'];
  readonly remove: () => Promise<void>;
}

async function makePlace(): Promise<Place> {
  const server = testServer();
  if (server !== undefined) {
    const { url, drop } = await createTestDatabase(server);
    return { options: { url }, file: '', damage: (sql) => damageDatabase(url, sql), remove: drop };
  }
  const folder = mkdtempSync(join(tmpdir(), 'easel-test-'));
  const file = join(folder, 'easel.db');
  return {
    options: { file },
    file,
    damage: async (statement) => {
      const database = new DatabaseSync(file, { timeout: 5_000 });
      database.exec('pragma ignore_check_constraints = on');
      const { changes } = database.prepare(statement).run();
      database.close();
      return Number(changes);
    },
    remove: async () => {
      rmSync(folder, { recursive: true });
    },
  };
}

/** For tests: an empty folder, removed when the test is over. */
export function makeTestFolder(context: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'easel-test-'));
  context.after(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  return folder;
}

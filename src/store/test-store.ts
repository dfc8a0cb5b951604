import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { migrate } from './migrate.ts';
import { openStore, type Store, type StoreOptions } from './store.ts';

export interface TestStore {
  readonly store: Store;
  readonly file: string;
}

/** For tests: a migrated store on a real file, closed and removed when the test is over. */
export async function openTestStore(
  context: TestContext,
  options: Partial<StoreOptions> = {},
): Promise<TestStore> {
  const folder = mkdtempSync(join(tmpdir(), 'easel-test-'));
  const file = join(folder, 'easel.db');
  const store = await openStore({ file, ...options });
  context.after(async () => {
    await store.close();
    rmSync(folder, { recursive: true });
  });
  await migrate(store);
  return { store, file };
}

/** For tests: an empty folder, removed when the test is over. */
export function makeTestFolder(context: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'easel-test-'));
  context.after(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  return folder;
}

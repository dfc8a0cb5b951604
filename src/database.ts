import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from './base/clock.ts';
import type { Config } from './config/config.ts';
import { refuseMoved } from './moved.ts';
import { migrate } from './store/migrate.ts';
import { openStore, type Store, type StoreOptions } from './store/store.ts';

/** The file of the embedded database, in its home folder. */
export function databaseFile(homeFolder: string): string {
  return join(homeFolder, 'easel.db');
}

/** How the database is called in what people read: its file, or its server without a password. */
export function databaseName({ database, homeFolder }: Config): string {
  if (database === undefined) {
    return databaseFile(homeFolder);
  }
  const { protocol, host, pathname } = new URL(database.url);
  return `${protocol}//${host}${pathname}`;
}

/**
 * Opens the operator's database: a PostgreSQL server's, or the one in the home folder. Throws an
 * InstallationMoved when the latter was moved elsewhere.
 */
export async function openDatabase(config: Config, clock?: Clock): Promise<Store> {
  refuseForked(config);
  // The spool and the locks lie there in either case.
  mkdirSync(config.homeFolder, { recursive: true, mode: 0o700 });
  return openStore({ ...placeOf(config), ...(clock === undefined ? {} : { clock }) });
}

/** Brings its tables up to date, and gives the names of the migrations that it took. */
export async function migrateDatabase(store: Store, config: Config): Promise<string[]> {
  const names = await migrate(store);
  // It waits for whoever writes, and that may have been a move.
  refuseForked(config);
  return names;
}

function refuseForked({ database, homeFolder }: Config): void {
  if (database === undefined) {
    refuseMoved(homeFolder);
  }
}

function placeOf({ database, homeFolder, file }: Config): StoreOptions {
  if (database === undefined) {
    return { file: databaseFile(homeFolder), durability: file.durability };
  }
  const { max_connections, statement_seconds, connect_seconds } = file.database;
  return {
    url: database.url,
    connectionsMax: max_connections,
    statementMs: statement_seconds * 1000,
    connectMs: connect_seconds * 1000,
  };
}

import { existsSync } from 'node:fs';
import { bootstrap, type BootstrapResult } from '../access/bootstrap.ts';
import { formatUsd } from '../base/money.ts';
import type { Config } from '../config/config.ts';
import { databaseFile, migrateDatabase, openDatabase } from '../database.ts';
import { credit } from '../ledger/ledger.ts';
import { type AccountRecord, listAccounts } from '../store/accounts.ts';
import type { Store } from '../store/store.ts';
import type { Executor } from '../store/transaction.ts';
import { CommandError, type Invocation } from './command.ts';
import { readConfig } from './settings.ts';
import type { Terminal } from './terminal.ts';

/** Who did it, in the log of what operators do. */
export const CLI = 'cli';

/** The account that a command works on when none is named. */
export const DEFAULT_ACCOUNT = 'default';

/** Works on the home's database, which is made, with its first account, where it is missing. */
export async function withHome<T>(
  invocation: Invocation,
  work: (store: Store) => Promise<T>,
): Promise<T> {
  const config = readConfig(invocation);
  return withStore(config, async (store) => {
    const result = await bootstrap(store, { ...config.bootstrap, credit });
    sayBootstrapped(result, config, invocation.terminal);
    return work(store);
  });
}

/** Works on the home's database. Throws when there is none: reading must not make one. */
export async function withExistingHome<T>(
  invocation: Invocation,
  work: (store: Store) => Promise<T>,
): Promise<T> {
  const config = readConfig(invocation);
  if (config.database === undefined && !existsSync(databaseFile(config.homeFolder))) {
    throw new CommandError(`There is no Easel home at ${config.homeFolder}.`, {
      hint: 'EASEL_HOME names another; npm start or npx easel generate makes one.',
    });
  }
  return withStore(config, work);
}

/** Opens the database, brings its tables up to date, and closes it whatever happens. */
async function withStore<T>(config: Config, work: (store: Store) => Promise<T>): Promise<T> {
  const store = await openDatabase(config);
  try {
    await migrateDatabase(store, config);
    return await work(store);
  } finally {
    await store.close();
  }
}

/** Says so when this command was the first start of its home. */
export function sayBootstrapped(result: BootstrapResult, config: Config, terminal: Terminal): void {
  if (!result.created) {
    return;
  }
  const amount = formatUsd(config.bootstrap.creditUsd);
  if (result.secret === undefined) {
    terminal.note(
      `Made ${config.homeFolder} with the key of EASEL_BOOTSTRAP_KEY and ${amount} USD of credit.`,
    );
    return;
  }
  terminal.note(
    `Made ${config.homeFolder} with a test key and ${amount} USD of test credit.\n` +
      'That key is not shown; npx easel keys create makes one that is.',
  );
}

/** The account with this name or `acct_…` id. */
export async function findAccount(
  executor: Executor,
  nameOrId: string,
): Promise<AccountRecord | undefined> {
  const accounts = await listAccounts(executor);
  return accounts.find(({ id, name }) => name === nameOrId || id === nameOrId);
}

/** The same. Throws when there is none. */
export async function requireAccount(executor: Executor, nameOrId: string): Promise<AccountRecord> {
  const account = await findAccount(executor, nameOrId);
  if (account === undefined) {
    const accounts = await listAccounts(executor);
    const names = accounts.map(({ name }) => name).join(', ');
    throw new CommandError(`There is no account ${nameOrId}; there are: ${names}.`, {
      hint: `npx easel keys create --account ${nameOrId} makes it, with a key.`,
    });
  }
  return account;
}

import { existsSync } from 'node:fs';
import { operatorText } from '../base/errors.ts';
import type { Config } from '../config/config.ts';
import { databaseFile, databaseName } from '../database.ts';
import { markMoved, movedFile, refuseMoved } from '../moved.ts';
import { type HomeLock, lockHome } from '../store/home-lock.ts';
import { migrate, readMigrationState } from '../store/migrate.ts';
import { moveDatabase, type MoveOutcome, TargetNotEmpty } from '../store/move-database.ts';
import { listFilled } from '../store/postgres-target.ts';
import { openSqliteSource, type SqliteSource, UnmovableCell } from '../store/sqlite-source.ts';
import { openStore } from '../store/store.ts';
import { type Command, CommandError, type Invocation, UsageError } from './command.ts';
import { checkSource, compareMoney, type MovedMoney } from './move-checks.ts';
import { movePlace, printMove, showMove } from './move-report.ts';
import { readConfig } from './settings.ts';

export const moveCommand: Command = {
  name: 'move',
  summary: 'Move the SQLite installation of this home into PostgreSQL.',
  options: {
    to: {
      type: 'string',
      placeholder: 'URL',
      summary: 'Into this database (EASEL_DATABASE_URL): postgres://user@host/name.',
    },
    json: { type: 'boolean', summary: 'Print JSON.' },
  },
  notes: [
    'Stop the server first. All is copied in one transaction, read back and compared cell by',
    'cell, and both ledgers are audited, before any of it is kept: cut off half-way it leaves',
    'an empty database, and can be run again. The SQLite file stays as it is, but Easel does',
    'not start on it from then on.',
    'Others on this machine can see what stands in a command line: give a password in',
    'EASEL_DATABASE_URL, PGPASSWORD or ~/.pgpass, and not in --to.',
  ],
  examples: [
    'EASEL_DATABASE_URL=postgres://easel:…@db.internal/easel easel move',
    'easel move --to postgres://easel@db.internal/easel',
  ],
  run: async (invocation) => {
    const config = readConfig(invocation);
    const url = config.database?.url;
    if (url === undefined) {
      throw new UsageError(
        'move needs to know where to: EASEL_DATABASE_URL, or --to URL.',
        'postgres://user@host:5432/name is such a URL. The database must be there, and empty.',
      );
    }
    const lock = lockForMove(config);
    try {
      const source = openSqliteSource(databaseFile(config.homeFolder));
      try {
        await move({ invocation, config, source, url });
      } finally {
        source.close();
      }
    } finally {
      lock.release();
    }
    return 0;
  },
};

interface Move {
  readonly invocation: Invocation;
  readonly config: Config;
  readonly source: SqliteSource;
  readonly url: string;
}

/** The home with its SQLite file, which no server may have while it is moved. */
function lockForMove({ homeFolder }: Config): HomeLock {
  if (!existsSync(databaseFile(homeFolder))) {
    throw new CommandError(`There is no SQLite installation at ${homeFolder}.`, {
      hint: 'EASEL_HOME names another. A new installation needs no move: set EASEL_DATABASE_URL.',
    });
  }
  try {
    const lock = lockHome(homeFolder);
    try {
      refuseMoved(homeFolder);
      return lock;
    } catch (error) {
      lock.release();
      throw error;
    }
  } catch (error) {
    throw new CommandError(operatorText(error), { hint: 'Nothing was moved.' });
  }
}

async function move({ invocation, config, source, url }: Move): Promise<void> {
  const { terminal, options } = invocation;
  const startedAt = performance.now();
  const name = databaseName(config);
  const say = (text: string): void => {
    terminal.note(text);
  };
  say(`Checking ${databaseFile(config.homeFolder)} …`);
  const before = await checkSource(source);
  say(`Preparing ${name} …`);
  await prepareTarget(url, source);
  const progress = showMove(terminal);
  let outcome: MoveOutcome<MovedMoney>;
  try {
    outcome = await moveDatabase({
      source,
      url,
      onProgress: progress.show,
      check: (target, tables) => compareMoney({ source, target, tables, before }),
    });
  } catch (error) {
    throw describeMoveError(error, name);
  } finally {
    progress.end();
  }
  mark(config, name);
  const seconds = (performance.now() - startedAt) / 1000;
  const place = movePlace(config, url);
  printMove({ ...outcome, seconds, ...place, isJson: options.flag('json') }, terminal);
}

/** Makes the tables, unless there is something in the database that is not to be touched. */
async function prepareTarget(url: string, { tables }: SqliteSource): Promise<void> {
  const store = await openStore({ url });
  try {
    const filled = await listFilled(store.db, tables);
    const { pending, added, breaking } = await readMigrationState(store.db);
    if (filled.length > 0 && [...pending, ...added, ...breaking].length > 0) {
      throw notEmpty(filled, 'It was made by another version of Easel.');
    }
    await migrate(store);
  } finally {
    await store.close();
  }
}

function describeMoveError(error: unknown, name: string): unknown {
  if (error instanceof TargetNotEmpty) {
    return notEmpty(error.filled, `It is no copy of this installation: ${error.message}`);
  }
  if (error instanceof UnmovableCell) {
    return new CommandError(error.message, {
      hint: 'Nothing was moved. Mend that value with sqlite3, and run the move again.',
    });
  }
  if (error instanceof CommandError) {
    return error;
  }
  return new CommandError(`${name}: ${operatorText(error)}`, {
    hint: 'Nothing was moved, unless the connection broke at the very end. Run the move again.',
  });
}

function notEmpty(filled: readonly string[], why: string): CommandError {
  return new CommandError(
    `The database is not empty: there are rows in ${filled.join(', ')}. ${why}`,
    { hint: 'Nothing was moved. Name an empty database.' },
  );
}

function mark({ homeFolder }: Config, name: string): void {
  try {
    markMoved(homeFolder, { to: name, nowMs: Date.now() });
  } catch (error) {
    throw new CommandError(
      `Everything is in ${name}, but ${movedFile(homeFolder)} could not be written: ` +
        operatorText(error),
      { hint: 'Start no Easel on the SQLite file again, or run the move again, which writes it.' },
    );
  }
}

import { mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { isBusy } from './sqlite.ts';

export interface HomeLock {
  /** Lets the next server have the folder. The death of the process does the same. */
  readonly release: () => void;
}

/**
 * Makes this process the one server of a home folder, which is made where it is missing. Throws at
 * once, naming the folder, while another process is.
 *
 * The lock is the operating system's, on an SQLite file that holds nothing: a process that is
 * killed cannot leave it behind, as it would a file with its process id.
 */
export function lockHome(folder: string): HomeLock {
  mkdirSync(folder, { recursive: true });
  const database = new DatabaseSync(join(folder, 'lock.db'), { timeout: 0 });
  try {
    database.exec('pragma locking_mode = exclusive');
    database.exec('begin exclusive');
  } catch (error) {
    database.close();
    if (isBusy(error)) {
      throw new Error(
        `Another Easel server is running on ${resolve(folder)}. Stop it first, or give this one ` +
          'another folder with EASEL_HOME.',
        { cause: error },
      );
    }
    throw error;
  }
  return {
    release: () => {
      if (database.isOpen) {
        database.close();
      }
    },
  };
}

import { databaseName, migrateDatabase, openDatabase } from '../database.ts';
import type { Command } from './command.ts';
import { readConfig } from './settings.ts';

export const migrateCommand: Command = {
  name: 'migrate',
  summary: 'Bring the database up to date (serve does it by itself).',
  options: {},
  run: async (invocation) => {
    const config = readConfig(invocation);
    const store = await openDatabase(config);
    try {
      const names = await migrateDatabase(store, config);
      for (const name of names) {
        invocation.terminal.print(`Applied ${name}`);
      }
      const done = names.length === 0 ? 'was up to date already' : 'is up to date';
      invocation.terminal.print(`${databaseName(config)} ${done}.`);
    } finally {
      await store.close();
    }
    return 0;
  },
};

import { mkdirSync } from 'node:fs';
import { migrate } from '../store/migrate.ts';
import { openStore } from '../store/store.ts';
import type { Command } from './command.ts';
import { databaseFile } from './home.ts';
import { readConfig } from './settings.ts';

export const migrateCommand: Command = {
  name: 'migrate',
  summary: 'Bring the database up to date (serve does it by itself).',
  options: {},
  run: async (invocation) => {
    const config = readConfig(invocation);
    mkdirSync(config.homeFolder, { recursive: true, mode: 0o700 });
    const file = databaseFile(config.homeFolder);
    const store = await openStore({ file, durability: config.file.durability });
    try {
      const names = await migrate(store);
      for (const name of names) {
        invocation.terminal.print(`Applied ${name}`);
      }
      const done = names.length === 0 ? 'was up to date already' : 'is up to date';
      invocation.terminal.print(`${file} ${done}.`);
    } finally {
      await store.close();
    }
    return 0;
  },
};

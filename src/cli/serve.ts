import { settleMemory } from '../config/memory.ts';
import type { Command } from './command.ts';
import { readConfig } from './settings.ts';

export const serveCommand: Command = {
  name: 'serve',
  summary: 'Run the API server.',
  options: {
    port: { type: 'string', placeholder: 'PORT', summary: 'Where to listen (PORT, 8080).' },
    host: { type: 'string', placeholder: 'HOST', summary: 'On which address (HOST, 127.0.0.1).' },
  },
  notes: ['SIGTERM and Ctrl-C let running requests finish first.'],
  run: async (invocation) => {
    const config = readConfig(invocation);
    settleMemory();
    const { serve } = await import('../serve.ts');
    await serve(config);
    return 0;
  },
};

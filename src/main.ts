import { settleMemory } from './config/memory.ts';
import { type Config, ConfigError, loadConfig } from './config/config.ts';
import { readEnvironment } from './config/env.ts';
import { serve } from './serve.ts';

const EXIT_BAD_CONFIG = 78;

settleMemory();
await serve(readConfig());

function readConfig(): Config {
  try {
    return loadConfig(readEnvironment());
  } catch (error) {
    if (error instanceof ConfigError) {
      process.stderr.write(`Easel cannot start with these settings:\n${error.message}\n`);
      process.exit(EXIT_BAD_CONFIG);
    }
    throw error;
  }
}

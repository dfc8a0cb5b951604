import { createLog, type Log } from '../base/log.ts';
import { type Config, ConfigError, loadConfig } from '../config/config.ts';
import type { Environment } from '../config/env.ts';
import type { Invocation, OptionSpecs } from './command.ts';

/** The options that stand for a setting, by the setting's name. */
const OPTION_OF_SETTING = {
  EASEL_SERVER: 'server',
  EASEL_API_KEY: 'key',
  PORT: 'port',
  HOST: 'host',
  EASEL_DATABASE_URL: 'to',
} as const;

/** The settings, with the command's own options over the environment. Throws a ConfigError. */
export function readConfig({ environment, options }: Invocation): Config {
  const given = Object.entries(OPTION_OF_SETTING).flatMap(([setting, option]) => {
    const value = options.text(option);
    return value === undefined ? [] : [{ setting, option, value }];
  });
  const overrides = Object.fromEntries(given.map(({ setting, value }) => [setting, value]));
  try {
    return loadConfig({ ...environment, ...overrides });
  } catch (error) {
    if (!(error instanceof ConfigError)) {
      throw error;
    }
    // They read the name that they typed.
    const message = given.reduce(
      (text, { setting, option }) => text.replaceAll(`${setting}:`, `--${option}:`),
      error.message,
    );
    throw new ConfigError(message.split('\n'));
  }
}

/** A quiet log on standard error: warnings only, unless EASEL_LOG_LEVEL says otherwise. */
export function openLog(environment: Environment, config: Config): Log {
  const isChosen = (environment['EASEL_LOG_LEVEL'] ?? '') !== '';
  return createLog({ level: isChosen ? config.logLevel : 'warn' });
}

/** The options of every command that may ask a server. */
export const SERVER_OPTIONS = {
  server: {
    type: 'string',
    placeholder: 'URL',
    summary: 'Ask the server at URL (EASEL_SERVER).',
  },
  key: { type: 'string', placeholder: 'KEY', summary: 'With this API key (EASEL_API_KEY).' },
} as const satisfies OptionSpecs;

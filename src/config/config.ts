import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { type Nanousd, parseUsd } from '../base/money.ts';
import { type Environment, SETTINGS, type SettingName } from './env.ts';
import { DEFAULT_FILE_CONFIG, type FileConfig, readConfigFile } from './file.ts';

/** Everything that an operator decides, checked. Times are in milliseconds, sizes in bytes. */
export interface Config {
  readonly listen: { readonly host: string; readonly port: number };
  /** Without a slash at the end; absent: the address that the server really got. */
  readonly publicUrl?: string;
  readonly homeFolder: string;
  readonly bootstrap: { readonly key?: string; readonly creditUsd: Nanousd };
  readonly logLevel: LogLevel;
  readonly client: { readonly server?: string; readonly apiKey?: string };
  readonly file: FileConfig;
  /** Sentences that the operator should read, though the server starts. */
  readonly notices: readonly string[];
}

const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
type LogLevel = (typeof LOG_LEVELS)[number];

/** What the operator got wrong, one sentence a line, each with the name of the setting. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';

  constructor(problems: readonly string[]) {
    super(problems.join('\n'));
  }
}

/**
 * Reads the settings. Throws a ConfigError that names every setting at fault at once: a server
 * with half a configuration does not start.
 */
export function loadConfig(environment: Environment): Config {
  const problems: string[] = [];
  const read = reader(environment, problems);
  const config: Config = {
    listen: {
      host: read('HOST', nonEmpty) ?? '127.0.0.1',
      port: read('PORT', port) ?? 8080,
    },
    ...optional('publicUrl', read('EASEL_PUBLIC_URL', httpUrl)),
    homeFolder: resolve(read('EASEL_HOME', nonEmpty) ?? '.easel'),
    bootstrap: {
      ...optional('key', read('EASEL_BOOTSTRAP_KEY', apiKey)),
      creditUsd: read('EASEL_BOOTSTRAP_CREDIT_USD', credit) ?? parseUsd('10'),
    },
    logLevel: read('EASEL_LOG_LEVEL', logLevel) ?? 'info',
    client: {
      ...optional('server', read('EASEL_SERVER', httpUrl)),
      ...optional('apiKey', read('EASEL_API_KEY', apiKey)),
    },
    file: readFile(read('EASEL_CONFIG', nonEmpty), problems),
    notices: unknownSettings(environment),
  };
  if (problems.length > 0) {
    throw new ConfigError(problems);
  }
  return config;
}

type Parse<Value> = (text: string) => Value;

function reader(
  environment: Environment,
  problems: string[],
): <Value>(name: SettingName, parse: Parse<Value>) => Value | undefined {
  return (name, parse) => {
    const text = environment[name];
    if (text === undefined || text === '') {
      return undefined;
    }
    try {
      return parse(text.trim());
    } catch (error) {
      problems.push(`${name}: ${error instanceof Error ? error.message : String(error)}`);
      return undefined;
    }
  };
}

/**
 * A misspelt setting must not be ignored in silence. It is no reason to refuse, though: after a
 * step back to an older version the environment still holds the newer one's names.
 */
function unknownSettings(environment: Environment): string[] {
  const known = new Set<string>(SETTINGS.map((setting) => setting.name));
  return Object.keys(environment)
    .filter((name) => name.startsWith('EASEL_') && !known.has(name))
    .map(
      (name) => `${name} is not a setting of this version and has no effect; README lists them all`,
    );
}

function readFile(path: string | undefined, problems: string[]): FileConfig {
  const chosen = path ?? (existsSync('easel.yaml') ? 'easel.yaml' : undefined);
  if (chosen === undefined) {
    return DEFAULT_FILE_CONFIG;
  }
  try {
    return readConfigFile(chosen);
  } catch (error) {
    problems.push(error instanceof Error ? error.message : String(error));
    return DEFAULT_FILE_CONFIG;
  }
}

function optional<Name extends string, Value>(
  name: Name,
  value: Value | undefined,
): Partial<Record<Name, Value>> {
  return value === undefined ? {} : ({ [name]: value } as Record<Name, Value>);
}

function nonEmpty(text: string): string {
  if (text === '') {
    throw new Error('it must not be blank');
  }
  return text;
}

function port(text: string): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value > 65_535) {
    throw new Error(`"${text}" is not a port; a number from 0 to 65535 is`);
  }
  return value;
}

function httpUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !['http:', 'https:'].includes(url.protocol)) {
    throw new Error(`"${text}" is not an http or https URL`);
  }
  if (url.username !== '' || url.search !== '' || url.hash !== '') {
    throw new Error('it must not hold a user, a query or a fragment');
  }
  return text.replace(/\/+$/, '');
}

function apiKey(text: string): string {
  if (!/^sk-easel-(test|live)-[0-9A-Za-z]{43}$/.test(text)) {
    throw new Error('it is not an API key: sk-easel-test- or sk-easel-live- and 43 of 0-9A-Za-z');
  }
  return text;
}

function credit(text: string): Nanousd {
  const amount = parseUsd(text);
  if (amount < 0n) {
    throw new Error('a credit cannot be negative');
  }
  return amount;
}

function logLevel(text: string): LogLevel {
  const level = LOG_LEVELS.find((name) => name === text);
  if (level === undefined) {
    throw new Error(`"${text}" is not one of ${LOG_LEVELS.join(', ')}`);
  }
  return level;
}

import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { type Nanousd, parseUsd } from '../base/money.ts';
import type { AccountConfig } from './account.ts';
import { readAccounts } from './accounts.ts';
import { type Environment, type ReadSetting, SETTINGS } from './env.ts';
import { type ConfigFile, EMPTY_CONFIG_FILE, type FileConfig, parseConfigFile } from './file.ts';
import { readResults, type ResultsConfig } from './results.ts';
import {
  adminKey,
  credit,
  easelKey,
  headerList,
  hostPorts,
  httpUrl,
  postgresUrl,
  type LogLevel,
  logLevel,
  nonEmpty,
  port,
  signingSecret,
} from './values.ts';

/** Everything that an operator decides, checked. Times are in milliseconds, sizes in bytes. */
export interface Config {
  readonly listen: { readonly host: string; readonly port: number };
  /** Without a slash at the end; absent: the address that the server really got. */
  readonly publicUrl?: string;
  readonly homeFolder: string;
  /** A PostgreSQL server; absent: an SQLite file in the home. Its URL may hold a password. */
  readonly database?: { readonly url: string };
  readonly results: ResultsConfig;
  /** Signs links; absent: one is made and kept, in the home or in the database of many. */
  readonly secret?: string;
  /** Opens /admin/v1; absent: one is made and kept in the home. */
  readonly adminKey?: string;
  readonly bootstrap: { readonly key?: string; readonly creditUsd: Nanousd };
  readonly logLevel: LogLevel;
  /** Opens /metrics to whoever has it; absent: to this machine only. */
  readonly metricsToken?: string;
  /** Where traces go; absent: there are none. */
  readonly traces?: { readonly url: string; readonly headers: Readonly<Record<string, string>> };
  readonly client: { readonly server?: string; readonly apiKey?: string };
  readonly file: FileConfig;
  /** The config file, whose models and markups the catalogue reads; absent: there is none. */
  readonly filePath?: string;
  /** The upstreams that can be reached, each name once. They hold credentials: never log them. */
  readonly providers: readonly AccountConfig[];
  /** `host:port` of the places that may be fetched from although they are private. */
  readonly fetchAllow: ReadonlySet<string>;
  /** Sentences that the operator should read, though the server starts. */
  readonly notices: readonly string[];
}

/** What the operator got wrong, one sentence a line, each with the name of the setting. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';

  constructor(problems: readonly string[]) {
    super(problems.join('\n'));
  }
}

/**
 * Reads the settings. Throws a ConfigError that names every setting at fault at once: a server
 * with half a configuration does not start. No message holds a credential.
 */
export function loadConfig(environment: Environment): Config {
  const problems: string[] = [];
  const read = reader(environment, problems);
  const filePath = read('EASEL_CONFIG', nonEmpty) ?? defaultFilePath();
  const file = readFile(filePath, problems);
  const { accounts, notices } = readAccounts({ environment, read, file, problems });
  const homeFolder = resolve(read('EASEL_HOME', nonEmpty) ?? '.easel');
  const config: Config = {
    listen: {
      host: read('HOST', nonEmpty) ?? '127.0.0.1',
      port: read('PORT', port) ?? 8080,
    },
    ...optional('publicUrl', read('EASEL_PUBLIC_URL', httpUrl)),
    homeFolder,
    ...databaseOf(read),
    results: readResults({ read, homeFolder, problems }),
    ...optional('secret', read('EASEL_SECRET', signingSecret)),
    bootstrap: {
      ...optional('key', read('EASEL_BOOTSTRAP_KEY', easelKey)),
      creditUsd: read('EASEL_BOOTSTRAP_CREDIT_USD', credit) ?? parseUsd('10'),
    },
    logLevel: read('EASEL_LOG_LEVEL', logLevel) ?? 'info',
    ...optional('adminKey', read('EASEL_ADMIN_KEY', adminKey)),
    ...optional('metricsToken', read('EASEL_METRICS_TOKEN', signingSecret)),
    ...traces(read),
    client: {
      ...optional('server', read('EASEL_SERVER', httpUrl)),
      ...optional('apiKey', read('EASEL_API_KEY', easelKey)),
    },
    file: file.settings,
    ...optional('filePath', filePath),
    providers: accounts,
    fetchAllow: read('EASEL_FETCH_ALLOW', hostPorts) ?? new Set<string>(),
    notices: [...unknownSettings(environment), ...notices],
  };
  if (problems.length > 0) {
    throw new ConfigError(problems);
  }
  return config;
}

function databaseOf(read: ReadSetting): Pick<Config, 'database'> {
  const url = read('EASEL_DATABASE_URL', postgresUrl);
  return url === undefined ? {} : { database: { url } };
}

function traces(read: ReadSetting): Pick<Config, 'traces'> {
  const endpoint = read('OTEL_EXPORTER_OTLP_ENDPOINT', httpUrl);
  const headers = read('OTEL_EXPORTER_OTLP_HEADERS', headerList) ?? {};
  return endpoint === undefined ? {} : { traces: { url: `${endpoint}/v1/traces`, headers } };
}

/** What is wrong with a setting goes to the problems, under its name. */
function reader(environment: Environment, problems: string[]): ReadSetting {
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

function defaultFilePath(): string | undefined {
  return existsSync('easel.yaml') ? 'easel.yaml' : undefined;
}

function readFile(path: string | undefined, problems: string[]): ConfigFile {
  if (path === undefined) {
    return EMPTY_CONFIG_FILE;
  }
  try {
    return parseConfigFile(path, readFileSync(path, 'utf8'));
  } catch (error) {
    problems.push(error instanceof Error ? error.message : String(error));
    return EMPTY_CONFIG_FILE;
  }
}

function optional<Name extends string, Value>(
  name: Name,
  value: Value | undefined,
): Partial<Record<Name, Value>> {
  return value === undefined ? {} : ({ [name]: value } as Record<Name, Value>);
}

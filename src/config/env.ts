/**
 * The only reader of `process.env`. Everything here is text; `config.ts` gives it types and
 * refuses what makes no sense. The table below is also README's.
 */
export interface Setting {
  readonly name: string;
  readonly meaning: string;
  readonly default: string;
}

export const SETTINGS = [
  { name: 'PORT', meaning: 'Port to listen on; 0 takes any free one.', default: '8080' },
  { name: 'HOST', meaning: 'Address to listen on.', default: '127.0.0.1' },
  {
    name: 'EASEL_PUBLIC_URL',
    meaning: 'How others reach this server, for the addresses in its documents.',
    default: 'the address it listens on',
  },
  {
    name: 'EASEL_HOME',
    meaning: 'Data folder: the database and its lock.',
    default: './.easel',
  },
  {
    name: 'EASEL_CONFIG',
    meaning: 'The config file (limits and time-outs).',
    default: './easel.yaml if there',
  },
  {
    name: 'EASEL_BOOTSTRAP_KEY',
    meaning: 'The API key that the first start makes; its prefix says test or live.',
    default: 'a random test key, printed once',
  },
  {
    name: 'EASEL_BOOTSTRAP_CREDIT_USD',
    meaning: 'The credit that comes with that key.',
    default: '10',
  },
  {
    name: 'EASEL_LOG_LEVEL',
    meaning: 'trace, debug, info, warn, error, fatal or silent.',
    default: 'info',
  },
  {
    name: 'EASEL_SERVER',
    meaning: 'The CLI asks the server at this URL in place of the data folder.',
    default: 'none',
  },
  {
    name: 'EASEL_API_KEY',
    meaning: 'The key that the CLI uses.',
    default: 'none',
  },
] as const satisfies readonly Setting[];

export type SettingName = (typeof SETTINGS)[number]['name'];
export type Environment = Readonly<Partial<Record<string, string>>>;

/** The process's environment variables. */
export function readEnvironment(): Environment {
  return process.env;
}

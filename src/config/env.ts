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
    meaning: 'How others reach this server: for addresses in its documents and links to pictures.',
    default: 'the address it listens on',
  },
  {
    name: 'EASEL_HOME',
    meaning: 'Data folder: the database, its lock, finished pictures and the secret for links.',
    default: './.easel',
  },
  {
    name: 'EASEL_DATABASE_URL',
    meaning:
      'A PostgreSQL server, for several Easels as one: `postgres://user:password@host/name`.',
    default: 'an SQLite file in EASEL_HOME',
  },
  {
    name: 'EASEL_RESULT_TTL',
    meaning: 'How long finished pictures are kept, in seconds; 0 keeps none.',
    default: '3600',
  },
  {
    name: 'EASEL_RESULTS_MAX_BYTES',
    meaning: 'What finished pictures may take; delivered ones go first.',
    default: '2147483648',
  },
  {
    name: 'EASEL_RESULTS_URL',
    meaning: 'Where finished pictures lie: `file:///folder` or `s3://bucket/prefix`.',
    default: 'a folder in EASEL_HOME',
  },
  {
    name: 'EASEL_S3_ENDPOINT',
    meaning: 'The S3-compatible storage of that bucket: `https://storage.example.com`.',
    default: "Amazon's",
  },
  { name: 'AWS_ACCESS_KEY_ID', meaning: 'Who may use that bucket.', default: 'none' },
  { name: 'AWS_SECRET_ACCESS_KEY', meaning: 'What goes with it.', default: 'none' },
  { name: 'AWS_SESSION_TOKEN', meaning: 'The same, where they are temporary.', default: 'none' },
  { name: 'AWS_REGION', meaning: 'Where that bucket is.', default: 'us-east-1' },
  {
    name: 'EASEL_SECRET',
    meaning: 'Signs links to pictures; 32 characters or more.',
    default: 'random, kept in EASEL_HOME or PostgreSQL',
  },
  {
    name: 'EASEL_ADMIN_KEY',
    meaning: 'The key of the admin API: `sk-easel-admin-` and 32 characters or more.',
    default: 'random, kept in EASEL_HOME, printed once',
  },
  {
    name: 'EASEL_CONFIG',
    meaning: 'The config file: providers, models, prices, limits and time-outs.',
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
    name: 'EASEL_METRICS_TOKEN',
    meaning: 'Who sends it as a Bearer may read /metrics from anywhere.',
    default: 'none: from this machine only',
  },
  {
    name: 'OTEL_EXPORTER_OTLP_ENDPOINT',
    meaning: 'Where traces are sent, by OTLP over HTTP: `http://127.0.0.1:4318`.',
    default: 'none: no traces',
  },
  {
    name: 'OTEL_EXPORTER_OTLP_HEADERS',
    meaning: 'Headers that go with them: `name=value,…`.',
    default: 'none',
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
  {
    name: 'OPENAI_API_KEY',
    meaning: 'Credential for OpenAI: makes the account `openai`.',
    default: 'none',
  },
  { name: 'OPENAI_BASE_URL', meaning: 'Where that API is.', default: 'https://api.openai.com/v1' },
  {
    name: 'GEMINI_API_KEY',
    meaning: 'Credential for the Gemini API: makes the account `gemini`.',
    default: 'none',
  },
  {
    name: 'GEMINI_BASE_URL',
    meaning: 'Where that API is.',
    default: 'https://generativelanguage.googleapis.com',
  },
  {
    name: 'BFL_API_KEY',
    meaning: 'Credential for Black Forest Labs: makes the account `bfl`.',
    default: 'none',
  },
  { name: 'BFL_BASE_URL', meaning: 'Where that API is.', default: 'https://api.bfl.ai' },
  { name: 'XAI_API_KEY', meaning: 'Credential for xAI: makes the account `xai`.', default: 'none' },
  { name: 'XAI_BASE_URL', meaning: 'Where that API is.', default: 'https://api.x.ai/v1' },
  {
    name: 'ARK_API_KEY',
    meaning: 'Credential for BytePlus ModelArk: makes the account `ark`.',
    default: 'none',
  },
  {
    name: 'ARK_BASE_URL',
    meaning: 'Where that API is.',
    default: 'https://ark.ap-southeast.bytepluses.com/api/v3',
  },
  { name: 'FAL_KEY', meaning: 'Credential for fal: makes the account `fal`.', default: 'none' },
  { name: 'FAL_BASE_URL', meaning: 'Where that API is.', default: 'https://queue.fal.run' },
  {
    name: 'SDSERVER_BASE_URL',
    meaning: 'A server of stable-diffusion.cpp: makes the account `sd-server`.',
    default: 'none',
  },
  {
    name: 'EASEL_FETCH_ALLOW',
    meaning: "`host:port,…` that may be fetched from although private, also by callers' URLs.",
    default: 'none',
  },
] as const satisfies readonly Setting[];

export type SettingName = (typeof SETTINGS)[number]['name'];
export type Environment = Readonly<Partial<Record<string, string>>>;

/** Reads a setting with one of the readers of `values.ts`; undefined where it is not set. */
export type ReadSetting = <Value>(
  name: SettingName,
  parse: (text: string) => Value,
) => Value | undefined;

/** The process's environment variables. */
export function readEnvironment(): Environment {
  return process.env;
}

/** All of the environment, for a process that takes this one's place. */
export function processEnvironment(): Readonly<Record<string, string | undefined>> {
  return process.env;
}

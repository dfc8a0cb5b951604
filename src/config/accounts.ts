import {
  type AccountConfig,
  type AccountQueue,
  type AccountTime,
  PROVIDER_KINDS,
  type ProviderKind,
} from './account.ts';
import type { Environment, ReadSetting, SettingName } from './env.ts';
import type { AccountSource, ConfigFile } from './file.ts';
import { upstreamKey, upstreamUrl } from './values.ts';

/** What an account of a kind needs, and what the environment and the vendor say of it. */
interface KindOfAccount {
  /** Where the vendor's API is; absent: the operator must say. */
  readonly baseUrl?: string;
  readonly needsKey: boolean;
  /** The most tasks that it works on at once, as the vendor says. */
  readonly maxInFlight?: number;
  /** The environment's account of this kind, which has the kind's name. */
  readonly keyVariable?: SettingName;
  readonly urlVariable?: SettingName;
}

const KINDS = {
  openai: {
    baseUrl: 'https://api.openai.com/v1',
    needsKey: true,
    keyVariable: 'OPENAI_API_KEY',
    urlVariable: 'OPENAI_BASE_URL',
  },
  gemini: {
    baseUrl: 'https://generativelanguage.googleapis.com',
    needsKey: true,
    keyVariable: 'GEMINI_API_KEY',
    urlVariable: 'GEMINI_BASE_URL',
  },
  bfl: {
    baseUrl: 'https://api.bfl.ai',
    needsKey: true,
    // 24 active tasks (docs.bfl.ai, "errors", 2026; PROVIDERS §3.6); 6 for FLUX.1 Kontext max.
    maxInFlight: 24,
    keyVariable: 'BFL_API_KEY',
    urlVariable: 'BFL_BASE_URL',
  },
  xai: {
    baseUrl: 'https://api.x.ai/v1',
    needsKey: true,
    keyVariable: 'XAI_API_KEY',
    urlVariable: 'XAI_BASE_URL',
  },
  ark: {
    baseUrl: 'https://ark.ap-southeast.bytepluses.com/api/v3',
    needsKey: true,
    keyVariable: 'ARK_API_KEY',
    urlVariable: 'ARK_BASE_URL',
  },
  fal: {
    baseUrl: 'https://queue.fal.run',
    needsKey: true,
    keyVariable: 'FAL_KEY',
    urlVariable: 'FAL_BASE_URL',
  },
  'openai-compatible': { needsKey: false },
  'sd-server': { needsKey: false, urlVariable: 'SDSERVER_BASE_URL' },
} as const satisfies Record<ProviderKind, KindOfAccount>;

export interface AccountInputs {
  readonly environment: Environment;
  readonly read: ReadSetting;
  readonly file: ConfigFile;
  /** What is wrong is added to it. */
  readonly problems: string[];
}

/** The accounts, each name once, and what the operator should know of them. */
export interface Accounts {
  readonly accounts: readonly AccountConfig[];
  readonly notices: readonly string[];
}

/**
 * The accounts of the environment, which are named after their kinds, and those of the file, which
 * come over them field by field. Half an account goes to the problems. No sentence holds a
 * credential, nor anything that might be one.
 */
export function readAccounts(inputs: AccountInputs): Accounts {
  const names = new Set<string>([...PROVIDER_KINDS, ...inputs.file.accounts.keys()]);
  const accounts = [...names].flatMap((name) => readAccount(inputs, name) ?? []);
  return { accounts, notices: [...inputs.file.accounts.keys()].flatMap(unusedVariables(inputs)) };
}

/** The parts of an account that come from one place. */
interface AccountPart {
  readonly apiKey?: string;
  readonly baseUrl?: string;
}

/** Undefined where there is none of this name, or it is at fault. */
function readAccount(inputs: AccountInputs, name: string): AccountConfig | undefined {
  const { file, problems } = inputs;
  const source = file.accounts.get(name);
  const kind = source?.kind ?? kindNamed(name);
  if (kind === undefined) {
    problems.push(`${file.place(['providers', name])}: kind is missing: ${kindList()}`);
    return undefined;
  }
  const toldBefore = problems.length;
  const part: AccountPart = {
    ...(kind === name ? environmentPart(kind, inputs) : {}),
    ...(source === undefined ? {} : filePart(name, source, inputs)),
  };
  if (source === undefined && part.apiKey === undefined && part.baseUrl === undefined) {
    return undefined;
  }
  const { needsKey, baseUrl: usual, maxInFlight, ...variables }: KindOfAccount = KINDS[kind];
  const baseUrl = part.baseUrl ?? usual;
  const isKeyMissing = needsKey && part.apiKey === undefined;
  if (problems.length > toldBefore) {
    // What is missing now is missing because it could not be read.
    return undefined;
  }
  if (source === undefined && isKeyMissing) {
    problems.push(`${variables.urlVariable}: it is set without ${variables.keyVariable}`);
  } else if (isKeyMissing) {
    const needs = `an account of kind ${kind} needs api_key or api_key_env`;
    problems.push(`${file.place(['providers', name])}: ${needs}`);
  }
  if (baseUrl === undefined) {
    const needs = `an account of kind ${kind} needs base_url`;
    problems.push(`${file.place(['providers', name])}: ${needs}`);
  }
  return baseUrl === undefined || isKeyMissing
    ? undefined
    : {
        name,
        kind,
        baseUrl,
        ...keyOf(part),
        ...settingsOf(source),
        ...placesOf(source, maxInFlight),
      };
}

function environmentPart(kind: ProviderKind, { read }: AccountInputs): AccountPart {
  const { keyVariable, urlVariable }: KindOfAccount = KINDS[kind];
  const apiKey = keyVariable && read(keyVariable, upstreamKey);
  const baseUrl = urlVariable && read(urlVariable, upstreamUrl);
  return {
    ...(apiKey === undefined ? {} : { apiKey }),
    ...(baseUrl === undefined ? {} : { baseUrl }),
  };
}

function filePart(name: string, source: AccountSource, inputs: AccountInputs): AccountPart {
  const { api_key: written, api_key_env: variable, base_url: baseUrl } = source;
  const at = (field: string): string => inputs.file.place(['providers', name, field]);
  const url = baseUrl === undefined ? {} : { baseUrl };
  if (variable === undefined) {
    return { ...url, ...(written === undefined ? {} : { apiKey: written }) };
  }
  if (written !== undefined) {
    inputs.problems.push(`${at('api_key_env')}: api_key is there, too: leave out one of them`);
    return url;
  }
  // The name is not repeated: a key may have been put in its place by mistake.
  const value = (inputs.environment[variable] ?? '').trim();
  if (value === '') {
    inputs.problems.push(`${at('api_key_env')}: the variable that it names is not set`);
    return url;
  }
  try {
    return { ...url, apiKey: upstreamKey(value) };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    inputs.problems.push(`${at('api_key_env')}: in the variable that it names, ${reason}`);
    return url;
  }
}

function keyOf({ apiKey }: AccountPart): Pick<AccountConfig, 'apiKey'> {
  return apiKey === undefined ? {} : { apiKey };
}

function settingsOf(source: AccountSource | undefined): Pick<AccountConfig, 'settings' | 'time'> {
  const { connect_seconds, first_byte_seconds, idle_seconds, total_seconds } = source?.time ?? {};
  const time: AccountTime = {
    ...(connect_seconds === undefined ? {} : { connectMs: Math.round(connect_seconds * 1000) }),
    ...(first_byte_seconds === undefined
      ? {}
      : { firstByteMs: Math.round(first_byte_seconds * 1000) }),
    ...(idle_seconds === undefined ? {} : { idleMs: Math.round(idle_seconds * 1000) }),
    ...(total_seconds === undefined ? {} : { totalMs: Math.round(total_seconds * 1000) }),
  };
  return { settings: source?.settings ?? {}, time };
}

/** What an account without an entry has. */
const QUEUE: AccountQueue = { waitingMax: 1000, waitMs: 300_000 };

function placesOf(
  source: AccountSource | undefined,
  usual: number | undefined,
): Pick<AccountConfig, 'maxInFlight' | 'queue' | 'traceContext'> {
  const maxInFlight = source?.max_in_flight ?? usual;
  const { max_waiting, max_wait_seconds } = source?.queue ?? {};
  return {
    traceContext: source?.trace_context ?? false,
    queue: {
      waitingMax: max_waiting ?? QUEUE.waitingMax,
      waitMs: max_wait_seconds === undefined ? QUEUE.waitMs : Math.round(max_wait_seconds * 1000),
    },
    ...(maxInFlight === undefined ? {} : { maxInFlight }),
  };
}

/**
 * An entry of another kind than its name says takes nothing from the environment: a credential
 * must not go to another sort of upstream than it was meant for. The operator is told.
 */
function unusedVariables({ environment, file }: AccountInputs): (name: string) => string[] {
  return (name) => {
    const named = kindNamed(name);
    const kind = file.accounts.get(name)?.kind ?? named;
    if (named === undefined || kind === named) {
      return [];
    }
    const { keyVariable, urlVariable }: KindOfAccount = KINDS[named];
    const isSet = (variable?: string): boolean => (environment[variable ?? ''] ?? '') !== '';
    return [keyVariable, urlVariable]
      .filter(isSet)
      .map((variable) => `${variable} has no effect: the account ${name} is of kind ${kind}`);
  };
}

function kindNamed(name: string): ProviderKind | undefined {
  return PROVIDER_KINDS.find((kind) => kind === name);
}

function kindList(): string {
  return `one of ${PROVIDER_KINDS.join(', ')}`;
}

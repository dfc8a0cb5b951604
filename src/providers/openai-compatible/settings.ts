import type { ProviderAccount } from '../account.ts';

const FLAVOURS = ['plain', 'azure', 'localai', 'ollama', 'sglang', 'vllm'] as const;
const AUTH_HEADERS = ['authorization', 'api-key', 'none'] as const;
const MASKS = ['alpha', 'white', 'none'] as const;
const RESPONSE_FORMATS = ['b64_json', 'url', 'none'] as const;

/** What sort of server speaks the Images API here; `plain` when the operator says nothing. */
export type Flavour = (typeof FLAVOURS)[number];

/**
 * The settings of an openai-compatible account in `easel.yaml`. All may be left out.
 *
 * - `flavour`: `plain`, `azure`, `localai`, `ollama`, `sglang` or `vllm`.
 * - `auth_header`: where the key goes: `authorization` (as a Bearer), `api-key` (the default for
 *   `azure`) or `none`.
 * - `path`: behind the base URL; `/images/generations`. Not for `azure`, which has its own.
 * - `edits_path`: behind the base URL, for edits; `/images/edits`, for `localai`
 *   `/images/inpainting`, which is for edits with a mask. Not for `azure`, nor for `ollama`, which
 *   has no edits.
 * - `mask`: what a mask is there: `alpha`, a png that is transparent where to paint (the default
 *   for `plain` and `azure`); `white`, a png of one channel that is white there (`localai`); or
 *   `none`: masks are refused (`sglang`, which reads a mask and does not use it, `vllm`, where few
 *   models have a use for one, and `ollama`).
 * - `api_version`: `azure` only: `v1` (the default), `preview`, or a date, which means the classic
 *   paths with the deployment in them.
 * - `deployment`: `azure` only: the deployment's name, if it is not the card's `upstream_model`.
 * - `response_format`: what to ask for: `b64_json` (the default but for `azure`), `url`, or `none`
 *   for servers that refuse the field.
 * - `extra_body`: fields that go with every request, over the caller's own.
 */
export interface CompatibleSettings {
  readonly flavour: Flavour;
  readonly authHeader: (typeof AUTH_HEADERS)[number];
  readonly path: string;
  readonly editsPath: string;
  readonly mask: (typeof MASKS)[number];
  readonly apiVersion: string;
  readonly deployment?: string;
  readonly responseFormat: (typeof RESPONSE_FORMATS)[number];
  readonly extraBody: Readonly<Record<string, unknown>>;
}

const NAMES = [
  'flavour',
  'auth_header',
  'path',
  'edits_path',
  'mask',
  'api_version',
  'deployment',
  'response_format',
  'extra_body',
];

const USUAL_MASK = {
  plain: 'alpha',
  azure: 'alpha',
  localai: 'white',
  ollama: 'none',
  sglang: 'none',
  vllm: 'none',
} as const satisfies Record<Flavour, CompatibleSettings['mask']>;

/** Fields that the adapter itself decides. */
const OWN_FIELDS = ['model', 'prompt', 'n', 'size', 'stream', 'response_format'];

/** Checks an account's settings; throws an Error that names the account and what is wrong. */
export function readSettings(account: ProviderAccount): CompatibleSettings {
  const { name, settings } = account;
  const unknown = Object.keys(settings).find((key) => !NAMES.includes(key));
  if (unknown !== undefined) {
    throw wrong(name, `unknown setting '${unknown}': there are ${NAMES.join(', ')}`);
  }
  const choose = <T extends string>(key: string, allowed: readonly T[], fallback: T): T => {
    const value = settings[key] ?? fallback;
    const chosen = allowed.find((candidate) => candidate === value);
    if (chosen === undefined) {
      throw wrong(name, `${key} must be one of ${allowed.join(', ')}`);
    }
    return chosen;
  };
  const match = (key: string, pattern: RegExp, what: string): string | undefined => {
    const value = settings[key];
    if (value !== undefined && !(typeof value === 'string' && pattern.test(value))) {
      throw wrong(name, `${key} must be ${what}`);
    }
    return value;
  };
  const flavour = choose('flavour', FLAVOURS, 'plain');
  const isAzure = flavour === 'azure';
  const path = match('path', /^\/[\w./~-]*$/, 'a path such as /images/generations');
  const editsPath = match('edits_path', /^\/[\w./~-]*$/, 'a path such as /images/edits');
  const apiVersion = match('api_version', /^[\w-]{1,40}$/, 'v1, preview or a date');
  const deployment = match('deployment', /^[\w.-]{1,64}$/, 'the name of a deployment');
  if (isAzure ? path !== undefined : (apiVersion ?? deployment) !== undefined) {
    const foreign = isAzure ? 'path is not' : 'api_version and deployment are only';
    throw wrong(name, `${foreign} for the flavour azure`);
  }
  if (editsPath !== undefined && (isAzure || flavour === 'ollama')) {
    throw wrong(name, `edits_path is not for the flavour ${flavour}`);
  }
  const keyHeader = isAzure ? 'api-key' : 'authorization';
  const noKey = account.apiKey === undefined ? 'none' : keyHeader;
  const authHeader = choose('auth_header', AUTH_HEADERS, noKey);
  if (authHeader !== 'none' && account.apiKey === undefined) {
    throw wrong(name, `auth_header is ${authHeader}, but there is no API key`);
  }
  return {
    flavour,
    authHeader,
    path: path ?? '/images/generations',
    editsPath: editsPath ?? (flavour === 'localai' ? '/images/inpainting' : '/images/edits'),
    mask: choose('mask', MASKS, USUAL_MASK[flavour]),
    apiVersion: apiVersion ?? 'v1',
    ...(deployment === undefined ? {} : { deployment }),
    responseFormat: choose('response_format', RESPONSE_FORMATS, isAzure ? 'none' : 'b64_json'),
    extraBody: extraBodyOf(name, settings['extra_body']),
  };
}

function extraBodyOf(name: string, value: unknown): Readonly<Record<string, unknown>> {
  if (value === undefined) {
    return {};
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw wrong(name, 'extra_body must hold fields and their values');
  }
  const own = Object.keys(value).find((key) => OWN_FIELDS.includes(key));
  if (own !== undefined) {
    throw wrong(name, `extra_body may not set '${own}', which each request decides`);
  }
  return { ...value };
}

function wrong(name: string, what: string): Error {
  return new Error(`provider ${name}: ${what}`);
}

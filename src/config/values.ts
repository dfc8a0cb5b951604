import { ADMIN_KEY_PATTERN } from '../base/ids.ts';
import { type Nanousd, parseUsd } from '../base/money.ts';

/**
 * Readers of single settings. Each takes trimmed text and throws an Error whose message tells what
 * is wrong with it. Where the text may hold a secret, the message does not repeat it.
 */

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export function nonEmpty(text: string): string {
  if (text === '') {
    throw new Error('it must not be blank');
  }
  return text;
}

export function port(text: string): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value > 65_535) {
    throw new Error(`"${text}" is not a port; a number from 0 to 65535 is`);
  }
  return value;
}

/** Bytes, or seconds. */
export function wholeNumber(text: string): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(value)) {
    throw new Error(`"${text}" is not a whole number`);
  }
  return value;
}

const SECRET_CHARACTERS_LEAST = 32;

export function signingSecret(text: string): string {
  if (text.length < SECRET_CHARACTERS_LEAST) {
    throw new Error(`it is shorter than ${SECRET_CHARACTERS_LEAST} characters`);
  }
  return text;
}

/** An address of Easel itself, without a slash at the end. */
export function httpUrl(text: string): string {
  if (!isHttpUrl(text) && !text.includes('@')) {
    throw new Error(`"${text}" is not an http or https URL`);
  }
  return upstreamUrl(text);
}

/** As `httpUrl`, but the text is not repeated: a key may have been put in its place by mistake. */
export function upstreamUrl(text: string): string {
  if (!isHttpUrl(text)) {
    throw new Error('it is not an http or https URL');
  }
  const { username, password, search, hash } = new URL(text);
  if (username !== '' || password !== '' || search !== '' || hash !== '') {
    throw new Error('it must not hold a user, a password, a query or a fragment');
  }
  return text.replace(/\/+$/, '');
}

/** As it is: `pg` reads what else stands in it. The text, which may hold a password, is not repeated. */
export function postgresUrl(text: string): string {
  const url = URL.parse(text);
  if (!['postgres:', 'postgresql:'].includes(url?.protocol ?? '') || url?.hostname === '') {
    throw new Error('it is not a URL as postgres://user:password@host:5432/database');
  }
  return text;
}

function isHttpUrl(text: string): boolean {
  return ['http:', 'https:'].includes(URL.parse(text)?.protocol ?? '');
}

/** A key of Easel's own. */
export function easelKey(text: string): string {
  if (!/^sk-easel-(test|live)-[0-9A-Za-z]{43}$/.test(text)) {
    throw new Error('it is not an API key: sk-easel-test- or sk-easel-live- and 43 of 0-9A-Za-z');
  }
  return text;
}

/** A key of an upstream's: of any form that a header can carry. */
export function upstreamKey(text: string): string {
  if (text.startsWith('$')) {
    // Sent as it is, it would fail with the upstream's first answer, far from its cause.
    throw new Error('it is a reference, not a key; api_key_env takes one from the environment');
  }
  if (!/^[\x21-\x7e]+$/.test(text)) {
    throw new Error('it holds a space or another character that no key has');
  }
  return text;
}

export function credit(text: string): Nanousd {
  const amount = parseUsd(text);
  if (amount < 0n) {
    throw new Error('a credit cannot be negative');
  }
  return amount;
}

export function logLevel(text: string): LogLevel {
  const level = LOG_LEVELS.find((name) => name === text);
  if (level === undefined) {
    throw new Error(`"${text}" is not one of ${LOG_LEVELS.join(', ')}`);
  }
  return level;
}

/** `host:port,…` as a set of `host:port`, the hosts as a URL spells them: `[::1]:8080`. */
export function hostPorts(text: string): ReadonlySet<string> {
  const entries = text.split(',').map((entry) => entry.trim());
  return new Set(entries.filter((entry) => entry !== '').map(hostPort));
}

function hostPort(text: string): string {
  const [, host = '', digits = ''] = /^([^\s/?#@\\]+):(\d{1,5})$/.exec(text) ?? [];
  const url = URL.canParse(`http://${host}`) ? new URL(`http://${host}`) : undefined;
  // A port inside the host: an IPv6 address without its brackets.
  if (url === undefined || url.port !== '' || Number(digits) < 1 || Number(digits) > 65_535) {
    throw new Error(`"${text}" is not host:port, such as 127.0.0.1:8188 or [::1]:8188`);
  }
  return `${url.hostname}:${Number(digits)}`;
}

/** `name=value,…`, as OpenTelemetry's variables have it; values may be percent-encoded. */
export function headerList(text: string): Record<string, string> {
  return Object.fromEntries(
    text.split(',').map((pair) => {
      const [name = '', ...rest] = pair.split('=');
      if (!/^[\w!#$%&'*+.^`|~-]+$/.test(name.trim()) || rest.length === 0) {
        throw new Error('it is not a list of headers as name=value,…');
      }
      return [name.trim(), decodeURIComponent(rest.join('=').trim())];
    }),
  );
}

/** The key of the admin API. */
export function adminKey(text: string): string {
  if (!ADMIN_KEY_PATTERN.test(text)) {
    throw new Error('it is not sk-easel-admin- and 32 to 256 characters');
  }
  return text;
}

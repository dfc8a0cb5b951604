import { type LookupAddress, type LookupAllOptions, lookup as systemLookup } from 'node:dns';
import { isIP, type LookupFunction } from 'node:net';
import { buildConnector } from 'undici';
import { isPublicAddress } from './addresses.ts';
import { UpstreamFailure } from '../base/upstream-failure.ts';

/** Resolves a name to all its addresses, as `dns.lookup` does. */
export type Lookup = (
  hostname: string,
  options: LookupAllOptions,
  callback: (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void,
) => void;

export interface ConnectOptions {
  /** With DNS and TLS. */
  readonly connectMs: number;
  /** The system's by default. */
  readonly lookup?: Lookup;
}

export interface GuardOptions extends ConnectOptions {
  /** `host:port` entries that may be reached wherever they lie. */
  readonly trustedHosts: ReadonlySet<string>;
}

/**
 * A URL that an upstream's answer or a caller named, checked before anything is sent or even
 * resolved: https (http to a trusted host), no user, no address or name of a private network.
 * Throws a RefusedUrl. Where the name leads is checked when it is connected to.
 */
export function checkUrl(text: string | URL, trustedHosts: ReadonlySet<string>): URL {
  const url = typeof text === 'string' ? parseUrl(text) : text;
  const isTrusted = trustedHosts.has(hostAndPort(url));
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && isTrusted)) {
    throw refused('it is not https', url);
  }
  if (url.username !== '' || url.password !== '') {
    throw refused('it names a user', url);
  }
  if (!isTrusted) {
    checkHostname(url);
  }
  return url;
}

/** `api.example:443`: how trusted hosts are written, whatever the scheme. */
export function hostAndPort(url: URL): string {
  return `${url.hostname}:${url.port === '' ? DEFAULT_PORTS[url.protocol] : url.port}`;
}

/** Connects to wherever the operator said. HTTP/1.1 only: see `createEgress`. */
export function directConnector(options: ConnectOptions): buildConnector.connector {
  const { connectMs, lookup = systemLookup } = options;
  return buildConnector({
    timeout: connectMs,
    allowH2: false,
    lookup: asLookupFunction(lookup),
  });
}

/**
 * Connects to public addresses and trusted hosts only. A name is resolved once for a connection,
 * and the addresses that were checked are those connected to: a name that changes its mind in
 * between (DNS rebinding) gains nothing.
 */
export function guardedConnector(options: GuardOptions): buildConnector.connector {
  const { trustedHosts, connectMs, lookup = systemLookup } = options;
  const connectTrusted = directConnector(options);
  const connectChecked = directConnector({ connectMs, lookup: checkedLookup(lookup) });
  return (target, callback) => {
    const host = target.host ?? target.hostname;
    const url = parseUrl(`${target.protocol}//${host}`);
    if (trustedHosts.has(hostAndPort(url))) {
      connectTrusted(target, callback);
      return;
    }
    // Node resolves names only: an address in the URL itself never comes by `lookup`.
    if (isIP(target.hostname) !== 0 && !isPublicAddress(target.hostname)) {
      callback(refused('its address is not public', url), null);
      return;
    }
    connectChecked(target, callback);
  };
}

/** A URL that was not followed: nothing was sent there. */
export class RefusedUrl extends UpstreamFailure {
  /** What is wrong with it, as a clause such as `it is not https`, without names of our network. */
  readonly reason: string;

  constructor(reason: string, url: URL | undefined) {
    const host = url === undefined ? 'a URL' : `the URL on ${url.host.slice(0, 200)}`;
    // What an upstream names was paid for before: never `no`.
    super('upstream_error', { billed: 'unknown', internal: `${host} was not fetched: ${reason}` });
    this.reason = reason;
  }
}

/** Why a URL that we did not choose is not followed. */
export function refused(reason: string, url?: URL): RefusedUrl {
  return new RefusedUrl(reason, url);
}

const DEFAULT_PORTS: Readonly<Record<string, string>> = { 'http:': '80', 'https:': '443' };

const URL_CHARACTERS_MAX = 16_384;

/** Names that mean something inside a network only (RFC 6761, 6762, 8375, ICANN's `internal`). */
const PRIVATE_NAME = /(^|\.)(localhost|localdomain|local|internal|intranet|lan|home\.arpa|onion)$/;

function parseUrl(text: string): URL {
  const url = text.length <= URL_CHARACTERS_MAX ? URL.parse(text) : null;
  if (url === null) {
    throw refused('it is no URL');
  }
  return url;
}

function checkHostname(url: URL): void {
  // The parser has normalised it: lower case, and 0x7f.1 or 2130706433 are 127.0.0.1 by now.
  const hostname = url.hostname.replace(/^\[(.*)\]$/, '$1');
  if (isIP(hostname) !== 0) {
    if (!isPublicAddress(hostname)) {
      throw refused('its address is not public', url);
    }
    return;
  }
  if (hostname.endsWith('.') || !hostname.includes('.') || PRIVATE_NAME.test(hostname)) {
    throw refused('its name is not public', url);
  }
}

function checkedLookup(lookup: Lookup): Lookup {
  return (hostname, options, callback) => {
    lookup(hostname, options, (error, addresses) => {
      if (error !== null) {
        callback(error, []);
        return;
      }
      // One private address among public ones is reason enough to want nothing of this name.
      const isSafe = addresses.length > 0 && addresses.every((at) => isPublicAddress(at.address));
      const refusal = isSafe ? null : refused('its name leads to an address that is not public');
      callback(refusal, isSafe ? addresses : []);
    });
  };
}

/** Node asks for one address or for all of them; either way all are looked at. */
function asLookupFunction(lookup: Lookup): LookupFunction {
  return (hostname, options, callback) => {
    lookup(hostname, { ...options, all: true }, (error, addresses) => {
      if (error !== null) {
        // The system's own look-up has no addresses then, whatever its type says.
        callback(error, []);
        return;
      }
      const [first] = addresses;
      if (options.all === true || first === undefined) {
        callback(null, addresses);
        return;
      }
      callback(null, first.address, first.family);
    });
  };
}

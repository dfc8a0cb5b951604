import type { EgressAnswer } from '../egress/egress.ts';
import { hostAndPort } from '../egress/guarded.ts';
import type { ProviderAccount } from './account.ts';

export interface NamedUrl {
  /** As the upstream's answer named it. */
  readonly url: string;
  /** The provider's domains beside its base URL's host: `bfl.ai`, with all below it. */
  readonly ownDomains: readonly string[];
  /** What carries the credential, lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
}

/** An upstream that knows a job answers at once; a silent one is asked again. */
const FIRST_BYTE_MS = 30_000;

/**
 * Gets a URL that an upstream's answer named, for news of a job. The credential goes with it only
 * to the provider's own hosts (DESIGN §8); anywhere else it is fetched without, as downloads are,
 * under the rules for URLs that we did not choose.
 */
export function getNamed(account: ProviderAccount, named: NamedUrl): Promise<EgressAnswer> {
  const { url, headers, signal } = named;
  return isOwnHost(account, named)
    ? account.egress.request({ method: 'GET', url, headers, signal, firstByteMs: FIRST_BYTE_MS })
    : account.egress.download({ url, signal });
}

/**
 * Whether a URL lies on the provider's own hosts: the base URL's origin, one of its domains over
 * https, or a `host:port` of the account's `polling_hosts` setting.
 */
export function isOwnHost(
  account: ProviderAccount,
  { url: text, ownDomains }: Pick<NamedUrl, 'url' | 'ownDomains'>,
): boolean {
  const url = URL.parse(text);
  if (url === null || url.username !== '' || url.password !== '') {
    return false;
  }
  const isOwnDomain = ownDomains.some(
    (domain) => url.hostname === domain || url.hostname.endsWith(`.${domain}`),
  );
  return (
    url.origin === new URL(account.baseUrl).origin ||
    (url.protocol === 'https:' && isOwnDomain) ||
    pollingHosts(account).includes(hostAndPort(url))
  );
}

/** The setting, checked; throws in words when it is no list of `host:port`. */
export function pollingHosts({
  name,
  settings,
}: Pick<ProviderAccount, 'name' | 'settings'>): readonly string[] {
  const hosts = settings['polling_hosts'] ?? [];
  if (!Array.isArray(hosts) || !hosts.every(isHostAndPort)) {
    throw new Error(`${name}: polling_hosts must be a list of host:port`);
  }
  return hosts;
}

function isHostAndPort(value: unknown): value is string {
  return typeof value === 'string' && /^[^\s/@]+:\d{1,5}$/.test(value);
}

import type { Log } from './base/log.ts';
import type { AccountConfig } from './config/account.ts';
import type { Config } from './config/config.ts';
import type { Egress } from './egress/egress.ts';
import { createEgress } from './egress/upstream.ts';
import type { ProviderAccount } from './providers/account.ts';
import { type Adapter, ADAPTERS } from './providers/index.ts';
import { painter } from './providers/painter.ts';
import { pollingHosts } from './providers/named-url.ts';
import type { Provider } from './providers/provider.ts';

/** Everything that can paint: the painter, and one adapter for each configured account. */
export interface Upstreams {
  /** By the name that cards have for them. */
  readonly providers: ReadonlyMap<string, Provider>;
  /** Closes the connections. */
  readonly close: () => Promise<void>;
}

/** Builds an adapter with a way out of its own for each account. */
export function openUpstreams(config: Config, log: Log): Upstreams {
  const providers = new Map<string, Provider>([[painter.name, painter]]);
  const egresses: Egress[] = [];
  for (const account of config.providers) {
    const adapter: Adapter = ADAPTERS[account.kind];
    const egress = createEgress({
      baseUrl: account.baseUrl,
      // The operator's word that the credential may go there is word enough to go there at all.
      trustedHosts: new Set([...config.fetchAllow, ...pollingHosts(account)]),
      log,
      traceContext: account.traceContext,
      ...(adapter.ownDomains === undefined ? {} : { ownDomains: adapter.ownDomains }),
      ...account.time,
    });
    egresses.push(egress);
    providers.set(account.name, adapter.create(toProviderAccount(account, egress)));
  }
  return {
    providers,
    close: async () => {
      await Promise.all(egresses.map((egress) => egress.close()));
    },
  };
}

function toProviderAccount(account: AccountConfig, egress: Egress): ProviderAccount {
  const { name, baseUrl, apiKey, settings } = account;
  return { name, egress, baseUrl, settings, ...(apiKey === undefined ? {} : { apiKey }) };
}

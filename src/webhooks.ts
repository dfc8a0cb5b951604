import type { Clock } from './base/clock.ts';
import type { Log } from './base/log.ts';
import type { Config } from './config/config.ts';
import { createWebhookSender } from './egress/webhook-sender.ts';
import { statusBody } from './http/render/status.ts';
import type { Lookup } from './requests/lookup.ts';
import { enqueueWebhook, startWebhooks } from './requests/webhooks.ts';
import { findRequest } from './store/requests.ts';
import type { Store } from './store/store.ts';
import type { Transaction } from './store/transaction.ts';

export interface WebhookInputs {
  readonly config: Config;
  readonly log: Log;
  readonly clock: Clock;
  readonly store: Store;
  readonly lookup: Lookup;
  readonly kind: 'server' | 'cli';
}

/** The webhooks of a home: only its one server sends them. */
export interface OpenedWebhooks {
  readonly nudge: () => void;
  /** Writes down, in its transaction, that a request is lost. */
  readonly tellLost: (tx: Transaction, requestId: string) => Promise<void>;
  readonly close: () => Promise<void>;
}

export function openWebhooks(inputs: WebhookInputs): OpenedWebhooks {
  const { config, log, clock, store, lookup, kind } = inputs;
  if (kind === 'cli') {
    return { nudge: () => undefined, tellLost, close: async () => undefined };
  }
  const sender = createWebhookSender({ trustedHosts: config.fetchAllow });
  const webhooks = startWebhooks({
    store,
    send: sender.send,
    log,
    clock,
    describe: async (requestId) => {
      const record = await findRequest(store.db, requestId);
      return record === undefined ? { id: requestId } : statusBody(record, lookup.statusOf(record));
    },
  });
  return {
    nudge: webhooks.nudge,
    tellLost,
    close: async () => {
      await webhooks.stop();
      await sender.close();
    },
  };
}

async function tellLost(tx: Transaction, requestId: string): Promise<void> {
  const record = await findRequest(tx, requestId);
  if (record?.webhookUrl !== undefined) {
    const { accountId, webhookUrl: url } = record;
    await enqueueWebhook(tx, { requestId, accountId, url, event: 'image.lost' });
  }
}

import { Webhook } from 'standardwebhooks';
import type { WebhookRecord } from '../store/webhooks.ts';

export interface WebhookMessage {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface MessageParts {
  readonly webhook: WebhookRecord;
  /** What became of the request; must be JSON. */
  readonly data: object;
  /** `whsec_…`; the message is signed with each of them. */
  readonly secrets: readonly string[];
  /** Of this attempt: receivers refuse messages that are minutes old. */
  readonly sentAt: number;
}

/** A signed message as Standard Webhooks has it (https://www.standardwebhooks.com, version 1). */
export function writeMessage({ webhook, data, secrets, sentAt }: MessageParts): WebhookMessage {
  const { id, event, createdAt } = webhook;
  const timestamp = new Date(createdAt).toISOString();
  const body = JSON.stringify({ type: event, timestamp, data });
  const signatures = secrets.map((secret) => new Webhook(secret).sign(id, new Date(sentAt), body));
  return {
    headers: {
      'content-type': 'application/json',
      'webhook-id': id,
      'webhook-timestamp': String(Math.floor(sentAt / 1000)),
      'webhook-signature': signatures.join(' '),
    },
    body,
  };
}

import { findRequest } from '../store/requests.ts';
import {
  findWebhookOfRequest,
  listWebhookAttempts,
  type WebhookAttempt,
  type WebhookRecord,
} from '../store/webhooks.ts';
import { type Command, CommandError } from './command.ts';
import { withExistingHome } from './home.ts';
import { type Column, formatTable, plain } from './terminal.ts';

export const webhooksLogCommand: Command = {
  name: 'webhooks log',
  summary: 'Show when a request’s webhook was sent, and what was answered.',
  operand: { placeholder: 'IMG_ID', required: true },
  options: { json: { type: 'boolean', summary: 'Print JSON.' } },
  run: async (invocation) => {
    const { operand: requestId, options, terminal } = invocation;
    const { webhook, attempts } = await withExistingHome(invocation, async ({ db }) => {
      const webhook = await findWebhookOfRequest(db, requestId);
      if (webhook === undefined) {
        throw (await findRequest(db, requestId)) === undefined
          ? new CommandError(`There is no request ${plain(requestId)} in this home.`)
          : new CommandError(`${plain(requestId)} has no webhook.`, {
              hint: 'It is made when a request ends that was sent with a webhook_url.',
            });
      }
      return { webhook, attempts: await listWebhookAttempts(db, webhook.id) };
    });
    if (options.flag('json')) {
      terminal.printJson(toJson(webhook, attempts));
      return 0;
    }
    const { style } = terminal;
    const { id, event, url } = webhook;
    terminal.print(`${style('bold', id)}  ${event}  ${stateOf(webhook)}\n${plain(url)}`);
    if (attempts.length > 0) {
      terminal.print(`\n${formatTable(COLUMNS, attempts.map(rowOf), style)}`);
    }
    return 0;
  },
};

const COLUMNS: readonly Column[] = [
  { title: 'ATTEMPT', align: 'right' },
  { title: 'AT' },
  { title: 'TOOK', align: 'right' },
  { title: 'ANSWER' },
];

function stateOf({ deliveredAt, givenUpAt, nextAt }: WebhookRecord): string {
  if (deliveredAt !== undefined) {
    return `delivered ${isoTime(deliveredAt)}`;
  }
  return givenUpAt === undefined
    ? `to be sent ${isoTime(nextAt)}`
    : `given up ${isoTime(givenUpAt)}`;
}

function rowOf({ attempt, at, durationMs, status, error }: WebhookAttempt): string[] {
  const answer = status === undefined ? (error ?? '') : `HTTP ${status}`;
  return [String(attempt), isoTime(at) ?? '', `${durationMs} ms`, plain(answer)];
}

function toJson(
  webhook: WebhookRecord,
  attempts: readonly WebhookAttempt[],
): Record<string, unknown> {
  return {
    id: webhook.id,
    image_id: webhook.requestId,
    account_id: webhook.accountId,
    event: webhook.event,
    url: webhook.url,
    created_at: isoTime(webhook.createdAt),
    next_at: isoTime(webhook.nextAt),
    delivered_at: isoTime(webhook.deliveredAt),
    given_up_at: isoTime(webhook.givenUpAt),
    attempts: attempts.map(({ attempt, at, status, error, durationMs }) => ({
      attempt,
      at: isoTime(at),
      status: status ?? null,
      error: error ?? null,
      duration_ms: durationMs,
    })),
  };
}

function isoTime(timeMs: number | undefined): string | null {
  return timeMs === undefined ? null : new Date(timeMs).toISOString();
}

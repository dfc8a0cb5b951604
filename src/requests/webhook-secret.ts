import { randomBytes } from 'node:crypto';
import { findWebhookSecret, setWebhookSecret } from '../store/accounts.ts';
import type { Transaction } from '../store/transaction.ts';

const SECRET_BYTES = 32;

/** As long as a webhook is retried: whatever was being sent at a rotation is still understood. */
const OVERLAP_MS = 24 * 60 * 60 * 1000;

/** `whsec_` and base64: the secret that the account's webhooks are signed with, made if missing. */
export async function ensureWebhookSecret(tx: Transaction, accountId: string): Promise<string> {
  return (await findWebhookSecret(tx, accountId)).secret ?? makeSecret(tx, accountId);
}

/** Gives the account another secret. For a day webhooks are signed with the old one as well. */
export async function rotateWebhookSecret(tx: Transaction, accountId: string): Promise<string> {
  return makeSecret(tx, accountId);
}

/** Every secret to sign with now, the newest first; one is made if there is none. */
export async function signingSecrets(
  tx: Transaction,
  accountId: string,
): Promise<readonly string[]> {
  const { secret, before, rotatedAt } = await findWebhookSecret(tx, accountId);
  if (secret === undefined) {
    return [await makeSecret(tx, accountId)];
  }
  const isBeforeInUse = rotatedAt !== undefined && tx.startedAt < rotatedAt + OVERLAP_MS;
  return before !== undefined && isBeforeInUse ? [secret, before] : [secret];
}

async function makeSecret(tx: Transaction, accountId: string): Promise<string> {
  const secret = `whsec_${randomBytes(SECRET_BYTES).toString('base64')}`;
  await setWebhookSecret(tx, { accountId, secret });
  return secret;
}

import type { Executor, Transaction } from './transaction.ts';

export interface AccountRecord {
  readonly id: string;
  readonly name: string;
  readonly createdAt: number;
}

/** Adds an account unless the name is taken: then nothing changes. True when it was added. */
export async function insertAccount(
  tx: Transaction,
  account: { readonly id: string; readonly name: string },
): Promise<boolean> {
  const result = await tx
    .insertInto('accounts')
    .values({ ...account, created_at: tx.startedAt })
    .onConflict((conflict) => conflict.doNothing())
    .executeTakeFirstOrThrow();
  return result.numInsertedOrUpdatedRows === 1n;
}

export async function findAccountByName(
  executor: Executor,
  name: string,
): Promise<AccountRecord | undefined> {
  const row = await executor
    .selectFrom('accounts')
    .selectAll()
    .where('name', '=', name)
    .executeTakeFirst();
  return row === undefined ? undefined : readAccount(row);
}

export async function findAccount(
  executor: Executor,
  id: string,
): Promise<AccountRecord | undefined> {
  const row = await executor
    .selectFrom('accounts')
    .selectAll()
    .where('id', '=', id)
    .executeTakeFirst();
  return row === undefined ? undefined : readAccount(row);
}

export async function renameAccount(tx: Transaction, id: string, name: string): Promise<void> {
  await tx.updateTable('accounts').set({ name }).where('id', '=', id).execute();
}

/** Every account, oldest first. */
export async function listAccounts(executor: Executor): Promise<AccountRecord[]> {
  const rows = await executor
    .selectFrom('accounts')
    .selectAll()
    .orderBy('created_at')
    .orderBy('id')
    .execute();
  return rows.map(readAccount);
}

function readAccount(row: { id: string; name: string; created_at: bigint }): AccountRecord {
  return { id: row.id, name: row.name, createdAt: Number(row.created_at) };
}

/** What an account's webhooks are signed with. */
export interface WebhookSecretRecord {
  readonly secret: string | undefined;
  /** The one before the last rotation. */
  readonly before: string | undefined;
  readonly rotatedAt: number | undefined;
}

/** Throws when there is no such account. */
export async function findWebhookSecret(
  executor: Executor,
  accountId: string,
): Promise<WebhookSecretRecord> {
  const row = await executor
    .selectFrom('accounts')
    .select(['webhook_secret', 'webhook_secret_before', 'webhook_secret_rotated_at'])
    .where('id', '=', accountId)
    .executeTakeFirstOrThrow();
  const rotatedAt = row.webhook_secret_rotated_at;
  return {
    secret: row.webhook_secret ?? undefined,
    before: row.webhook_secret_before ?? undefined,
    rotatedAt: rotatedAt === null ? undefined : Number(rotatedAt),
  };
}

/** Gives the account a secret; the one that it had becomes the one before. */
export async function setWebhookSecret(
  tx: Transaction,
  { accountId, secret }: { readonly accountId: string; readonly secret: string },
): Promise<void> {
  const { secret: before } = await findWebhookSecret(tx, accountId);
  await tx
    .updateTable('accounts')
    .set(
      before === undefined
        ? { webhook_secret: secret }
        : {
            webhook_secret: secret,
            webhook_secret_before: before,
            webhook_secret_rotated_at: tx.startedAt,
          },
    )
    .where('id', '=', accountId)
    .execute();
}

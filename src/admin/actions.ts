import { ensureAccount } from '../access/accounts.ts';
import {
  type CreatedKey,
  createKey,
  deleteKey,
  type KeySettings,
  revokeKey,
  rotateKey,
} from '../access/keys.ts';
import { Failure } from '../base/errors.ts';
import type { Limits } from '../base/limits.ts';
import { formatUsd, type Nanousd } from '../base/money.ts';
import { credit, readBalance, type Balance } from '../ledger/ledger.ts';
import { ensureWebhookSecret, rotateWebhookSecret } from '../requests/webhook-secret.ts';
import {
  type AccountRecord,
  findAccount,
  findAccountByName,
  renameAccount,
} from '../store/accounts.ts';
import { insertAdminLog } from '../store/admin-log.ts';
import type { Mode } from '../store/database.ts';
import { findKey, type KeyChanges, type KeyRecord, updateKey } from '../store/keys.ts';
import { findLimits, writeLimits } from '../store/limits.ts';
import type { Store } from '../store/store.ts';
import type { Executor, Transaction } from '../store/transaction.ts';
import { findTransfer } from '../store/transfers.ts';

/** Who does it: `cli`, or `admin …abcd`. */
export type Actor = string;

/** A credit that is given once, however often it is asked for. */
export interface GivenCredit {
  readonly accountId: string;
  readonly mode: Mode;
  readonly amount: Nanousd;
  readonly note?: string | undefined;
  /** The operator's own name for it, such as an invoice number. */
  readonly reference?: string | undefined;
}

export interface CreditResult extends Balance {
  /** It had been given before, and was not given again. */
  readonly isReplay: boolean;
}

/**
 * Everything that operators can change, by HTTP and by the command line: each in one transaction with
 * its line in the log. They throw Failures: `not_found`, `invalid_value`, `idempotency_key_reused`.
 */
export interface AdminActions {
  readonly createAccount: (
    actor: Actor,
    name: string,
  ) => Promise<{ readonly account: AccountRecord; readonly webhookSecret: string }>;
  readonly updateAccount: (
    actor: Actor,
    id: string,
    changes: { readonly name?: string | undefined; readonly limits?: Limits | undefined },
  ) => Promise<AccountRecord>;
  readonly rotateWebhookSecret: (actor: Actor, accountId: string) => Promise<string>;
  readonly createKey: (
    actor: Actor,
    settings: Omit<KeySettings, 'secret'> & { readonly limits?: Limits | undefined },
  ) => Promise<CreatedKey>;
  readonly updateKey: (
    actor: Actor,
    id: string,
    changes: KeyChanges & { readonly limits?: Limits | undefined },
  ) => Promise<KeyRecord>;
  /** Throws `invalid_value` for a revoked key: a rotation must not bring it back. */
  readonly rotateKey: (actor: Actor, id: string) => Promise<CreatedKey>;
  /** False when it was revoked before. */
  readonly revokeKey: (actor: Actor, id: string) => Promise<boolean>;
  readonly deleteKey: (actor: Actor, id: string) => Promise<void>;
  readonly credit: (actor: Actor, given: GivenCredit) => Promise<CreditResult>;
}

export function adminActions(store: Store): AdminActions {
  // Names that must be new, references that stand for one credit: one deed after the other.
  const inTurn: Store['transaction'] = (work) => store.transaction(work, { serial: 'admin' });
  return {
    createAccount: (actor, name) =>
      inTurn(async (tx) => {
        if ((await findAccountByName(tx, name)) !== undefined) {
          throw taken(name);
        }
        const account = await requireAccount(tx, await ensureAccount(tx, name));
        const webhookSecret = await ensureWebhookSecret(tx, account.id);
        await log(tx, actor, 'account.create', account.id, { name });
        return { account, webhookSecret };
      }),
    updateAccount: (actor, id, changes) => inTurn((tx) => updateAccount(tx, actor, id, changes)),
    rotateWebhookSecret: (actor, accountId) =>
      inTurn(async (tx) => {
        await requireAccount(tx, accountId);
        const secret = await rotateWebhookSecret(tx, accountId);
        await log(tx, actor, 'account.rotate_webhook_secret', accountId, {});
        return secret;
      }),
    createKey: (actor, { limits, ...settings }) =>
      inTurn(async (tx) => {
        await requireAccount(tx, settings.accountId);
        const created = await createKey(tx, settings);
        const { id } = created.record;
        if (limits !== undefined) {
          await writeLimits(tx, id, limits);
        }
        await log(tx, actor, 'key.create', id, { ...settings, ...limitsText(limits) });
        return created;
      }),
    updateKey: (actor, id, changes) => inTurn((tx) => changeKey(tx, actor, id, changes)),
    rotateKey: (actor, id) =>
      inTurn(async (tx) => {
        await requireKey(tx, id);
        const limits = await findLimits(tx, id);
        const created = await rotateKey(tx, id);
        if (created === undefined) {
          throw new Failure('invalid_value', {
            message: `${id} is revoked: make another key in its place.`,
          });
        }
        if (limits !== undefined) {
          await writeLimits(tx, created.record.id, limits);
        }
        await log(tx, actor, 'key.rotate', id, { replaced_by: created.record.id });
        return created;
      }),
    revokeKey: (actor, id) =>
      inTurn(async (tx) => {
        await requireKey(tx, id);
        const isNews = await revokeKey(tx, id);
        if (isNews) {
          await log(tx, actor, 'key.revoke', id, {});
        }
        return isNews;
      }),
    deleteKey: (actor, id) =>
      inTurn(async (tx) => {
        await requireKey(tx, id);
        await deleteKey(tx, id);
        await log(tx, actor, 'key.delete', id, {});
      }),
    credit: (actor, given) => inTurn((tx) => giveCredit(tx, actor, given)),
  };
}

/** The account with this id. Throws `not_found`. */
export async function requireAccount(executor: Executor, id: string): Promise<AccountRecord> {
  const account = await findAccount(executor, id);
  if (account === undefined) {
    throw new Failure('not_found', { message: `There is no account ${id}.` });
  }
  return account;
}

/** The key with this id, unless it was deleted. Throws `not_found`. */
export async function requireKey(executor: Executor, id: string): Promise<KeyRecord> {
  const key = await findKey(executor, id);
  if (key === undefined || key.deletedAt !== undefined) {
    throw new Failure('not_found', { message: `There is no key ${id}.` });
  }
  return key;
}

async function updateAccount(
  tx: Transaction,
  actor: Actor,
  id: string,
  { name, limits }: { readonly name?: string | undefined; readonly limits?: Limits | undefined },
): Promise<AccountRecord> {
  const before = await requireAccount(tx, id);
  if (name !== undefined && name !== before.name) {
    if ((await findAccountByName(tx, name)) !== undefined) {
      throw taken(name);
    }
    await renameAccount(tx, id, name);
    await log(tx, actor, 'account.rename', id, { before: before.name, after: name });
  }
  await changeLimits(tx, actor, id, limits);
  return requireAccount(tx, id);
}

async function changeKey(
  tx: Transaction,
  actor: Actor,
  id: string,
  { limits, ...changes }: KeyChanges & { readonly limits?: Limits | undefined },
): Promise<KeyRecord> {
  const before = await requireKey(tx, id);
  const changed = Object.entries(changes).filter(([, value]) => value !== undefined);
  if (changed.length > 0) {
    await updateKey(tx, id, changes);
    const was = changed.map(([field]) => [field, before[field as keyof KeyChanges] ?? null]);
    await log(tx, actor, 'key.update', id, {
      before: Object.fromEntries(was),
      after: Object.fromEntries(changed),
    });
  }
  await changeLimits(tx, actor, id, limits);
  return requireKey(tx, id);
}

/** Those that are named replace those that were; undefined ones fall back to the defaults. */
async function changeLimits(
  tx: Transaction,
  actor: Actor,
  id: string,
  limits: Limits | undefined,
): Promise<void> {
  if (limits === undefined) {
    return;
  }
  const before = (await findLimits(tx, id)) ?? {};
  const after = { ...before, ...limits };
  await writeLimits(tx, id, after);
  await log(tx, actor, 'limits.set', id, { before: plain(before), after: plain(after) });
}

async function giveCredit(
  tx: Transaction,
  actor: Actor,
  { reference, ...given }: GivenCredit,
): Promise<CreditResult> {
  const { accountId, mode, amount, note } = given;
  await requireAccount(tx, accountId);
  const id = reference === undefined ? undefined : `credit_${accountId}_${mode}_${reference}`;
  const earlier = id === undefined ? undefined : await findTransfer(tx, id);
  if (earlier !== undefined && earlier.amount !== amount) {
    const message = `The reference ${reference} stands for ${formatUsd(earlier.amount)} USD.`;
    throw new Failure('idempotency_key_reused', { message, param: 'reference' });
  }
  if (earlier === undefined) {
    const extra = { ...(note === undefined ? {} : { note }), ...(id === undefined ? {} : { id }) };
    await credit(tx, { accountId, mode, amount, ...extra });
    await log(tx, actor, 'credit.give', accountId, {
      mode,
      usd: formatUsd(amount),
      note: note ?? null,
      reference: reference ?? null,
    });
  }
  const balance = await readBalance(tx, { accountId, mode });
  return { ...balance, isReplay: earlier !== undefined };
}

function taken(name: string): Failure {
  return new Failure('invalid_value', {
    param: 'name',
    message: `There is an account ${name} already.`,
  });
}

async function log(
  tx: Transaction,
  actor: Actor,
  action: string,
  target: string,
  details: unknown,
): Promise<void> {
  await insertAdminLog(tx, { actor, action, target, details });
}

function limitsText(limits: Limits | undefined): { readonly limits?: unknown } {
  return limits === undefined ? {} : { limits: plain(limits) };
}

/** JSON knows no bigint. */
function plain({ monthlyBudget, ...limits }: Limits): Record<string, unknown> {
  return {
    ...limits,
    ...(monthlyBudget === undefined ? {} : { monthlyBudgetUsd: formatUsd(monthlyBudget) }),
  };
}

import { createHash, randomBytes } from 'node:crypto';
import { DatabaseSync } from 'node:sqlite';
import { newId } from '../src/base/ids.ts';
import { migrate } from '../src/store/migrate.ts';
import { openStore } from '../src/store/store.ts';
import { COST, fateOf, fingerprintOf, HELD, requestRow, type Row } from './installation-request.ts';

/** How much of everything: what so many requests leave behind in a few weeks. */
export interface InstallationSize {
  readonly requests: number;
  readonly accounts: number;
}

type Insert = (table: string, row: Row) => void;

interface Account {
  readonly id: string;
  readonly keys: readonly string[];
  spent: bigint;
  held: bigint;
}

const DAY_MS = 86_400_000;
const DAYS = 40;
const CREDIT = 10_000_000_000_000n;
const KEYS = 4;

/**
 * Makes an SQLite installation in a file that is not there yet, with rows in every table, as a server
 * that was killed leaves it; its audit is clean.
 */
export async function makeInstallation(file: string, size: InstallationSize): Promise<void> {
  const store = await openStore({ file });
  await migrate(store);
  await store.close();
  const database = new DatabaseSync(file);
  database.exec('begin');
  const insert = inserter(database);
  const now = Date.now();
  const accounts = makeAccounts(insert, size.accounts, now);
  const leaseId = newId('lease', now - DAY_MS);
  insert('leases', {
    id: leaseId,
    kind: 'server',
    pid: 4242,
    started_at: now - DAY_MS,
    expires_at: now - 1,
  });
  insert('places', { account: 'bfl', lease_id: leaseId, taken: 2 });
  insert('secrets', { name: 'links', value: 'none', created_at: now });
  insert('route_states', {
    lease_id: leaseId,
    route: 'openai/gpt-image-2',
    circuit: 'open',
    changed_at: now,
  });
  for (let index = 0; index < size.requests; index += 1) {
    const account = accounts[index % accounts.length];
    if (account !== undefined) {
      const at = now - Math.floor(DAYS * DAY_MS * (1 - index / size.requests));
      makeRequest(insert, { index, account, at, leaseId, isLast: index >= size.requests - 500 });
    }
  }
  for (const account of accounts) {
    finishAccount(insert, account, now);
  }
  database.exec('commit');
  database.close();
}

function inserter(database: DatabaseSync): Insert {
  const statements = new Map<string, ReturnType<DatabaseSync['prepare']>>();
  return (table, row) => {
    const names = Object.keys(row);
    const text = `insert into ${table} (${names.map((name) => `"${name}"`).join(', ')})
      values (${names.map(() => '?').join(', ')})`;
    const statement = statements.get(text) ?? database.prepare(text);
    statements.set(text, statement);
    statement.run(...Object.values(row));
  };
}

function makeAccounts(insert: Insert, count: number, now: number): Account[] {
  return Array.from({ length: count }, (_, index) => {
    const id = newId('acct', now - DAYS * DAY_MS);
    insert('accounts', {
      id,
      name: `Müller & 山田 № ${index} 🎨`,
      created_at: now - DAYS * DAY_MS,
      webhook_secret: index % 2 === 0 ? `whsec_${randomBytes(24).toString('base64')}` : null,
    });
    const keys = Array.from({ length: KEYS }, (__, number) => {
      const keyId = newId('key', now - DAYS * DAY_MS);
      insert('keys', {
        id: keyId,
        account_id: id,
        mode: 'live',
        name: `key "${number}"\n\\ 'of' ${index}`,
        hash: createHash('sha256').update(keyId).digest('hex'),
        hint: keyId.slice(-4),
        allowed_models: number === 0 ? '["gpt-image-2","flux-2-pro"]' : null,
        created_at: now,
        revoked_at: number === 1 ? now : null,
      });
      insert('limits', {
        subject: keyId,
        requests_per_minute: 60,
        monthly_budget: 9_007_199_254_740_993n,
      });
      return keyId;
    });
    insert('transfers', {
      id: newId('tr', now - DAYS * DAY_MS),
      account_id: id,
      mode: 'live',
      kind: 'credit',
      amount: CREDIT,
      overrun: 0,
      note: 'Rechnung 2026–11',
      created_at: now,
    });
    return { id, keys, spent: 0n, held: 0n };
  });
}

interface Made {
  readonly index: number;
  readonly account: Account;
  readonly at: number;
  readonly leaseId: string;
  /** One of the newest, whose picture is still there. */
  readonly isLast: boolean;
}

function makeRequest(insert: Insert, made: Made): void {
  const { index, account, at, leaseId, isLast } = made;
  const fate = fateOf(index);
  const id = newId('img', at);
  const isAsync = index % 10 === 3;
  const idempotencyKey = index % 10 === 7 ? `order-${index}` : null;
  const keyId = account.keys[index % KEYS] ?? null;
  const isDone = fate === 'completed';
  insert('requests', {
    ...requestRow({ ...made, id, fate, isAsync, accountId: account.id, keyId }),
    idempotency_key: idempotencyKey,
  });
  const transfer = { account_id: account.id, mode: 'live', request_id: id, lease_id: leaseId };
  insert('transfers', {
    ...transfer,
    id: `hold_${id}`,
    kind: 'hold',
    amount: HELD,
    overrun: 0,
    created_at: at,
  });
  if (fate === 'running') {
    account.held += HELD;
  } else {
    account.spent += isDone ? COST : 0n;
    const kind = isDone ? 'settle' : fate === 'failed' ? 'release' : 'expire';
    const amount = isDone ? COST : HELD;
    insert('transfers', {
      ...transfer,
      id: `end_${id}`,
      kind,
      amount,
      overrun: 0,
      created_at: at + 9_000,
    });
  }
  if (isAsync && fate !== 'running') {
    makeWebhook(insert, { id, account, at, isWaiting: isLast, isDone });
  }
  if (idempotencyKey !== null && isDone) {
    insert('idempotency', {
      account_id: account.id,
      mode: 'live',
      key: idempotencyKey,
      fingerprint: fingerprintOf(index),
      request_id: id,
      created_at: at,
      expires_at: at + DAY_MS,
    });
  }
  if (isDone && isLast) {
    insert('results', {
      name: `${id}.0`,
      request_id: id,
      image_index: 0,
      bytes: 1_843_200 + index,
      created_at: at,
      expires_at: at + DAY_MS,
      delivered_at: index % 2 === 0 ? at + 1 : null,
    });
  }
}

interface MadeWebhook {
  readonly id: string;
  readonly account: Account;
  readonly at: number;
  readonly isWaiting: boolean;
  readonly isDone: boolean;
}

function makeWebhook(insert: Insert, { id, account, at, isWaiting, isDone }: MadeWebhook): void {
  const webhookId = newId('msg', at);
  const attempts = isWaiting ? 1 : 2;
  insert('webhooks', {
    id: webhookId,
    request_id: id,
    account_id: account.id,
    url: 'https://hooks.example/easel',
    event: isDone ? 'image.completed' : 'image.failed',
    attempts,
    next_at: isWaiting ? at + DAY_MS : null,
    delivered_at: isWaiting ? null : at + 20_000,
    created_at: at + 9_000,
  });
  for (let attempt = 1; attempt <= attempts; attempt += 1) {
    insert('webhook_attempts', {
      webhook_id: webhookId,
      attempt,
      at: at + 9_000 * attempt,
      status: attempt === 1 ? null : 200,
      error: attempt === 1 ? 'connect ECONNREFUSED' : null,
      duration_ms: 12,
    });
  }
}

function finishAccount(insert: Insert, { id, keys, spent, held }: Account, now: number): void {
  insert('balances', { account_id: id, mode: 'live', balance: CREDIT - spent, held, spent });
  insert('rates', {
    subject: `${id}/live`,
    kind: 'requests',
    paid_back_at: BigInt(now) * 1_000n + 1n,
  });
  for (const subject of [`${id}/live`, ...keys]) {
    insert('spend_months', { subject, month: '2026-11', spent });
  }
  insert('admin_log', {
    id: newId('log', now),
    actor: 'cli',
    action: 'credit',
    target: id,
    details: '{"amount_usd":"10000"}',
    created_at: now,
  });
}

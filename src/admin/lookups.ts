import { audit, type AuditReport } from '../ledger/audit.ts';
import { type Balance, readBalance } from '../ledger/ledger.ts';
import type { Limits } from '../base/limits.ts';
import { type AccountRecord, listAccounts } from '../store/accounts.ts';
import { type AdminLogEntry, listAdminLog } from '../store/admin-log.ts';
import { type KeyRecord, listKeysOfAccount } from '../store/keys.ts';
import { findLimits } from '../store/limits.ts';
import { listRequests, type RequestFilter } from '../store/request-list.ts';
import { findRequest, type RequestRecord } from '../store/requests.ts';
import type { Store } from '../store/store.ts';
import { listTransfers, type TransferEntry, type TransferFilter } from '../store/transfers.ts';
import { type KeyUsageFilter, type KeyUsageRow, sumKeyUsage } from '../store/usage.ts';
import { requireAccount, requireKey } from './actions.ts';

export interface AccountView extends AccountRecord {
  readonly limits: Limits | undefined;
  readonly balances: { readonly test: Balance; readonly live: Balance };
}

export interface KeyView extends KeyRecord {
  readonly limits: Limits | undefined;
}

interface PageOf {
  readonly after?: string | undefined;
  readonly limit: number;
}

/** Everything that operators can look up. Those by id throw `not_found`. */
export interface AdminLookups {
  readonly accounts: () => Promise<AccountView[]>;
  readonly account: (id: string) => Promise<AccountView>;
  /** Without the deleted ones, oldest first. */
  readonly keys: (accountId: string | undefined) => Promise<KeyView[]>;
  readonly key: (id: string) => Promise<KeyView>;
  readonly requests: (filter: RequestFilter) => Promise<RequestRecord[]>;
  readonly request: (id: string) => Promise<RequestRecord | undefined>;
  readonly usage: (filter: KeyUsageFilter) => Promise<KeyUsageRow[]>;
  readonly transfers: (filter: TransferFilter) => Promise<TransferEntry[]>;
  readonly audit: () => Promise<AuditReport>;
  readonly log: (page: PageOf) => Promise<AdminLogEntry[]>;
}

export function adminLookups(store: Store): AdminLookups {
  const { db } = store;
  const accountView = async (account: AccountRecord): Promise<AccountView> => ({
    ...account,
    limits: await findLimits(db, account.id),
    balances: {
      test: await readBalance(db, { accountId: account.id, mode: 'test' }),
      live: await readBalance(db, { accountId: account.id, mode: 'live' }),
    },
  });
  const keyView = async (key: KeyRecord): Promise<KeyView> => ({
    ...key,
    limits: await findLimits(db, key.id),
  });
  return {
    accounts: async () => Promise.all((await listAccounts(db)).map(accountView)),
    account: async (id) => accountView(await requireAccount(db, id)),
    keys: async (accountId) => {
      const accounts =
        accountId === undefined ? await listAccounts(db) : [await requireAccount(db, accountId)];
      const lists = await Promise.all(accounts.map(({ id }) => listKeysOfAccount(db, id)));
      return Promise.all(lists.flat().map(keyView));
    },
    key: async (id) => keyView(await requireKey(db, id)),
    requests: (filter) => listRequests(db, filter),
    request: (id) => findRequest(db, id),
    usage: (filter) => sumKeyUsage(db, filter),
    transfers: (filter) => listTransfers(db, filter),
    audit: () => audit(store),
    log: (page) => listAdminLog(db, page),
  };
}

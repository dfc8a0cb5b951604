import type { Mode, RequestStatus } from './database.ts';
import { afterRow } from './pages.ts';
import { CANCELLED, findRequest, readRequest, type RequestRecord } from './requests.ts';
import type { Executor } from './transaction.ts';

export interface RequestFilter {
  readonly accountId?: string | undefined;
  readonly mode?: Mode | undefined;
  readonly keyId?: string | undefined;
  readonly model?: string | undefined;
  readonly errorCode?: string | undefined;
  /** Made at this time or later; milliseconds since 1970. */
  readonly fromMs?: number | undefined;
  /** Made before this time. */
  readonly toMs?: number | undefined;
  readonly status?: RequestStatus | undefined;
  /** `req_…` */
  readonly requestId?: string | undefined;
  readonly idempotencyKey?: string | undefined;
  /** Given with the status `failed`: those that were cancelled, or those that were not. */
  readonly isCancelled?: boolean | undefined;
  /** The `img_…` id of the last request of the page before. */
  readonly after?: string | undefined;
  readonly limit: number;
}

/** Newest first. An `after` that is not there gives an empty page. */
export async function listRequests(
  executor: Executor,
  filter: RequestFilter,
): Promise<RequestRecord[]> {
  const { accountId, mode, status, requestId, idempotencyKey, isCancelled, after, limit } = filter;
  let query = startQuery(executor);
  if (accountId !== undefined) {
    query = query.where('account_id', '=', accountId);
  }
  if (mode !== undefined) {
    query = query.where('mode', '=', mode);
  }
  query = narrowed(query, filter);
  if (status !== undefined) {
    query = query.where('status', '=', status);
  }
  if (requestId !== undefined) {
    query = query.where('request_id', '=', requestId);
  }
  if (idempotencyKey !== undefined) {
    query = query.where('idempotency_key', '=', idempotencyKey);
  }
  if (isCancelled !== undefined) {
    query = isCancelled
      ? query.where('error_code', '=', CANCELLED)
      : query.where((row) =>
          row.or([row('error_code', 'is', null), row('error_code', '!=', CANCELLED)]),
        );
  }
  if (after !== undefined) {
    const last = await findRequest(executor, after);
    if (last === undefined) {
      return [];
    }
    query = query.where(afterRow(last));
  }
  const rows = await query
    .orderBy('created_at', 'desc')
    .orderBy('id', 'desc')
    .limit(limit)
    .execute();
  return rows.map(readRequest);
}

type RequestQuery = ReturnType<typeof startQuery>;

function startQuery(executor: Executor) {
  return executor.selectFrom('requests').selectAll();
}

/** What operators look for. */
function narrowed(query: RequestQuery, filter: RequestFilter): RequestQuery {
  const { keyId, model, errorCode, fromMs, toMs } = filter;
  let narrower = query;
  if (keyId !== undefined) {
    narrower = narrower.where('key_id', '=', keyId);
  }
  if (model !== undefined) {
    narrower = narrower.where('model', '=', model);
  }
  if (errorCode !== undefined) {
    narrower = narrower.where('error_code', '=', errorCode);
  }
  if (fromMs !== undefined) {
    narrower = narrower.where('created_at', '>=', BigInt(fromMs));
  }
  if (toMs !== undefined) {
    narrower = narrower.where('created_at', '<', BigInt(toMs));
  }
  return narrower;
}

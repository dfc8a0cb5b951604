import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import type { AdminLookups } from '../../admin/lookups.ts';
import { Failure } from '../../base/errors.ts';
import { usdNumber } from '../../base/money.ts';
import {
  AdminAudit,
  AdminLedgerQuery,
  AdminLog,
  AdminPageQuery,
  AdminRequest,
  AdminRequestList,
  AdminRequestsQuery,
  AdminRouteList,
  AdminTransferList,
  AdminUsageList,
  AdminUsageQuery,
} from '../../contract/admin.ts';
import type { RouteState } from '../../pipeline/route-state.ts';
import { ADMIN, adminQuery, adminSchema, unixSeconds } from './admin-route.ts';
import { requestBody } from './admin-request-body.ts';

export interface AdminRecordParts {
  readonly lookups: AdminLookups;
  readonly routeStates: () => readonly RouteState[];
  readonly nowMs: () => number;
}

const DAY_MS = 86_400_000;
const USAGE_DAYS = 30;

/** What is on record: requests, usage, the ledger, routes, and what operators did. */
export function adminRecordRoutes(server: FastifyInstance, parts: AdminRecordParts): void {
  requestRoutes(server, parts);
  moneyRoutes(server, parts);

  server.get('/admin/v1/routes', {
    config: ADMIN,
    schema: adminSchema('listRoutes', 'Tell how the routes to upstreams stand', AdminRouteList),
    handler: async () => ({
      object: 'list',
      data: parts.routeStates().map(({ pausedMs = 0, limit = null, ...state }) => ({
        ...state,
        limit,
        paused_ms: pausedMs,
      })),
    }),
  });

  server.get<{ Querystring: z.output<typeof AdminPageQuery> }>('/admin/v1/log', {
    ...adminQuery(AdminPageQuery, 'listAdminLog', 'List what operators did', AdminLog),
    handler: async ({ query: { after, limit } }) => {
      const entries = await parts.lookups.log({ after, limit: limit + 1 });
      return pageOf(entries, limit, ({ createdAt, ...entry }) => ({
        ...entry,
        created: unixSeconds(createdAt),
      }));
    },
  });
}

function requestRoutes(server: FastifyInstance, { lookups }: AdminRecordParts): void {
  server.get<{ Querystring: z.output<typeof AdminRequestsQuery> }>('/admin/v1/requests', {
    ...adminQuery(
      AdminRequestsQuery,
      'listRequests',
      'List requests for pictures',
      AdminRequestList,
    ),
    handler: async ({ query }) => {
      const { account_id, key_id, error_code, request_id, from, to, limit, ...rest } = query;
      const records = await lookups.requests({
        ...rest,
        accountId: account_id,
        keyId: key_id,
        errorCode: error_code,
        requestId: request_id,
        fromMs: from === undefined ? undefined : from * 1000,
        toMs: to === undefined ? undefined : to * 1000,
        limit: limit + 1,
      });
      return pageOf(records, limit, requestBody);
    },
  });

  server.get<{ Params: { id: string } }>('/admin/v1/requests/:id', {
    config: ADMIN,
    schema: {
      ...adminSchema('getRequest', 'Look a request up', AdminRequest, 'NotFound'),
      params: z.object({ id: z.string() }),
    },
    handler: async (request) => {
      const record = await lookups.request(request.params.id);
      if (record === undefined) {
        throw new Failure('not_found', { message: 'There is no such request.' });
      }
      return requestBody(record);
    },
  });
}

function moneyRoutes(server: FastifyInstance, { lookups, nowMs }: AdminRecordParts): void {
  server.get<{ Querystring: z.output<typeof AdminUsageQuery> }>('/admin/v1/usage', {
    ...adminQuery(
      AdminUsageQuery,
      'getUsage',
      'Sum requests up by day, model and key',
      AdminUsageList,
    ),
    handler: async ({ query }) => {
      const { account_id: accountId, from, to } = query;
      const { metadata_name: name, metadata_value: value } = query;
      if ((name === undefined) !== (value === undefined)) {
        const message = 'metadata_name and metadata_value go together.';
        throw new Failure('invalid_value', { param: 'metadata_name', message });
      }
      const rows = await lookups.usage({
        fromMs: from === undefined ? nowMs() - USAGE_DAYS * DAY_MS : from * 1000,
        toMs: to === undefined ? nowMs() + 1 : to * 1000,
        accountId,
        metadata: name === undefined || value === undefined ? undefined : { name, value },
      });
      return {
        object: 'list',
        data: rows.map(({ cost, upstreamCost, accountId: account, keyId, ...row }) => ({
          ...row,
          account_id: account,
          key_id: keyId ?? null,
          charged_usd: usdNumber(cost),
          upstream_cost_usd: usdNumber(upstreamCost),
          margin_usd: usdNumber(cost - upstreamCost),
        })),
      };
    },
  });

  server.get<{ Querystring: z.output<typeof AdminLedgerQuery> }>('/admin/v1/ledger', {
    ...adminQuery(
      AdminLedgerQuery,
      'listTransfers',
      'List transfers of the ledger',
      AdminTransferList,
    ),
    handler: async ({ query }) => {
      const { account_id: accountId, request_id: requestId, mode, after, limit } = query;
      const filter = { accountId, requestId, mode, after, limit: limit + 1 };
      const entries = await lookups.transfers(filter);
      return pageOf(entries, limit, (entry) => ({
        id: entry.id,
        account_id: entry.accountId,
        mode: entry.mode,
        kind: entry.kind,
        amount_usd: usdNumber(entry.amount),
        overrun_usd: usdNumber(entry.overrun),
        request_id: entry.requestId,
        note: entry.note,
        created: unixSeconds(entry.createdAt),
      }));
    },
  });

  server.get('/admin/v1/audit', {
    config: ADMIN,
    schema: adminSchema('auditLedger', 'Recompute every balance from its transfers', AdminAudit),
    handler: async () => {
      const { ok, problems, accounts, transfers, openHolds } = await lookups.audit();
      return { ok, problems, balances: accounts, transfers, open_holds: openHolds };
    },
  });
}

/** One more than the page was asked for, to know whether there are more. */
function pageOf<Entry>(entries: readonly Entry[], limit: number, body: (entry: Entry) => object) {
  return {
    object: 'list',
    data: entries.slice(0, limit).map((entry) => body(entry)),
    has_more: entries.length > limit,
  };
}

import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import type { AdminActions } from '../../admin/actions.ts';
import type { AccountView, AdminLookups } from '../../admin/lookups.ts';
import { Failure } from '../../base/errors.ts';
import { parseUsd, usdNumber } from '../../base/money.ts';
import {
  AdminAccount,
  AdminAccountChanges,
  AdminAccountCreation,
  AdminAccountList,
  AdminCreatedAccount,
  AdminCredit,
  AdminCreditResult,
  AdminWebhookSecret,
} from '../../contract/admin.ts';
import { limitsBody, limitsFrom } from '../../contract/admin-limits.ts';
import { actorOf } from '../requestContext.ts';
import { ADMIN, adminSchema, unixSeconds } from './admin-route.ts';

export interface AdminParts {
  readonly actions: AdminActions;
  readonly lookups: AdminLookups;
}

const IdParams = z.object({ id: z.string() });
interface ById {
  Params: { readonly id: string };
}

/** `/admin/v1/accounts`: who there is, their limits and their money. */
export function adminAccountRoutes(
  server: FastifyInstance,
  { actions, lookups }: AdminParts,
): void {
  server.get('/admin/v1/accounts', {
    config: ADMIN,
    schema: adminSchema('listAccounts', 'List accounts', AdminAccountList),
    handler: async () => {
      const data = (await lookups.accounts()).map(accountBody);
      return { object: 'list', data, has_more: false };
    },
  });

  server.post<{ Body: z.output<typeof AdminAccountCreation> }>('/admin/v1/accounts', {
    config: ADMIN,
    schema: {
      ...adminSchema('createAccount', 'Make an account', AdminCreatedAccount),
      body: AdminAccountCreation,
    },
    handler: async (request) => {
      const { account, webhookSecret } = await actions.createAccount(
        actorOf(request),
        request.body.name,
      );
      const view = await lookups.account(account.id);
      return { ...accountBody(view), webhook_secret: webhookSecret };
    },
  });

  server.get<ById>('/admin/v1/accounts/:id', {
    config: ADMIN,
    schema: {
      ...adminSchema('getAccount', 'Look an account up', AdminAccount, 'NotFound'),
      params: IdParams,
    },
    handler: async (request) => accountBody(await lookups.account(request.params.id)),
  });

  server.patch<ById & { Body: z.output<typeof AdminAccountChanges> }>('/admin/v1/accounts/:id', {
    config: ADMIN,
    schema: {
      ...adminSchema('updateAccount', 'Rename or limit an account', AdminAccount, 'NotFound'),
      params: IdParams,
      body: AdminAccountChanges,
    },
    handler: async (request) => {
      const { name, limits } = request.body;
      const { id } = request.params;
      await actions.updateAccount(actorOf(request), id, { name, limits: limitsFrom(limits) });
      return accountBody(await lookups.account(id));
    },
  });

  server.post<ById>('/admin/v1/accounts/:id/webhook-secret', {
    config: ADMIN,
    schema: {
      ...adminSchema(
        'rotateWebhookSecret',
        'Give an account another secret for its webhooks',
        AdminWebhookSecret,
        'NotFound',
      ),
      params: IdParams,
    },
    handler: async (request) => ({
      webhook_secret: await actions.rotateWebhookSecret(actorOf(request), request.params.id),
    }),
  });

  creditRoute(server, actions);
}

function creditRoute(server: FastifyInstance, actions: AdminActions): void {
  server.post<ById & { Body: z.output<typeof AdminCredit> }>('/admin/v1/accounts/:id/credits', {
    config: ADMIN,
    schema: {
      ...adminSchema('giveCredit', 'Add prepaid USD', AdminCreditResult, 'NotFound', 'KeyReused'),
      params: IdParams,
      body: AdminCredit,
    },
    handler: async (request) => {
      const { mode, amount_usd: amountUsd, note, reference } = request.body;
      const accountId = request.params.id;
      const amount = readAmount(amountUsd);
      const { isReplay, ...balance } = await actions.credit(actorOf(request), {
        accountId,
        mode,
        amount,
        note,
        reference,
      });
      return {
        account_id: accountId,
        mode,
        currency: 'USD',
        replayed: isReplay,
        ...balanceBody(balance),
      };
    },
  });
}

function readAmount(amountUsd: number): bigint {
  try {
    return parseUsd(amountUsd);
  } catch {
    const message = 'amount_usd has at most nine decimals.';
    throw new Failure('invalid_value', { param: 'amount_usd', message });
  }
}

function balanceBody(balance: AccountView['balances']['test']) {
  return {
    balance: usdNumber(balance.balance),
    held: usdNumber(balance.held),
    available: usdNumber(balance.available),
    spent: usdNumber(balance.spent),
  };
}

function accountBody(account: AccountView): z.output<typeof AdminAccount> {
  const { id, name, createdAt, limits, balances } = account;
  return {
    id,
    name,
    created: unixSeconds(createdAt),
    limits: limitsBody(limits),
    balances: { test: balanceBody(balances.test), live: balanceBody(balances.live) },
  };
}

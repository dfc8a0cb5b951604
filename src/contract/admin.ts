import { z } from 'zod';

const time = (what: string) =>
  z.int().meta({ format: 'int64', description: `${what}, in Unix seconds.` });
const usd = (what: string) => z.number().describe(`${what}, in USD, exact to the nano-dollar.`);
const MODE = z.enum(['test', 'live']);
const NAME = z.string().trim().min(1).max(100);
const PAGE_MAX = 200;

/** A list of any of them. */
function listOf<Item extends z.ZodType>(item: Item, id: string) {
  return z
    .object({
      object: z.literal('list'),
      data: z.array(item),
      has_more: z.boolean().describe('There are more: ask for them with `after`.'),
    })
    .meta({ id });
}

const limit = (what: string) =>
  z
    .int()
    .min(0)
    .max(1_000_000)
    .nullable()
    .optional()
    .describe(`${what}; 0: no limit; null: as the settings have it.`);

export const AdminLimits = z
  .strictObject({
    requests_per_minute: limit('Requests a minute'),
    images_per_minute: limit('Pictures a minute'),
    megapixels_per_minute: limit('Megapixels a minute'),
    in_flight: limit('Requests that run or wait at once'),
    monthly_budget_usd: z
      .number()
      .min(0)
      .max(1_000_000_000)
      .nullable()
      .optional()
      .describe(
        'USD that may be spent in a month of UTC; 0: no budget; null: as the settings have it.',
      ),
  })
  .meta({ id: 'AdminLimits' });

const Balance = z.object({
  balance: usd('Credits less charges'),
  held: usd('What open holds keep from being spent'),
  available: usd('What can be spent now'),
  spent: usd('All that was charged'),
});

export const AdminAccount = z
  .object({
    id: z.string(),
    name: z.string(),
    created: time('Its creation'),
    limits: AdminLimits,
    balances: z.object({ test: Balance, live: Balance }),
  })
  .meta({ id: 'AdminAccount' });

export const AdminAccountList = listOf(AdminAccount, 'AdminAccountList');
export const AdminAccountCreation = z.strictObject({ name: NAME });
export const AdminAccountChanges = z.strictObject({
  name: NAME.optional(),
  limits: AdminLimits.optional(),
});
export const AdminCreatedAccount = AdminAccount.extend({
  webhook_secret: z.string().describe('Signs its webhooks. Shown once.'),
}).meta({ id: 'AdminCreatedAccount' });
export const AdminWebhookSecret = z
  .object({ webhook_secret: z.string().describe('Shown once. The old one signs for a day more.') })
  .meta({ id: 'AdminWebhookSecret' });

export const AdminKey = z
  .object({
    id: z.string(),
    account_id: z.string(),
    mode: MODE,
    name: z.string(),
    hint: z.string().describe('Its last four characters.'),
    state: z.enum(['active', 'revoked', 'expired']),
    allowed_models: z.array(z.string()).nullable().describe('null: every model.'),
    limits: AdminLimits,
    created: time('Its creation'),
    expires: time('Its end').nullable(),
    revoked: time('Its revocation').nullable(),
  })
  .meta({ id: 'AdminKey' });

export const AdminKeyList = listOf(AdminKey, 'AdminKeyList');
const models = z.array(z.string().min(1).max(200)).max(1000).nullable().optional();
const expiry = z.int().min(0).max(253_402_300_799).nullable().optional();
export const AdminKeyCreation = z.strictObject({
  account_id: z.string(),
  mode: MODE,
  name: NAME,
  allowed_models: models.describe('The only ones that it may use; null: every model.'),
  expires: expiry.describe('Its end, in Unix seconds; null: never.'),
  limits: AdminLimits.optional(),
});
export const AdminKeyChanges = z.strictObject({
  name: NAME.optional(),
  allowed_models: models,
  expires: expiry,
  limits: AdminLimits.optional(),
});
export const AdminCreatedKey = AdminKey.extend({
  secret: z.string().describe('The key itself. Shown once: only its hash is stored.'),
}).meta({ id: 'AdminCreatedKey' });
export const AdminDeleted = z
  .object({ id: z.string(), deleted: z.literal(true) })
  .meta({ id: 'AdminDeleted' });

export const AdminCredit = z.strictObject({
  mode: MODE,
  amount_usd: z.number().gt(0).max(1_000_000).describe('At most nine decimals.'),
  note: z.string().max(500).optional(),
  reference: z
    .string()
    .regex(/^[\w.:-]{1,100}$/)
    .optional()
    .describe('Your own name for it: what has the same one is given once.'),
});
export const AdminCreditResult = Balance.extend({
  account_id: z.string(),
  mode: MODE,
  currency: z.literal('USD'),
  replayed: z.boolean().describe('It had been given before, and was not given again.'),
}).meta({ id: 'AdminCreditResult' });

export const AdminRequest = z
  .object({
    id: z.string(),
    request_id: z.string(),
    account_id: z.string(),
    key_id: z.string().nullable(),
    mode: MODE,
    operation: z.string(),
    model: z.string(),
    status: z.enum(['running', 'completed', 'failed', 'lost']),
    n: z.int(),
    images: z.int(),
    size: z.string().nullable(),
    output_format: z.string().nullable(),
    held_usd: usd('What was held'),
    cost_usd: usd('What was charged').nullable(),
    upstream_cost_usd: usd('What the upstream said it cost').nullable(),
    provider: z.string().nullable().describe('The account that served.'),
    route: z.string().nullable(),
    upstream_model: z.string().nullable(),
    upstream_ids: z.array(z.string()),
    price_version: z.string().nullable(),
    card_hash: z.string().nullable(),
    error_code: z.string().nullable(),
    http_status: z.int().nullable(),
    warnings: z.array(z.object({ param: z.string(), code: z.string(), message: z.string() })),
    steps_ms: z.record(z.string(), z.number()).describe('When each step was done, from its start.'),
    metadata: z.record(z.string(), z.string()),
    is_async: z.boolean(),
    created: time('Its creation'),
    finished: time('Its end').nullable(),
    delivered: time('When somebody had all of it').nullable(),
  })
  .meta({ id: 'AdminRequest', description: 'Never a prompt: none is stored.' });

export const AdminRequestList = listOf(AdminRequest, 'AdminRequestList');

const page = {
  after: z.string().min(1).max(200).optional().describe('The id of the last one of a page.'),
  limit: z.coerce.number().int().min(1).max(PAGE_MAX).default(50),
};
const seconds = (what: string) =>
  z.coerce
    .number()
    .int()
    .min(0)
    .max(253_402_300_799)
    .optional()
    .describe(`${what}, in Unix seconds.`);

export const AdminPageQuery = z.object(page);
export const AdminKeysQuery = z.object({ account_id: z.string().optional() });
export const AdminRequestsQuery = z.object({
  account_id: z.string().optional(),
  key_id: z.string().optional(),
  mode: MODE.optional(),
  model: z.string().optional(),
  status: z.enum(['running', 'completed', 'failed', 'lost']).optional(),
  error_code: z.string().optional(),
  request_id: z.string().optional(),
  from: seconds('Made at this time or later'),
  to: seconds('Made before this time'),
  ...page,
});

export const AdminUsage = z
  .object({
    day: z.string().describe('`2026-11-21`, of UTC.'),
    mode: MODE,
    model: z.string(),
    account_id: z.string(),
    key_id: z.string().nullable(),
    requests: z.int(),
    failed: z.int(),
    images: z.int(),
    charged_usd: usd('What was charged'),
    upstream_cost_usd: usd('What upstreams said it cost'),
    margin_usd: usd('The one less the other'),
  })
  .meta({ id: 'AdminUsage' });

export const AdminUsageList = z
  .object({ object: z.literal('list'), data: z.array(AdminUsage) })
  .meta({ id: 'AdminUsageList' });
export const AdminUsageQuery = z.object({
  account_id: z.string().optional(),
  from: seconds('From this time on; 30 days ago if left out'),
  to: seconds('Before this time; now if left out'),
  metadata_name: z.string().min(1).max(64).optional().describe('With `metadata_value`.'),
  metadata_value: z
    .string()
    .max(512)
    .optional()
    .describe('Requests that were sent with this in their metadata.'),
});

export const AdminTransfer = z
  .object({
    id: z.string(),
    account_id: z.string(),
    mode: MODE,
    kind: z.enum(['credit', 'hold', 'settle', 'release', 'expire']),
    amount_usd: usd('The amount'),
    overrun_usd: usd('By how much a charge exceeds its hold'),
    request_id: z.string().nullable().describe('The `img_…` id.'),
    note: z.string().nullable(),
    created: time('When it was posted'),
  })
  .meta({ id: 'AdminTransfer' });

export const AdminTransferList = listOf(AdminTransfer, 'AdminTransferList');
export const AdminLedgerQuery = z.object({
  account_id: z.string().optional(),
  mode: MODE.optional(),
  request_id: z.string().optional().describe('The `img_…` id of a request.'),
  ...page,
});
export const AdminAudit = z
  .object({
    ok: z.boolean(),
    problems: z.array(z.string()),
    balances: z.int(),
    transfers: z.int(),
    open_holds: z.int(),
  })
  .meta({ id: 'AdminAudit' });

export const AdminRoute = z
  .object({
    route: z.string(),
    account: z.string(),
    circuit: z.enum(['closed', 'open', 'half_open']),
    running: z.int(),
    queued: z.int(),
    limit: z.int().nullable().describe('The places of the account; null: no bound.'),
    paused_ms: z.int().describe('So long the upstream wants to be left alone.'),
  })
  .meta({ id: 'AdminRoute' });
export const AdminRouteList = z
  .object({ object: z.literal('list'), data: z.array(AdminRoute) })
  .meta({ id: 'AdminRouteList' });

export const AdminLogEntry = z
  .object({
    id: z.string(),
    actor: z.string().describe('`cli`, or `admin` with the last four characters of the key.'),
    action: z.string(),
    target: z.string(),
    details: z.record(z.string(), z.unknown()),
    created: time('When it was done'),
  })
  .meta({ id: 'AdminLogEntry' });
export const AdminLog = listOf(AdminLogEntry, 'AdminLog');

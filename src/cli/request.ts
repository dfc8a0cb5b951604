import { formatUsd, type Nanousd, usdNumber } from '../base/money.ts';
import { listAccounts } from '../store/accounts.ts';
import { findKey } from '../store/keys.ts';
import { listRequests } from '../store/request-list.ts';
import { findRequest, type RequestRecord } from '../store/requests.ts';
import type { Executor } from '../store/transaction.ts';
import { type Command, CommandError } from './command.ts';
import { withExistingHome } from './home.ts';
import { plain, type Terminal } from './terminal.ts';

export const requestCommand: Command = {
  name: 'request',
  summary: 'Show what became of a request: steps, money, upstream, error.',
  operand: { placeholder: 'ID', required: true },
  options: { json: { type: 'boolean', summary: 'Print JSON.' } },
  notes: ['ID is its img_… id, or the x-request-id of the HTTP call: req_… or the caller’s own.'],
  run: async (invocation) => {
    const { operand: id, options, terminal } = invocation;
    const found = await withExistingHome(invocation, async ({ db }) => {
      const byId = await findRequest(db, id);
      const records =
        byId === undefined
          ? await listRequests(db, { requestId: id, limit: REQUESTS_MAX })
          : [byId];
      return Promise.all(records.map((record) => withOwner(db, record)));
    });
    if (found.length === 0) {
      throw new CommandError(`There is no request ${plain(id)} in this home.`);
    }
    if (options.flag('json')) {
      terminal.printJson(found.map(toJson));
      return 0;
    }
    terminal.print(found.map((request) => describe(request, terminal)).join('\n\n'));
    return 0;
  },
};

/** A caller may use one x-request-id for many requests. */
const REQUESTS_MAX = 20;

interface OwnedRequest {
  readonly record: RequestRecord;
  readonly account: string;
  readonly key: string;
}

async function withOwner(db: Executor, record: RequestRecord): Promise<OwnedRequest> {
  const accounts = await listAccounts(db);
  const key = record.keyId === undefined ? undefined : await findKey(db, record.keyId);
  return {
    record,
    account: accounts.find(({ id }) => id === record.accountId)?.name ?? record.accountId,
    key: key === undefined ? 'none' : `${key.name} …${key.hint} (${key.id})`,
  };
}

/** What became of the hold, which the status says: they are written together. */
const HOLD_AFTER = {
  running: 'held until it ends',
  completed: 'settled',
  failed: 'given back',
  lost: 'given back, its process had died',
} as const satisfies Record<RequestRecord['status'], string>;

function describe({ record, account, key }: OwnedRequest, { style }: Terminal): string {
  const colour = ({ completed: 'green', running: 'yellow', failed: 'red', lost: 'red' } as const)[
    record.status
  ];
  const { model, provider, upstreamModel, route, size, outputFormat, finishedAt, createdAt } =
    record;
  const took = finishedAt === undefined ? '' : `, took ${seconds(finishedAt - createdAt)}`;
  const via = [provider, upstreamModel].filter((part) => part !== undefined).join(' ');
  const rows: readonly (readonly [string, string | undefined])[] = [
    ['request', record.requestId],
    ['made', `${timeOf(createdAt)}${took}`],
    ['account', `${account}, ${record.mode} balance`],
    ['key', key],
    ['operation', record.operation],
    ['model', via === '' ? model : `${model}, by ${via}`],
    ['route', route],
    ['pictures', `${record.images} of ${record.n}${size ? `, ${size} ${outputFormat ?? ''}` : ''}`],
    ['hold', `${usd(record.held)}, ${HOLD_AFTER[record.status]}`],
    ['charge', record.cost === undefined ? 'nothing' : usd(record.cost)],
    ['price', record.priceVersion === undefined ? undefined : `of ${record.priceVersion}`],
    ['upstream', record.upstreamCost === undefined ? undefined : usd(record.upstreamCost)],
    ['upstream ids', asList(record.upstreamIds).map(String).join(', ')],
    ['metadata', record.metadata === undefined ? undefined : JSON.stringify(record.metadata)],
    ['error', errorOf(record)],
    ...asList(record.warnings).map((warning) => ['warning', warningText(warning)] as const),
    ...stepsOf(record.steps),
  ];
  const lines = rows
    .filter(([, value]) => value !== undefined && value !== '')
    .map(([name, value]) => `  ${style('dim', name.padEnd(12))}  ${plain(value ?? '')}`);
  return [`${style('bold', record.id)}  ${style(colour, record.status)}`, ...lines].join('\n');
}

function errorOf({ errorCode, httpStatus }: RequestRecord): string | undefined {
  return errorCode === undefined ? undefined : `${errorCode}, HTTP ${httpStatus ?? '?'}`;
}

/** `admitted 2 ms` and so on, each with the time from the start and from the step before. */
function stepsOf(steps: unknown): (readonly [string, string])[] {
  const marks = Object.entries((steps ?? {}) as Record<string, unknown>);
  return marks.map(([step, at], index) => {
    const before = Number(marks[index - 1]?.[1] ?? 0);
    const elapsed = `${String(at).padStart(6)} ms  +${Number(at) - before}`;
    return [index === 0 ? 'steps' : ' ', `${step.padEnd(12)}${elapsed}`] as const;
  });
}

function warningText(warning: unknown): string {
  const { param, code, message } = warning as Record<string, unknown>;
  return `${String(param)} ${String(code)}: ${String(message)}`;
}

function asList(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function usd(amount: Nanousd): string {
  return `${formatUsd(amount)} USD`;
}

function seconds(durationMs: number): string {
  return `${(durationMs / 1000).toFixed(1)} s`;
}

function timeOf(timeMs: number): string {
  return new Date(timeMs).toISOString().replace('T', ' ').replace(/\..*/, ' UTC');
}

function toJson({ record, account }: OwnedRequest): Record<string, unknown> {
  const { held, cost, upstreamCost, createdAt, finishedAt, ...rest } = record;
  return {
    ...rest,
    account,
    held: usdNumber(held),
    cost: cost === undefined ? undefined : usdNumber(cost),
    upstreamCost: upstreamCost === undefined ? undefined : usdNumber(upstreamCost),
    createdAt: new Date(createdAt).toISOString(),
    finishedAt: finishedAt === undefined ? undefined : new Date(finishedAt).toISOString(),
  };
}

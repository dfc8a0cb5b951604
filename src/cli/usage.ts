import { formatUsd, type Nanousd, usdNumber } from '../base/money.ts';
import { sumUsage, type UsageRow } from '../store/usage.ts';
import { type Command, UsageError } from './command.ts';
import { requireAccount, withExistingHome } from './home.ts';
import { type Column, formatTable } from './terminal.ts';

export const usageCommand: Command = {
  name: 'usage',
  summary: 'Show requests, pictures and USD by day and model.',
  options: {
    days: { type: 'string', placeholder: 'N', summary: 'The last N days, today included (30).' },
    account: { type: 'string', placeholder: 'ACCOUNT', summary: 'Of this account only.' },
    json: { type: 'boolean', summary: 'Print JSON.' },
  },
  notes: ['Days are days in UTC. Test and live money are never added up.'],
  run: async (invocation) => {
    const { options, terminal } = invocation;
    const days = readDays(options.text('days'));
    const wanted = options.text('account');
    const rows = await withExistingHome(invocation, async ({ db }) => {
      const account = wanted === undefined ? undefined : await requireAccount(db, wanted);
      return sumUsage(db, { sinceMs: startOfDays(days), accountId: account?.id });
    });
    if (options.flag('json')) {
      terminal.printJson(rows.map(({ cost, ...row }) => ({ ...row, usd: usdNumber(cost) })));
      return 0;
    }
    if (rows.length === 0) {
      terminal.note(`No requests in the last ${days === 1 ? 'day' : `${days} days`}.`);
      return 0;
    }
    terminal.print(formatTable(COLUMNS, rows.map(rowOf), terminal.style));
    terminal.print('');
    for (const line of totals(rows)) {
      terminal.print(line);
    }
    return 0;
  },
};

const COLUMNS: readonly Column[] = [
  { title: 'DAY' },
  { title: 'MODE' },
  { title: 'MODEL' },
  { title: 'REQUESTS', align: 'right' },
  { title: 'FAILED', align: 'right' },
  { title: 'IMAGES', align: 'right' },
  { title: 'USD', align: 'right' },
];

const DAY_MS = 86_400_000;
const DAYS_MAX = 36_500;

function readDays(text: string | undefined): number {
  const days = Number(text ?? '30');
  if (!Number.isInteger(days) || days < 1 || days > DAYS_MAX) {
    throw new UsageError(`--days is a number from 1 to ${DAYS_MAX}, not ${text}.`);
  }
  return days;
}

function startOfDays(days: number): number {
  return (Math.floor(Date.now() / DAY_MS) - days + 1) * DAY_MS;
}

function rowOf(row: UsageRow): string[] {
  const { day, mode, model, requests, failed, images, cost } = row;
  return [day, mode, model, String(requests), String(failed), String(images), formatUsd(cost)];
}

function totals(rows: readonly UsageRow[]): string[] {
  return (['live', 'test'] as const).flatMap((mode) => {
    const own = rows.filter((row) => row.mode === mode);
    if (own.length === 0) {
      return [];
    }
    const requests = own.reduce((sum, row) => sum + row.requests, 0);
    const images = own.reduce((sum, row) => sum + row.images, 0);
    const cost = own.reduce<Nanousd>((sum, row) => sum + row.cost, 0n);
    const counts = `${count(requests, 'request')}, ${count(images, 'image')}`;
    return [`${mode}  ${counts}, ${formatUsd(cost)} USD`];
  });
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}

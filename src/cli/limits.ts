import { adminActions } from '../admin/actions.ts';
import type { Limits } from '../base/limits.ts';
import { formatUsd, type Nanousd, parseUsd } from '../base/money.ts';
import { limitsBody } from '../contract/admin-limits.ts';
import { findKey } from '../store/keys.ts';
import { findLimits } from '../store/limits.ts';
import type { Executor } from '../store/transaction.ts';
import { type Command, CommandError, type Options, UsageError } from './command.ts';
import { CLI, requireAccount, withExistingHome } from './home.ts';
import { formatTable } from './terminal.ts';

const NUMBERS = {
  'requests-per-minute': ['requestsPerMinute', 'Requests a minute.'],
  'images-per-minute': ['imagesPerMinute', 'Pictures a minute.'],
  'megapixels-per-minute': ['megapixelsPerMinute', 'Megapixels a minute.'],
  'in-flight': ['inFlight', 'Requests that are running at once.'],
} as const;

const NUMBER_MAX = 1_000_000;
const OPTION = { type: 'string', placeholder: 'N' } as const;

export const limitsCommand: Command = {
  name: 'limits',
  summary: 'Show or set the limits of a key or of an account.',
  operand: { placeholder: 'KEY_OR_ACCOUNT', required: true },
  options: {
    'requests-per-minute': { ...OPTION, summary: NUMBERS['requests-per-minute'][1] },
    'images-per-minute': { ...OPTION, summary: NUMBERS['images-per-minute'][1] },
    'megapixels-per-minute': { ...OPTION, summary: NUMBERS['megapixels-per-minute'][1] },
    'in-flight': { ...OPTION, summary: NUMBERS['in-flight'][1] },
    'monthly-budget': {
      type: 'string',
      placeholder: 'USD',
      summary: 'What may be spent in a month of UTC.',
    },
    json: { type: 'boolean', summary: 'Print JSON.' },
  },
  notes: [
    'A number sets a limit, "none" lifts it, "default" follows easel.yaml again.',
    'A running server knows it at once. Those of an account are shared by its keys of one mode.',
  ],
  examples: ['easel limits acme --images-per-minute 30 --monthly-budget 200'],
  run: async (invocation) => {
    const { operand, options, terminal } = invocation;
    const changes = readChanges(options);
    const { id, limits } = await withExistingHome(invocation, async (store) => {
      const subject = await subjectOf(store.db, operand);
      if (Object.keys(changes).length > 0) {
        const actions = adminActions(store);
        const update = subject.startsWith('key_') ? actions.updateKey : actions.updateAccount;
        await update(CLI, subject, { limits: changes });
      }
      return { id: subject, limits: (await findLimits(store.db, subject)) ?? {} };
    });
    if (options.flag('json')) {
      terminal.printJson({ id, limits: limitsBody(limits) });
      return 0;
    }
    const rows = Object.entries(limitsBody(limits)).map(([name, value]) => [
      name.replaceAll('_', ' '),
      value === null ? 'default' : value === 0 ? 'none' : String(value),
    ]);
    terminal.print(formatTable([{ title: 'LIMIT OF' }, { title: id }], rows, terminal.style));
    return 0;
  },
};

async function subjectOf(executor: Executor, operand: string): Promise<string> {
  if (!operand.startsWith('key_')) {
    return (await requireAccount(executor, operand)).id;
  }
  const key = await findKey(executor, operand);
  if (key === undefined || key.deletedAt !== undefined) {
    throw new CommandError(`There is no key ${operand}.`, {
      hint: 'npx easel keys list shows them.',
    });
  }
  return key.id;
}

function readChanges(options: Options): Limits {
  const changes: Record<string, number | Nanousd | undefined> = {};
  for (const [option, [field]] of Object.entries(NUMBERS)) {
    const text = options.text(option);
    if (text !== undefined) {
      changes[field] = readNumber(option, text);
    }
  }
  const budget = options.text('monthly-budget');
  return budget === undefined ? changes : { ...changes, monthlyBudget: readBudget(budget) };
}

function readNumber(option: string, text: string): number | undefined {
  if (text === 'none' || text === 'default') {
    return text === 'none' ? 0 : undefined;
  }
  const number = /^\d{1,7}$/.test(text) ? Number(text) : 0;
  if (number < 1 || number > NUMBER_MAX) {
    throw new UsageError(
      `--${option}: "${text}" is no limit; 1 to ${NUMBER_MAX}, none or default is.`,
    );
  }
  return number;
}

const BUDGET_MAX = parseUsd('1000000000');

function readBudget(text: string): Nanousd | undefined {
  if (text === 'none' || text === 'default') {
    return text === 'none' ? 0n : undefined;
  }
  let amount: Nanousd;
  try {
    amount = parseUsd(text);
  } catch {
    amount = 0n;
  }
  if (amount <= 0n || amount > BUDGET_MAX) {
    const most = formatUsd(BUDGET_MAX);
    throw new UsageError(`--monthly-budget: "${text}" is no budget; 25 or 0.50 is, up to ${most}.`);
  }
  return amount;
}

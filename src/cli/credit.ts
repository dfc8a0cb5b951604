import { formatUsd, type Nanousd, parseUsd, usdNumber } from '../base/money.ts';
import { adminActions } from '../admin/actions.ts';
import { type Command, UsageError } from './command.ts';
import { CLI, DEFAULT_ACCOUNT, requireAccount, withHome } from './home.ts';
import { MODE_OPTION, readMode } from './mode.ts';

export const creditCommand: Command = {
  name: 'credit',
  summary: 'Add prepaid USD to an account.',
  operand: { placeholder: 'AMOUNT', required: true },
  options: {
    mode: { ...MODE_OPTION, summary: 'Which of the two balances (test).' },
    account: { type: 'string', placeholder: 'ACCOUNT', summary: 'Whose (default).' },
    note: { type: 'string', placeholder: 'TEXT', summary: 'Kept with it in the ledger.' },
    reference: {
      type: 'string',
      placeholder: 'NAME',
      summary: 'Your name for it: what has the same one is given once.',
    },
    json: { type: 'boolean', summary: 'Print JSON.' },
  },
  examples: ['easel credit 25 --mode live --account acme --note "invoice 17"'],
  run: async (invocation) => {
    const { operand, options, terminal } = invocation;
    const amount = readAmount(operand);
    const mode = readMode(options);
    const note = options.text('note');
    const reference = options.text('reference');
    const { account, balance } = await withHome(invocation, async (store) => {
      const account = await requireAccount(store.db, options.text('account') ?? DEFAULT_ACCOUNT);
      const given = { accountId: account.id, mode, amount, note, reference };
      return { account, balance: await adminActions(store).credit(CLI, given) };
    });
    if (options.flag('json')) {
      terminal.printJson({
        account: account.name,
        mode,
        currency: 'USD',
        credited: usdNumber(amount),
        balance: usdNumber(balance.balance),
        available: usdNumber(balance.available),
      });
      return 0;
    }
    terminal.print(
      `Added ${formatUsd(amount)} USD: the ${mode} balance of ${account.name} is now ` +
        `${formatUsd(balance.balance)} USD.`,
    );
    return 0;
  },
};

const MOST: Nanousd = parseUsd('1000000');

function readAmount(text: string): Nanousd {
  let amount: Nanousd;
  try {
    amount = parseUsd(text);
  } catch {
    throw new UsageError(`"${text}" is no amount of USD; 10 or 0.50 is.`);
  }
  if (amount <= 0n || amount > MOST) {
    throw new UsageError(`A credit is more than 0 and at most ${formatUsd(MOST)} USD.`);
  }
  return amount;
}

import { formatUsd, type Nanousd, parseUsd, usdNumber } from '../base/money.ts';
import { credit, readBalance } from '../ledger/ledger.ts';
import { type Command, UsageError } from './command.ts';
import { DEFAULT_ACCOUNT, requireAccount, withHome } from './home.ts';
import { MODE_OPTION, readMode } from './mode.ts';

export const creditCommand: Command = {
  name: 'credit',
  summary: 'Add prepaid USD to an account.',
  operand: { placeholder: 'AMOUNT', required: true },
  options: {
    mode: { ...MODE_OPTION, summary: 'Which of the two balances (test).' },
    account: { type: 'string', placeholder: 'ACCOUNT', summary: 'Whose (default).' },
    note: { type: 'string', placeholder: 'TEXT', summary: 'Kept with it in the ledger.' },
    json: { type: 'boolean', summary: 'Print JSON.' },
  },
  examples: ['easel credit 25 --mode live --account acme --note "invoice 17"'],
  run: async (invocation) => {
    const { operand, options, terminal } = invocation;
    const amount = readAmount(operand);
    const mode = readMode(options);
    const note = options.text('note');
    const { account, balance } = await withHome(invocation, async (store) => {
      const account = await requireAccount(store.db, options.text('account') ?? DEFAULT_ACCOUNT);
      const key = { accountId: account.id, mode };
      await store.transaction((tx) =>
        credit(tx, { ...key, amount, ...(note === undefined ? {} : { note }) }),
      );
      return { account, balance: await readBalance(store.db, key) };
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

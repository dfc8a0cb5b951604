import type { Catalog } from '../catalog/catalog.ts';
import { readConfig } from './settings.ts';
import type { CreatedKey, KeySettings } from '../access/keys.ts';
import { adminActions } from '../admin/actions.ts';
import { openCatalog } from './catalogue.ts';
import { type Command, type Options, UsageError } from './command.ts';
import { CLI, DEFAULT_ACCOUNT, findAccount, withHome } from './home.ts';
import { keyJson } from './keys-list.ts';
import { MODE_OPTION, readMode } from './mode.ts';
import { nearest } from './nearest.ts';
import type { Terminal } from './terminal.ts';

export const keysCreateCommand: Command = {
  name: 'keys create',
  summary: 'Make an API key and show it, once.',
  options: {
    mode: MODE_OPTION,
    name: { type: 'string', placeholder: 'NAME', summary: 'To tell it from others.' },
    account: {
      type: 'string',
      placeholder: 'ACCOUNT',
      summary: 'Whose balance it spends; made when the name is new (default).',
    },
    models: { type: 'string', placeholder: 'A,B', summary: 'The only models it may use (all).' },
    expires: {
      type: 'string',
      placeholder: 'DATE',
      summary: 'When it ends: 2027-01-01, or with a time, in UTC (never).',
    },
    json: { type: 'boolean', summary: 'Print JSON.' },
  },
  notes: ['A running server knows the key at once.'],
  examples: ['easel keys create --mode live --name website --expires 2027-01-01'],
  run: async (invocation) => {
    const { options, terminal } = invocation;
    const settings = readSettings(options, () => openCatalog(readConfig(invocation)));
    const account = options.text('account') ?? DEFAULT_ACCOUNT;
    const created = await withHome(invocation, async (store) => {
      const actions = adminActions(store);
      const known = await findAccount(store.db, account);
      const { id: accountId } = known ?? (await actions.createAccount(CLI, account)).account;
      return actions.createKey(CLI, { ...settings, accountId });
    });
    printNewKey(created, terminal, options);
    return 0;
  },
};

/** The one place of a secret's showing: it stands alone on its line, to be copied or piped. */
export function printNewKey(created: CreatedKey, terminal: Terminal, options: Options): void {
  const { record, secret } = created;
  if (options.flag('json')) {
    terminal.printJson({ ...keyJson(record), secret });
    return;
  }
  terminal.print(secret);
  terminal.note(
    `This is the ${record.mode} key ${record.id}. It is stored only as a hash and is not shown ` +
      'again: keep it now.',
  );
}

function readSettings(options: Options, catalog: () => Catalog): Omit<KeySettings, 'accountId'> {
  const mode = readMode(options);
  const allowedModels = readModels(options.text('models'), catalog);
  const expiresAt = readExpiry(options.text('expires'));
  return { mode, name: options.text('name') ?? `${mode} key`, allowedModels, expiresAt };
}

function readModels(text: string | undefined, catalog: () => Catalog): string[] | undefined {
  if (text === undefined) {
    return undefined;
  }
  const models = text.split(',').map((model) => model.trim());
  const known = catalog();
  for (const model of models) {
    if (known.find(model) === undefined) {
      const ids = known.list().map(({ id }) => id);
      const meant = nearest(model, ids);
      const question = meant === undefined ? '' : ` Did you mean ${meant}?`;
      throw new UsageError(
        `--models: there is no model "${model}".${question}`,
        'npx easel models lists the models.',
      );
    }
  }
  return models;
}

const DATE_PATTERN = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2})?Z?)?$/;

function readExpiry(text: string | undefined): number | undefined {
  if (text === undefined) {
    return undefined;
  }
  // A time without a zone would be read in that of this machine.
  const time = Date.parse(text.includes('T') && !text.endsWith('Z') ? `${text}Z` : text);
  // 2027-02-31 is no day, though JavaScript makes one of it.
  const isReal = !Number.isNaN(time) && new Date(time).toISOString().startsWith(text.slice(0, 10));
  if (!DATE_PATTERN.test(text) || !isReal) {
    throw new UsageError(`--expires: "${text}" is no date; 2027-01-01 or 2027-01-01T12:00Z is.`);
  }
  if (time <= Date.now()) {
    throw new UsageError(`--expires: ${text} is in the past.`);
  }
  return time;
}

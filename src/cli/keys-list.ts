import { listKeys } from '../access/keys.ts';
import { listAccounts } from '../store/accounts.ts';
import type { KeyRecord } from '../store/keys.ts';
import type { Command } from './command.ts';
import { requireAccount, withExistingHome } from './home.ts';
import { formatTable } from './terminal.ts';

export const keysListCommand: Command = {
  name: 'keys list',
  summary: 'List the API keys, without their secrets.',
  options: {
    account: { type: 'string', placeholder: 'ACCOUNT', summary: 'Of this account only.' },
    json: { type: 'boolean', summary: 'Print JSON.' },
  },
  run: async (invocation) => {
    const { options, terminal } = invocation;
    const wanted = options.text('account');
    const owned = await withExistingHome(invocation, async ({ db }) => {
      const accounts =
        wanted === undefined ? await listAccounts(db) : [await requireAccount(db, wanted)];
      const lists = await Promise.all(
        accounts.map(async ({ id, name }) =>
          (await listKeys(db, id)).map((key) => ({ key, account: name })),
        ),
      );
      return lists.flat();
    });
    if (options.flag('json')) {
      terminal.printJson(owned.map(({ key, account }) => ({ ...keyJson(key), account })));
      return 0;
    }
    if (owned.length === 0) {
      terminal.note('There are no keys. npx easel keys create makes one.');
      return 0;
    }
    const columns = ['KEY', 'ENDS IN', 'MODE', 'ACCOUNT', 'NAME', 'MODELS', 'MADE', 'STATE'];
    terminal.print(
      formatTable(
        columns.map((title) => ({ title })),
        owned.map(({ key, account }) => rowOf(key, account)),
        terminal.style,
      ),
    );
    return 0;
  },
};

/** A key as JSON output shows it; times as text, never a secret or its hash. */
export function keyJson(key: KeyRecord): Record<string, unknown> {
  return {
    id: key.id,
    name: key.name,
    mode: key.mode,
    account_id: key.accountId,
    hint: key.hint,
    models: key.allowedModels ?? null,
    state: stateOf(key),
    created_at: isoTime(key.createdAt),
    expires_at: isoTime(key.expiresAt),
    revoked_at: isoTime(key.revokedAt),
  };
}

function rowOf(key: KeyRecord, account: string): string[] {
  const state = stateOf(key);
  const until = state === 'active' && key.expiresAt !== undefined;
  return [
    key.id,
    `…${key.hint}`,
    key.mode,
    account,
    key.name,
    key.allowedModels?.join(',') ?? 'all',
    isoTime(key.createdAt)?.slice(0, 10) ?? '',
    until ? `until ${isoTime(key.expiresAt)?.slice(0, 10)}` : state,
  ];
}

function stateOf(key: KeyRecord): 'active' | 'revoked' | 'expired' {
  if (key.revokedAt !== undefined) {
    return 'revoked';
  }
  return key.expiresAt !== undefined && key.expiresAt <= Date.now() ? 'expired' : 'active';
}

function isoTime(timeMs: number | undefined): string | null {
  return timeMs === undefined ? null : new Date(timeMs).toISOString();
}

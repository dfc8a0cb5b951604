import { adminActions } from '../admin/actions.ts';
import { ensureWebhookSecret } from '../requests/webhook-secret.ts';
import type { Command } from './command.ts';
import { CLI, DEFAULT_ACCOUNT, requireAccount, withExistingHome } from './home.ts';

export const webhooksSecretCommand: Command = {
  name: 'webhooks secret',
  summary: 'Show the secret that an account’s webhooks are signed with.',
  options: {
    account: { type: 'string', placeholder: 'ACCOUNT', summary: 'Whose secret (default).' },
    rotate: { type: 'boolean', summary: 'Make another one first.' },
    json: { type: 'boolean', summary: 'Print JSON.' },
  },
  notes: [
    'It is made when it is first asked for, or first needed.',
    'For a day after a rotation webhooks are signed with the old secret as well.',
  ],
  examples: ['easel webhooks secret --rotate'],
  run: async (invocation) => {
    const { options, terminal } = invocation;
    const isRotated = options.flag('rotate');
    const wanted = options.text('account') ?? DEFAULT_ACCOUNT;
    const { account, secret } = await withExistingHome(invocation, async (store) => {
      const { id, name } = await requireAccount(store.db, wanted);
      const secret = isRotated
        ? await adminActions(store).rotateWebhookSecret(CLI, id)
        : await store.transaction((tx) => ensureWebhookSecret(tx, id));
      return { account: name, secret };
    });
    if (options.flag('json')) {
      terminal.printJson({ account, secret });
      return 0;
    }
    terminal.print(secret);
    const old = isRotated ? ', and until tomorrow with the old one too' : '';
    terminal.note(`The webhooks of the account ${account} are signed with it${old}.`);
    return 0;
  },
};

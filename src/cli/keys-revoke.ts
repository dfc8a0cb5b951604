import { adminActions } from '../admin/actions.ts';
import { findKey } from '../store/keys.ts';
import { type Command, CommandError } from './command.ts';
import { CLI, withExistingHome } from './home.ts';

export const keysRevokeCommand: Command = {
  name: 'keys revoke',
  summary: 'Refuse a key from now on, for good.',
  operand: { placeholder: 'KEY_ID', required: true },
  options: {},
  notes: ['Its callers get 403 api_key_revoked at once, from a running server too.'],
  examples: ['easel keys revoke key_0VkX2m9QaBcD'],
  run: async (invocation) => {
    const { operand, terminal } = invocation;
    await withExistingHome(invocation, async (store) => {
      const key = await findKey(store.db, operand);
      if (key === undefined || key.deletedAt !== undefined) {
        throw unknownKey(operand);
      }
      if (!(await adminActions(store).revokeKey(CLI, operand))) {
        throw new CommandError(`${operand} was revoked before.`);
      }
    });
    terminal.print(`Revoked ${operand}: its callers now get 403 api_key_revoked.`);
    return 0;
  },
};

/** An id that no usable key has. */
export function unknownKey(id: string): CommandError {
  const message = id.startsWith('sk-easel-')
    ? 'That is a key itself; this takes its id, which begins with key_.'
    : `There is no key ${id}.`;
  return new CommandError(message, { hint: 'npx easel keys list shows the ids.' });
}

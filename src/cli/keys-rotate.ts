import { adminActions } from '../admin/actions.ts';
import { findKey } from '../store/keys.ts';
import { type Command, CommandError } from './command.ts';
import { CLI, withExistingHome } from './home.ts';
import { printNewKey } from './keys-create.ts';
import { unknownKey } from './keys-revoke.ts';

export const keysRotateCommand: Command = {
  name: 'keys rotate',
  summary: 'Replace a key by a new one with the same settings.',
  operand: { placeholder: 'KEY_ID', required: true },
  options: { json: { type: 'boolean', summary: 'Print JSON.' } },
  notes: ['The old key is 401 invalid_api_key at once, from a running server too.'],
  run: async (invocation) => {
    const { operand, options, terminal } = invocation;
    const created = await withExistingHome(invocation, async (store) => {
      const key = await findKey(store.db, operand);
      if (key === undefined || key.deletedAt !== undefined) {
        throw unknownKey(operand);
      }
      if (key.revokedAt !== undefined) {
        throw new CommandError(`${operand} is revoked; a rotation would bring it back to life.`, {
          hint: 'npx easel keys create makes a new key.',
        });
      }
      return adminActions(store).rotateKey(CLI, operand);
    });
    printNewKey(created, terminal, options);
    return 0;
  },
};

import { adminCommand } from './admin.ts';
import type { Command } from './command.ts';
import { creditCommand } from './credit.ts';
import { doctorCommand } from './doctor.ts';
import { editCommand } from './edit.ts';
import { generateCommand } from './generate.ts';
import { keysCreateCommand } from './keys-create.ts';
import { keysListCommand } from './keys-list.ts';
import { keysRevokeCommand } from './keys-revoke.ts';
import { keysRotateCommand } from './keys-rotate.ts';
import { limitsCommand } from './limits.ts';
import { migrateCommand } from './migrate.ts';
import { modelsCommand } from './models.ts';
import { moveCommand } from './move.ts';
import { quoteCommand } from './quote.ts';
import { requestCommand } from './request.ts';
import { serveCommand } from './serve.ts';
import { usageCommand } from './usage.ts';
import { webhooksLogCommand } from './webhooks-log.ts';
import { webhooksSecretCommand } from './webhooks-secret.ts';

/** Every command, in the order of the help. */
export const COMMANDS: readonly Command[] = [
  serveCommand,
  generateCommand,
  editCommand,
  quoteCommand,
  modelsCommand,
  keysCreateCommand,
  keysListCommand,
  keysRevokeCommand,
  keysRotateCommand,
  limitsCommand,
  creditCommand,
  usageCommand,
  requestCommand,
  webhooksSecretCommand,
  webhooksLogCommand,
  adminCommand,
  doctorCommand,
  migrateCommand,
  moveCommand,
];

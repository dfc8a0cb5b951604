// Everything that can be said of the code without running it: form, lint, types, dead code, and what is
// known against its dependencies.
import { spawnSync } from 'node:child_process';

const steps = [
  { name: 'format', command: 'oxfmt', args: ['--check'] },
  { name: 'lint', command: 'oxlint', args: ['--type-aware', '--deny-warnings'] },
  { name: 'types', command: 'tsc', args: ['-p', 'tsconfig.json'] },
  { name: 'dead code', command: 'knip', args: [] },
  { name: 'dependencies', command: process.execPath, args: ['scripts/audit.mjs'] },
];

let failed = false;
for (const { name, command, args } of steps) {
  const { status } = spawnSync(command, args, { stdio: 'inherit' });
  console.log(`${status === 0 ? '✔' : '✖'} ${name}`);
  failed ||= status !== 0;
}
process.exit(failed ? 1 : 0);

// Runs every test, or those that match the given globs: `npm test -- 'src/base/*.test.ts'`.
import { spawn } from 'node:child_process';

const globs = process.argv.slice(2);
const child = spawn(
  process.execPath,
  [
    '--test',
    '--test-reporter=spec',
    ...(globs.length > 0 ? globs : ['src/**/*.test.ts', 'test/**/*.test.ts']),
  ],
  { stdio: ['ignore', 'pipe', 'inherit'] },
);

let tail = '';
child.stdout.on('data', (chunk) => {
  process.stdout.write(chunk);
  tail = (tail + chunk).slice(-4000);
});
child.on('close', (code) => {
  // A glob that finds nothing must not pass for a green run.
  const count = Number(/^ℹ tests (\d+)$/m.exec(tail)?.[1] ?? 0);
  if (count === 0) {
    console.error('No test ran.');
  }
  process.exit(count === 0 ? 1 : (code ?? 1));
});

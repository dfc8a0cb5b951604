// Runs every test, or those that match the given globs: `npm test -- 'src/base/*.test.ts'`. What is
// about money, limits, repeats and results runs twice: on SQLite, and on a PostgreSQL server that is
// started for it. `npm test -- --postgres <globs>` runs those on PostgreSQL alone.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { findPostgres, startPostgres } from './postgres.mjs';

const EVERY = ['src/**/*.test.ts', 'test/**/*.test.ts'];

/** What must hold on either database. */
const ON_POSTGRES = [
  'src/store/postgres.test.ts',
  'src/store/{months,requests}.test.ts',
  'src/{access,ledger,requests}/*.test.ts',
  'test/integration/{admin,async,balance,limits,live,metrics,money,paid-once,streaming}.test.ts',
  'test/integration/result*.test.ts',
  'test/faults/{database-away,fleet,queue,replicas,routes,upgrade}.test.ts',
];

const args = process.argv.slice(2);
const onlyPostgres = args[0] === '--postgres';
const globs = onlyPostgres ? args.slice(1) : args;

for (const signal of ['SIGINT', 'SIGTERM']) {
  process.once(signal, () => process.exit(130));
}

let isGreen = true;
if (!onlyPostgres) {
  isGreen = await run(globs.length > 0 ? globs : EVERY, {});
}
if (onlyPostgres || globs.length === 0) {
  isGreen = (await runOnPostgres(globs.length > 0 ? globs : ON_POSTGRES)) && isGreen;
}
process.exit(isGreen ? 0 : 1);

async function runOnPostgres(files) {
  if (findPostgres() === undefined) {
    console.error(
      'There is no PostgreSQL (on Debian: apt-get install postgresql): its tests are skipped.',
    );
    return process.env.CI !== 'true' && !onlyPostgres;
  }
  // Whether a commit survives the power is the server's own matter, and not tried here.
  const server = await startPostgres({ settings: { fsync: 'off' } });
  try {
    console.log('The same on PostgreSQL:');
    return await run(files, { EASEL_TEST_POSTGRES_URL: server.url });
  } finally {
    await server.stop();
  }
}

async function run(files, environment) {
  const child = spawn(process.execPath, ['--test', '--test-reporter=spec', ...files], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, ...environment },
  });
  let tail = '';
  child.stdout.on('data', (chunk) => {
    process.stdout.write(chunk);
    tail = (tail + chunk).slice(-4000);
  });
  const [code] = await once(child, 'close');
  // A glob that finds nothing must not pass for a green run.
  const count = Number(/^ℹ tests (\d+)$/m.exec(tail)?.[1] ?? 0);
  if (count === 0) {
    console.error('No test ran.');
  }
  return code === 0 && count > 0;
}

// Runs every test, or those that match the given globs: `npm test -- 'src/base/*.test.ts'`. What is
// about money, limits, repeats and results runs twice: on SQLite, and on a PostgreSQL server that is
// started for it; what is about pictures once more, kept in a bucket of an S3 server. `npm test --
// --postgres <globs>` and `npm test -- --s3 <globs>` run those on either alone.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { findPostgres, startPostgres } from './postgres.mjs';
import { hasS3, startS3 } from './s3.mjs';

const EVERY = ['src/**/*.test.ts', 'test/**/*.test.ts'];

/** What must hold on either database. */
const ON_POSTGRES = [
  'src/store/postgres.test.ts',
  'src/store/{months,requests}.test.ts',
  'src/{access,ledger,requests}/*.test.ts',
  'test/integration/{admin,async,backup,balance,limits,live,metrics,money,move,paid-once,streaming}.test.ts',
  'test/integration/result*.test.ts',
  'test/faults/{database-away,fleet,move,queue,replicas,routes,upgrade}.test.ts',
];

/** What must hold wherever pictures lie. */
const ON_S3 = [
  'src/blobs/*.test.ts',
  'src/cli/doctor-results.test.ts',
  'test/integration/{paid-once,result-store,results,results-content}.test.ts',
  'test/faults/{bucket-away,shared-bucket}.test.ts',
];

const args = process.argv.slice(2);
const only = ['--postgres', '--s3'].find((option) => option === args[0]);
const globs = only === undefined ? args : args.slice(1);

for (const signal of ['SIGINT', 'SIGTERM']) {
  process.once(signal, () => process.exit(130));
}

let isGreen = true;
if (only === undefined) {
  isGreen = await run(globs.length > 0 ? globs : EVERY, {});
}
if (only === '--postgres' || args.length === 0) {
  isGreen = (await runOnPostgres(globs.length > 0 ? globs : ON_POSTGRES)) && isGreen;
}
if (only === '--s3' || args.length === 0) {
  isGreen = (await runOnS3(globs.length > 0 ? globs : ON_S3)) && isGreen;
}
process.exit(isGreen ? 0 : 1);

async function runOnPostgres(files) {
  if (findPostgres() === undefined) {
    console.error(
      'There is no PostgreSQL (on Debian: apt-get install postgresql): its tests are skipped.',
    );
    return process.env.CI !== 'true' && only === undefined;
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

/** As several Easels have it: pictures in a bucket, and all else on PostgreSQL where there is one. */
async function runOnS3(files) {
  if (!hasS3()) {
    console.error('There is no S3 server (see the start of this run): its tests are skipped.');
    return process.env.CI !== 'true' && only === undefined;
  }
  const s3 = await startS3();
  const isWhole = findPostgres() !== undefined;
  const postgres = isWhole ? await startPostgres({ settings: { fsync: 'off' } }) : undefined;
  const url = new URL(`${s3.url}/${s3.bucket}`);
  url.username = s3.accessKeyId;
  url.password = s3.secretAccessKey;
  try {
    console.log('The same with pictures in a bucket:');
    return await run(files, {
      EASEL_TEST_S3_URL: url.href,
      ...(postgres === undefined ? {} : { EASEL_TEST_POSTGRES_URL: postgres.url }),
    });
  } finally {
    await s3.stop();
    await postgres?.stop();
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

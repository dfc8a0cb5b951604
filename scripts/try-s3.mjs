import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { startS3 } from './s3.mjs';
const s = await startS3();
const url = `http://${s.accessKeyId}:${encodeURIComponent(s.secretAccessKey)}@127.0.0.1:${s.port}/${s.bucket}`;
const child = spawn(
  process.execPath,
  ['--test', '--test-reporter=spec', ...process.argv.slice(2)],
  { stdio: 'inherit', env: { ...process.env, EASEL_TEST_S3_URL: url } },
);
const [code] = await once(child, 'exit');
await s.stop();
process.exit(code);

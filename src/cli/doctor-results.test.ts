import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pictureEnvironment } from '../../test/support/stored-pictures.ts';
import { testBucket } from '../blobs/test-s3.ts';
import { makeTestFolder } from '../store/test-store.ts';
import { runEasel } from './test-command.ts';

const skip = testBucket() === undefined ? 'this is about a bucket' : false;

test('a bucket is tried, and what is wrong with it is told', { skip }, async (context) => {
  const right = pictureEnvironment();
  const look = (wrong: Record<string, string>) =>
    runEasel(['doctor'], {
      folder: makeTestFolder(context),
      environment: { ...right, ...wrong },
    });
  const fine = await look({});
  assert.equal(fine.exitCode, 0, fine.stdout);
  assert.match(
    fine.stdout,
    /^✔ results +the bucket easel at 127\.0\.0\.1:\d+ can be written, read/m,
  );
  const refused = await look({ AWS_SECRET_ACCESS_KEY: 'another' });
  assert.equal(refused.exitCode, 1);
  assert.match(refused.stdout, /^✖ results +pictures cannot be kept: .*SignatureDoesNotMatch/m);
  assert.ok(!refused.stdout.includes('another'));
  const absent = await look({ EASEL_RESULTS_URL: 's3://not-there' });
  assert.match(absent.stdout, /^✖ results .*NoSuchBucket.*\. Look at EASEL_RESULTS_URL/m);
  const away = await look({ EASEL_S3_ENDPOINT: 'http://127.0.0.1:9' });
  assert.match(away.stdout, /^✖ results .*cannot be reached: 127\.0\.0\.1:9: /m);
});

// An S3-compatible server of its own for tests: versitygw on a temporary folder, on a free port of
// this machine, stopped by its process id. `scripts/setup.mjs --tests` builds it from its source.
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findGo, run } from './go.mjs';
import { accepts, freePort, stopperOf, untilReady } from './servers.mjs';

const PACKAGE = 'github.com/versity/versitygw/cmd/versitygw';
const VERSION = 'v1.8.0';

const FOLDER = fileURLToPath(new URL('../node_modules/.cache/easel/s3', import.meta.url));
const PROGRAM = join(FOLDER, 'versitygw');
const STAMP = join(FOLDER, 'version');

/** Whether the server is there. */
export function hasS3() {
  return existsSync(STAMP) && readFileSync(STAMP, 'utf8') === VERSION;
}

/**
 * Builds the server, once; a minute or two of a machine without a cache of Go's. False where it
 * cannot be built. `python`: of an environment whose packages may be added to.
 */
export function installS3(python) {
  if (hasS3()) {
    return true;
  }
  console.error('Building the S3 server of the tests (once) …');
  const go = findGo(python);
  if (go === undefined) {
    return false;
  }
  mkdirSync(FOLDER, { recursive: true });
  const isBuilt = run(go, ['install', '-trimpath', '-ldflags=-s -w', `${PACKAGE}@${VERSION}`], {
    GOBIN: FOLDER,
    CGO_ENABLED: '0',
  });
  if (isBuilt) {
    writeFileSync(STAMP, VERSION);
  }
  return isBuilt;
}

/**
 * Starts a server with one bucket, `easel`. Gives where it is, who may use it, its process id, and
 * what stops it and removes its folder. `port`, `folder`: those of one that was stopped with `keep`,
 * to start it again.
 */
export async function startS3({ port, folder } = {}) {
  const home = folder ?? mkdtempSync(join(tmpdir(), 'easel-s3-'));
  // Its folders are its buckets.
  mkdirSync(join(home, 'buckets', 'easel'), { recursive: true });
  mkdirSync(join(home, 'notes'), { recursive: true });
  const listenOn = port ?? (await freePort());
  const user = { accessKeyId: 'easel-tests', secretAccessKey: 'a/secret+of/the+tests=' };
  const child = spawn(
    PROGRAM,
    [
      '--port',
      `127.0.0.1:${listenOn}`,
      '--quiet',
      '--keep-alive',
      'posix',
      // Not in attributes of files, which not every temporary folder has.
      '--sidecar',
      join(home, 'notes'),
      join(home, 'buckets'),
    ],
    {
      stdio: 'ignore',
      env: { ROOT_ACCESS_KEY_ID: user.accessKeyId, ROOT_SECRET_ACCESS_KEY: user.secretAccessKey },
    },
  );
  const stop = stopperOf(child, home, 'SIGKILL');
  await untilReady(child, 'The S3 server', () => accepts(listenOn));
  const url = `http://127.0.0.1:${listenOn}`;
  return { url, bucket: 'easel', ...user, pid: child.pid, port: listenOn, folder: home, stop };
}

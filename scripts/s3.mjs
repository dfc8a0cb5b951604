// An S3-compatible server of its own for tests: versitygw on a temporary folder, on a free port of
// this machine, stopped by its process id. `scripts/setup.mjs --tests` builds it from its source.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { findGo, run } from './go.mjs';

const PACKAGE = 'github.com/versity/versitygw/cmd/versitygw';
const VERSION = 'v1.8.0';
const READY_MS = 30_000;

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
  const kill = () => {
    child.kill('SIGKILL');
    rmSync(home, { recursive: true, force: true });
  };
  // Whatever ends this process, nothing that it started outlives it.
  process.once('exit', kill);
  const stop = async ({ keep = false, signal = 'SIGKILL' } = {}) => {
    if (child.exitCode === null && child.signalCode === null) {
      const ended = once(child, 'exit');
      child.kill(signal);
      await ended;
    }
    process.off('exit', kill);
    if (!keep) {
      rmSync(home, { recursive: true, force: true });
    }
  };
  await listening(child, listenOn);
  const url = `http://127.0.0.1:${listenOn}`;
  return { url, bucket: 'easel', ...user, pid: child.pid, port: listenOn, folder: home, stop };
}

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

async function listening(child, port) {
  for (const deadline = performance.now() + READY_MS; performance.now() < deadline;) {
    if (child.exitCode !== null || child.signalCode !== null) {
      break;
    }
    const socket = connect({ port, host: '127.0.0.1' });
    const isThere = await once(socket, 'connect').then(
      () => true,
      () => false,
    );
    socket.destroy();
    if (isThere) {
      return;
    }
    await delay(20);
  }
  child.kill('SIGKILL');
  throw new Error('The S3 server did not start.');
}

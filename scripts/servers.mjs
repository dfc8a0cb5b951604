// What those share that start servers of their own on this machine, for tests and benches.
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

const READY_MS = 30_000;
const LOOK_MS = 20;

/** A port of this machine that nobody listens on now. */
export async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

/** Whether somebody listens on that port of this machine. */
export async function accepts(port) {
  const socket = connect({ port, host: '127.0.0.1' });
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

/** Waits until it is ready, by a look now and then. Throws, and nothing runs, when it will not be. */
export async function untilReady(child, name, look) {
  for (const deadline = performance.now() + READY_MS; performance.now() < deadline;) {
    if (child.exitCode !== null || child.signalCode !== null) {
      break;
    }
    if (await look()) {
      return;
    }
    await delay(LOOK_MS);
  }
  child.kill('SIGKILL');
  throw new Error(`${name} did not start.`);
}

/**
 * What stops a server, by that signal if no other is named, and removes its folder unless it is to be
 * kept. Whatever ends this process, nothing that it started outlives it.
 */
export function stopperOf(child, folder, usualSignal) {
  const kill = () => {
    child.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  };
  process.once('exit', kill);
  return async ({ keep = false, signal = usualSignal } = {}) => {
    if (child.exitCode === null && child.signalCode === null) {
      const ended = once(child, 'exit');
      child.kill(signal);
      await ended;
    }
    process.off('exit', kill);
    if (!keep) {
      rmSync(folder, { recursive: true, force: true });
    }
  };
}

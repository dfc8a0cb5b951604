import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { homeSecret } from './home-secret.ts';

const folder = mkdtempSync(join(tmpdir(), 'easel-secret-'));
const path = join(folder, 'secret');
after(() => rmSync(folder, { recursive: true }));

test('made once, for its owner only, and read back ever after', () => {
  const secret = homeSecret(folder);
  assert.match(secret, /^[\w-]{43}$/);
  assert.equal(statSync(path).mode & 0o777, 0o600);
  assert.equal(readFileSync(path, 'utf8'), `${secret}\n`);
  assert.equal(homeSecret(folder), secret);
});

test('a home has a secret of its own', () => {
  const other = mkdtempSync(join(tmpdir(), 'easel-secret-'));
  assert.notEqual(homeSecret(other), homeSecret(folder));
  rmSync(other, { recursive: true });
});

test('one that is cut off is refused: what it signs could be forged', () => {
  for (const content of ['', '\n', 'short\n']) {
    writeFileSync(path, content);
    assert.throws(() => homeSecret(folder), /secret is cut off or was changed\. Delete it/);
  }
});

test('a folder that is not there is said', () => {
  assert.throws(() => homeSecret(join(folder, 'none')), { code: 'ENOENT' });
});

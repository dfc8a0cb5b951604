import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { openTestStore } from '../store/test-store.ts';
import { homeSecret, linkSecret } from './home-secret.ts';

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

test('servers of one database have one secret, whichever came first', async (context) => {
  const { store, openAgain } = await openTestStore(context);
  const other = await openAgain();
  context.after(() => other.close());
  const homes = [0, 1].map(() => mkdtempSync(join(tmpdir(), 'easel-secret-')));
  context.after(() => homes.forEach((home) => rmSync(home, { recursive: true })));
  const [first = '', second = ''] = homes;
  const secrets = await Promise.all([linkSecret(store, first), linkSecret(other, second)]);
  if (store.kind === 'sqlite') {
    // One home, one server: it needs no other's.
    assert.deepEqual(secrets, [homeSecret(first), homeSecret(second)]);
    return;
  }
  assert.equal(secrets[0], secrets[1]);
  assert.ok(homes.some((home) => homeSecret(home) === secrets[0]));
  assert.equal(await linkSecret(other, second), secrets[0]);
});

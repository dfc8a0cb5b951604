import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { createLog } from '../base/log.ts';
import type { Catalog } from './catalog.ts';
import { watchCatalog } from './watch.ts';

const FOLDER = fileURLToPath(new URL('../../catalog', import.meta.url));

interface Reloading {
  readonly folder: string;
  /** The operator's file, in a folder of its own; not watched unless it was there at first. */
  readonly operatorPath: string;
  readonly current: () => Catalog;
  readonly changes: () => number;
  /** The next catalogue that is taken, or the next line of the log at level warn or error. */
  readonly next: () => Promise<string>;
}

/** A real folder, really watched, with a file of the operator's when there is text for one. */
function reloading(context: TestContext, operatorText?: string): Reloading {
  const folder = mkdtempSync(join(tmpdir(), 'easel-catalog-'));
  const operatorFolder = mkdtempSync(join(tmpdir(), 'easel-operator-'));
  const operatorPath = join(operatorFolder, 'easel.yaml');
  if (operatorText !== undefined) {
    writeFileSync(operatorPath, operatorText);
  }
  for (const name of readdirSync(FOLDER)) {
    writeFileSync(join(folder, name), readFileSync(join(FOLDER, name)));
  }
  let waiting = Promise.withResolvers<string>();
  let changes = 0;
  const tell = (what: string): void => {
    waiting.resolve(what);
    waiting = Promise.withResolvers();
  };
  const write = (line: string): void => {
    const entry: unknown = JSON.parse(line);
    assert(typeof entry === 'object' && entry !== null && 'msg' in entry && 'level' in entry);
    if (entry.level === 'error' || entry.level === 'warn') {
      tell(String(entry.msg).replace(`${operatorFolder}/`, ''));
    }
  };
  const log = createLog({ level: 'info', destination: { write } });
  const watched = watchCatalog(folder, {
    log,
    ...(operatorText === undefined ? {} : { operatorPath, checkOperatorText }),
    onChange: () => {
      changes += 1;
      tell('changed');
    },
  });
  // The watcher does not keep a process alive: while a test waits, this does.
  const alive = setInterval(() => undefined, 60_000);
  context.after(() => {
    clearInterval(alive);
    watched.close();
    rmSync(folder, { recursive: true });
    rmSync(operatorFolder, { recursive: true });
  });
  return {
    folder,
    operatorPath,
    current: watched.current,
    changes: () => changes,
    next: () => waiting.promise,
  };
}

/** Stands for the config's check of its own sections. */
function checkOperatorText(text: string): void {
  if (text.includes('modles')) {
    throw new Error('easel.yaml:1: modles: Unrecognized key\neasel.yaml:2: a second problem');
  }
}

test('a changed card is taken while running', async (context) => {
  const { folder, current, next } = reloading(context);
  const before = current();
  const file = join(folder, 'nano-banana.yaml');
  const changed = next();
  writeFileSync(file, readFileSync(file, 'utf8').replace('usd: 0.039', 'usd: 0.042'));
  assert.equal(await changed, 'changed');
  assert.notEqual(current().version, before.version);
  assert.notEqual(current().find('nano-banana')?.hash, before.find('nano-banana')?.hash);
  assert.equal(current().find('flux-2-pro')?.hash, before.find('flux-2-pro')?.hash);

  // As editors save: a new file, renamed over the old one.
  const again = next();
  writeFileSync(
    join(folder, '.nano-banana.yaml.swp'),
    readFileSync(join(FOLDER, 'nano-banana.yaml')),
  );
  renameSync(join(folder, '.nano-banana.yaml.swp'), file);
  assert.equal(await again, 'changed');
  assert.equal(current().version, before.version);
});

test('a broken card is refused with its place and reason, the old cards stay', async (context) => {
  const { folder, current, changes, next } = reloading(context);
  const before = current();
  const file = join(folder, 'nano-banana.yaml');
  const sound = readFileSync(file, 'utf8');
  const broken = sound.replace('usd: 0.24', 'usd: free');
  const line = broken.slice(0, broken.indexOf('usd: free')).split('\n').length;

  const refused = next();
  writeFileSync(file, broken);
  assert.equal(
    await refused,
    `card refused, the old cards stay: nano-banana.yaml:${line}: ` +
      'models[2].prices[0].rates[2].usd: "free" is not a price in USD with at most nine decimals',
  );
  assert.equal(current(), before);

  const refusedAgain = next();
  writeFileSync(file, `${sound}\n  nonsense: [`);
  assert.match(await refusedAgain, /nano-banana\.yaml:\d+: /);
  assert.equal(current(), before);
  assert.equal(changes(), 0);

  const mended = next();
  writeFileSync(file, sound.replace('usd: 0.24', 'usd: 0.25'));
  assert.equal(await mended, 'changed');
  assert.equal(changes(), 1);
});

test("the operator's models and markups are taken while running", async (context) => {
  const { operatorPath, folder, current, changes, next } = reloading(context, 'markup: 2\n');
  const firstUsd = (): unknown => {
    const tariff = current().find('nano-banana')?.prices[0]?.tariff;
    return tariff?.kind === 'image' ? tariff.rates[0]?.usd : undefined;
  };
  assert.equal(firstUsd(), 78_000_000n);

  const changed = next();
  writeFileSync(operatorPath, 'markup: 3\nmodels: [{ id: flux-2-pro, enabled: false }]\n');
  assert.equal(await changed, 'changed');
  assert.equal(firstUsd(), 117_000_000n);
  assert.equal(current().find('flux-2-pro'), undefined);

  // As editors save: a new file, renamed over the old one; and once more, in place.
  const renamed = next();
  writeFileSync(`${operatorPath}~`, 'models: [{ id: nano-banana, markup: 1.5 }]\n');
  renameSync(`${operatorPath}~`, operatorPath);
  assert.equal(await renamed, 'changed');
  assert.equal(firstUsd(), 58_500_000n);
  const inPlace = next();
  writeFileSync(operatorPath, 'markup: 4\n');
  assert.equal(await inPlace, 'changed');
  assert.equal(firstUsd(), 156_000_000n);

  // A changed card file is taken under the same markup.
  const card = next();
  const file = join(folder, 'nano-banana.yaml');
  writeFileSync(file, readFileSync(file, 'utf8').replace('usd: 0.039', 'usd: 0.04'));
  assert.equal(await card, 'changed');
  assert.equal(firstUsd(), 160_000_000n);
  assert.equal(changes(), 4);
});

test("a broken operator's file is refused whole, the old cards stay", async (context) => {
  const { operatorPath, current, changes, next } = reloading(context, 'markup: 2\n');
  const before = current();
  const refusal = async (text: string): Promise<string> => {
    const refused = next();
    writeFileSync(operatorPath, text);
    return refused;
  };
  assert.equal(
    await refusal(
      'markup: 3\nmodels:\n  - id: nano-banana\n    prices: [{ from: soon, kind: image }]\n',
    ),
    'card refused, the old cards stay: easel.yaml:4: models[0].prices[0].from: Invalid ISO date',
  );
  assert.equal(
    await refusal('markup: 3\nmodels: [\n'),
    'card refused, the old cards stay: easel.yaml:3: Flow sequence in block collection must be ' +
      'sufficiently indented and end with a ]',
  );
  // The sections that are not the catalogue's are looked at by whoever reads them.
  assert.equal(
    await refusal('modles: [{ id: nano-banana, max_n: 1 }]\nmarkup: 3\n'),
    'models and prices not read, the old cards stay: easel.yaml:1: modles: Unrecognized key',
  );
  const gone = next();
  rmSync(operatorPath);
  assert.match(await gone, /^models and prices not read, the old cards stay: ENOENT/);
  assert.equal(current(), before);
  assert.equal(changes(), 0);

  const mended = next();
  writeFileSync(operatorPath, 'markup: 3\n');
  assert.equal(await mended, 'changed');
  assert.notEqual(current().version, before.version);
});

test('what only a start reads is told to wait for one, once for each change', async (context) => {
  const atStart = 'time: { drain_seconds: 1 }\nproviders: { fal: { api_key: a, markup: 2 } }\n';
  const { operatorPath, current, next } = reloading(context, atStart);
  const before = current().version;
  const said = async (text: string): Promise<string> => {
    const line = next();
    writeFileSync(operatorPath, text);
    return line;
  };
  const waits = 'wait for a restart; models and markups are taken at once';
  assert.equal(
    await said(atStart.replace('drain_seconds: 1', 'drain_seconds: 2')),
    `easel.yaml: changes in time ${waits}`,
  );
  assert.equal(current().version, before);
  assert.equal(
    await said(
      `markup: 1.5\n${atStart.replace('drain_seconds: 1', 'drain_seconds: 2').replace('a,', 'b,')}`,
    ),
    `easel.yaml: changes in time, providers ${waits}`,
  );
  // Back to what it was at the start, in another order: nothing waits, only the models change. And
  // a markup of an account is taken at once.
  const back = 'providers: { fal: { markup: 3, api_key: a } }\ntime: { drain_seconds: 1 }\n';
  assert.equal(await said(`${back}markup: 2\n`), 'changed');
  assert.equal(await said(`${back}markup: 2.5\n`), 'changed');
  assert.equal(
    await said(`${back}public_catalogue: false\n`),
    `easel.yaml: changes in public_catalogue ${waits}`,
  );
});

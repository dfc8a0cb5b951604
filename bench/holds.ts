import assert from 'node:assert/strict';
import { fileURLToPath } from 'node:url';
import { startPostgres } from '../scripts/postgres.mjs';
import { newId } from '../src/base/ids.ts';
import { audit } from '../src/ledger/audit.ts';
import { credit } from '../src/ledger/ledger.ts';
import { insertAccount } from '../src/store/accounts.ts';
import { insertKey } from '../src/store/keys.ts';
import { migrate } from '../src/store/migrate.ts';
import { openStore, type Store } from '../src/store/store.ts';
import { fsyncsPerSecond } from './fsyncs.ts';
import { describeMachine } from './machine.ts';
import { type Options, refuseSystems } from './options.ts';
import { othersSentence, watchOthers } from './others.ts';
import type { Outcome } from './payload.ts';
import { startProcess, temporaryFolder } from './processes.ts';
import { machineList, milliseconds, type Report, table, targetTable } from './report.ts';
import { median } from './statistics.ts';
import { atLeast, result, type TargetResult } from './targets.ts';

const REPLICAS = 3;
const AT_ONCE = 500;
const ACCOUNTS = 50;
/** In nano-dollars. */
const AMOUNT = 10_000_000;
const RICH = 10n ** 17n;
/** How many holds the balance of the poor account covers, of 500 at once. */
const COVERED = 200;
const OF_FSYNCS_MIN = 0.5;
const OVER_ACCOUNTS_MIN = 1_500;

/** What a holder is told to do. */
export interface HolderOrder {
  readonly url: string;
  readonly accounts: readonly Account[];
  /** Nano-dollars of each hold. */
  readonly amount: number;
  readonly atOnce: number;
  /** How many in all; absent: as many as it can. */
  readonly requests?: number;
  /** Milliseconds since 1970. */
  readonly startAt: number;
  readonly durationMs: number;
}

export interface HolderResult {
  held: number;
  refused: number;
  failed: number;
  readonly errors: string[];
  /** Milliseconds since 1970. */
  endedAt: number;
  p50Ms?: number | undefined;
  p99Ms?: number | undefined;
}

interface Account {
  readonly id: string;
  readonly keyId: string;
}

interface Round {
  readonly held: number;
  readonly refused: number;
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

interface Figures {
  readonly fsyncsPerSecond: number;
  readonly one: readonly Round[];
  readonly many: readonly Round[];
  readonly poor: readonly Round[];
  readonly problems: readonly string[];
}

const START_MS = 2_500;

/** `npm run bench -- holds`: three processes hold money in one PostgreSQL server. */
export async function holdsBench(options: Options): Promise<Outcome> {
  refuseSystems(options);
  const { quick, say } = options;
  const othersShare = watchOthers();
  const folder = temporaryFolder();
  const postgres = await startPostgres();
  const store = await openStore({ url: postgres.url });
  await migrate(store);
  const figures = await measure({ store, url: postgres.url, folder, say, quick });
  await store.close();
  await postgres.stop();
  const report = toReport(figures, { quick, othersShare: othersShare() });
  return { report, failures: figures.problems };
}

interface Measured {
  readonly store: Store;
  readonly url: string;
  readonly folder: string;
  readonly say: Options['say'];
  readonly quick: boolean;
}

async function measure({ store, url, folder, say, quick }: Measured): Promise<Figures> {
  const rounds = quick ? 1 : 5;
  const durationMs = quick ? 1_500 : 5_000;
  const accounts: Account[] = [];
  for (let index = 0; index < ACCOUNTS; index += 1) {
    accounts.push(await makeAccount(store, RICH));
  }
  const one: Round[] = [];
  const many: Round[] = [];
  const poor: Round[] = [];
  const fsyncs: number[] = [];
  for (let round = 1; round <= rounds; round += 1) {
    say(`round ${round} of ${rounds}`);
    fsyncs.push(fsyncsPerSecond(folder, quick ? 1 : 2));
    const rich = { url, folder, durationMs };
    one.push(await holdTogether({ ...rich, accounts: accounts.slice(0, 1) }));
    many.push(await holdTogether({ ...rich, accounts }));
    const account = await makeAccount(store, BigInt(AMOUNT) * BigInt(COVERED));
    poor.push(await holdTogether({ ...rich, accounts: [account], requests: AT_ONCE }));
  }
  const { problems } = await audit(store);
  const spent = poor.filter(({ held }) => held !== COVERED);
  return {
    fsyncsPerSecond: median(fsyncs),
    one,
    many,
    poor,
    problems: [
      ...problems,
      ...spent.map(({ held }) => `${held} holds of a balance that covers ${COVERED}`),
    ],
  };
}

async function makeAccount(store: Store, amount: bigint): Promise<Account> {
  const [id, keyId] = [newId('acct'), newId('key')];
  await store.transaction(async (tx) => {
    await insertAccount(tx, { id, name: id });
    await insertKey(tx, {
      id: keyId,
      accountId: id,
      mode: 'live',
      name: 'bench',
      hash: keyId,
      hint: 'none',
      allowedModels: undefined,
      expiresAt: undefined,
    });
    await credit(tx, { accountId: id, mode: 'live', amount });
  });
  return { id, keyId };
}

interface Together {
  readonly url: string;
  readonly folder: string;
  readonly accounts: readonly Account[];
  readonly durationMs: number;
  readonly requests?: number;
}

/** All replicas at the same time, each with its share of those that ask at once. */
async function holdTogether(together: Together): Promise<Round> {
  const { url, folder, accounts, durationMs, requests } = together;
  const startAt = Date.now() + START_MS;
  const share = (count: number, index: number): number =>
    Math.floor(count / REPLICAS) + (index < count % REPLICAS ? 1 : 0);
  const started = Array.from({ length: REPLICAS }, (_, index) => {
    const order: HolderOrder = {
      url,
      accounts,
      amount: AMOUNT,
      atOnce: share(AT_ONCE, index),
      startAt,
      durationMs,
      ...(requests === undefined ? {} : { requests: share(requests, index) }),
    };
    return startProcess({
      command: process.execPath,
      args: [
        fileURLToPath(new URL('./replicas/holder.ts', import.meta.url)),
        JSON.stringify(order),
      ],
      folder,
    });
  });
  const results = await Promise.all(
    started.map(async ({ ended, output }) => {
      const code = await ended;
      assert.equal(code, 0, output());
      return JSON.parse(output()) as HolderResult;
    }),
  );
  const wallMs = Math.max(...results.map(({ endedAt }) => endedAt)) - startAt;
  const sum = (count: (one: HolderResult) => number): number =>
    results.reduce((total, one) => total + count(one), 0);
  assert.equal(
    sum(({ failed }) => failed),
    0,
    results.flatMap(({ errors }) => errors).join('\n'),
  );
  return {
    held: sum(({ held }) => held),
    refused: sum(({ refused }) => refused),
    perSecond: (sum(({ held }) => held) / wallMs) * 1000,
    p50Ms: median(results.map(({ p50Ms = Number.NaN }) => p50Ms)),
    p99Ms: Math.max(...results.map(({ p99Ms = Number.NaN }) => p99Ms)),
  };
}

interface Told {
  readonly quick: boolean;
  readonly othersShare: number;
}

function toReport(figures: Figures, { quick, othersShare }: Told): Report {
  const { fsyncsPerSecond: fsyncs, one, many, poor, problems } = figures;
  const machine = describeMachine();
  const date = new Date().toISOString();
  const targets = targetsOf(figures);
  const markdown = [
    '# Holds on PostgreSQL',
    `\`npm run bench -- holds${quick ? ' --quick' : ''}\`, ${date.slice(0, 10)}` +
      `${quick ? ', **too short to be published**' : ''}. ${REPLICAS} processes admit requests and ` +
      `do nothing else: each writes the request’s row and its hold in the transaction that every ` +
      `request of Easel goes through. ${AT_ONCE} at once, all together; they, and a PostgreSQL ` +
      `server with its defaults (every COMMIT is on disk), share all cores of the machine. The ` +
      `disk keeps ${fsyncs.toFixed(0)} writes of 8 KB a second for good, one after the other ` +
      `(\`pg_test_fsync\`, fdatasync). Medians of ${one.length} rounds.`,
    othersSentence(othersShare),
    targetTable(targets),
    table(
      ['', 'holds / s', '× fsyncs', 'refused', 'p50', 'p99'],
      [
        row('one account', one, fsyncs),
        row(`${ACCOUNTS} accounts`, many, fsyncs),
        row(`${AT_ONCE} at once, money for ${COVERED}`, poor, fsyncs),
      ],
    ),
    ...problems.map((problem) => `Wrong: ${problem}`),
    '## Machine',
    machineList(machine),
  ];
  return {
    name: 'holds',
    markdown: `${markdown.join('\n\n')}\n`,
    json: { bench: 'holds', date, quick, othersShare, machine, targets, ...figures },
  };
}

function targetsOf({ fsyncsPerSecond, one, many, poor }: Figures): TargetResult[] {
  return [
    atLeast({
      what: 'holds a second on one account, of the disk’s fsyncs a second',
      limit: OF_FSYNCS_MIN,
      measured: middle(one, 'perSecond') / fsyncsPerSecond,
      unit: ' ×',
    }),
    atLeast({
      what: `holds a second over ${ACCOUNTS} accounts`,
      limit: OVER_ACCOUNTS_MIN,
      measured: middle(many, 'perSecond'),
      unit: '',
      digits: 0,
    }),
    result({
      what: `most holds of ${AT_ONCE} at once on a balance for ${COVERED}`,
      limit: COVERED,
      measured: Math.max(...poor.map(({ held }) => held)),
      unit: '',
      digits: 0,
    }),
  ];
}

function row(name: string, rounds: readonly Round[], fsyncs: number): string[] {
  const perSecond = middle(rounds, 'perSecond');
  return [
    name,
    perSecond.toFixed(0),
    (perSecond / fsyncs).toFixed(2),
    middle(rounds, 'refused').toFixed(0),
    milliseconds(middle(rounds, 'p50Ms')),
    milliseconds(middle(rounds, 'p99Ms')),
  ];
}

function middle(rounds: readonly Round[], name: keyof Round): number {
  return median(rounds.map((round) => round[name]));
}

import assert from 'node:assert/strict';
import { mkdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { startPostgres } from '../scripts/postgres.mjs';
import { audit } from '../src/ledger/audit.ts';
import { openStore, type StoreOptions } from '../src/store/store.ts';
import { makeInstallation } from './installation.ts';
import { describeMachine } from './machine.ts';
import { type Options, refuseSystems } from './options.ts';
import { othersSentence, watchOthers } from './others.ts';
import type { Outcome } from './payload.ts';
import { peakRssBytes } from './proc.ts';
import { type StartedProcess, startProcess, temporaryFolder } from './processes.ts';
import { machineList, megabytes, type Report, table, targetTable } from './report.ts';
import { result, type TargetResult } from './targets.ts';

const CLI = fileURLToPath(new URL('../src/cli.ts', import.meta.url));
const ACCOUNTS = 50;
/** Requests of each installation; the last but one is the one that the targets are of. */
const SIZES = [25_000, 100_000, 300_000] as const;
const QUICK_SIZES = [500, 2_000, 4_000] as const;
const SECONDS_MAX = 60;
const PEAK_MB_MAX = 400;
const LOOK_MS = 20;

interface Moved {
  readonly requests: number;
  readonly rows: number;
  readonly fileBytes: number;
  readonly seconds: number;
  readonly peakRssBytes: number;
  /** Balances, transfers and open holds that the audit of each side saw, once more, after the move. */
  readonly audits: { readonly sqlite: Audited; readonly postgresql: Audited };
  readonly tables: readonly MovedTable[];
}

interface Audited {
  readonly problems: readonly string[];
  readonly balances: number;
  readonly transfers: number;
  readonly openHolds: number;
}

interface MovedTable {
  readonly table: string;
  readonly sqlite_rows: number;
  readonly postgresql_rows: number;
  readonly sqlite_sha256: string;
  readonly postgresql_sha256: string;
}

/** `npm run bench -- move`: installations of several sizes, from SQLite into PostgreSQL. */
export async function moveBench(options: Options): Promise<Outcome> {
  refuseSystems(options);
  const { quick, say } = options;
  const othersShare = watchOthers();
  const folder = temporaryFolder();
  const moves: Moved[] = [];
  for (const requests of quick ? QUICK_SIZES : SIZES) {
    say(`an installation of ${requests} requests`);
    moves.push(await moveOne(join(folder, String(requests)), requests));
  }
  const failures = moves.flatMap(differencesOf);
  return { report: toReport({ moves, quick, othersShare: othersShare(), failures }), failures };
}

async function moveOne(home: string, requests: number): Promise<Moved> {
  const file = join(home, 'easel.db');
  mkdirSync(home);
  await makeInstallation(file, { requests, accounts: ACCOUNTS });
  const postgres = await startPostgres();
  try {
    const started = startProcess({
      command: process.execPath,
      args: [CLI, 'move', '--json'],
      folder: home,
      environment: { EASEL_HOME: home, EASEL_DATABASE_URL: postgres.url },
    });
    const peak = await watchPeak(started);
    assert.equal(await started.ended, 0, started.output());
    const output = started.output();
    const { seconds, tables } = JSON.parse(output.slice(output.indexOf('{\n'))) as {
      readonly seconds: number;
      readonly tables: readonly MovedTable[];
    };
    return {
      requests,
      rows: tables.reduce((sum, each) => sum + each.postgresql_rows, 0),
      fileBytes: statSync(file).size,
      seconds,
      peakRssBytes: peak,
      audits: { sqlite: await auditOf({ file }), postgresql: await auditOf({ url: postgres.url }) },
      tables,
    };
  } finally {
    await postgres.stop();
    rmSync(home, { recursive: true, force: true });
  }
}

/** The most that it ever had in memory, looked at until it ends. */
async function watchPeak({ pid, ended }: StartedProcess): Promise<number> {
  const over = new AbortController();
  void ended.then(() => over.abort());
  let peak = 0;
  while (!over.signal.aborted) {
    peak = Math.max(peak, peakRssBytes(pid));
    await delay(LOOK_MS);
  }
  return peak;
}

async function auditOf(options: StoreOptions): Promise<Audited> {
  const store = await openStore(options);
  try {
    const { problems, accounts, transfers, openHolds } = await audit(store);
    return { problems, balances: accounts, transfers, openHolds };
  } finally {
    await store.close();
  }
}

/** In words. */
function differencesOf({ requests, audits, tables }: Moved): string[] {
  const { sqlite, postgresql } = audits;
  const isSame = JSON.stringify(sqlite) === JSON.stringify(postgresql);
  return [
    ...sqlite.problems,
    ...postgresql.problems,
    ...(isSame ? [] : [`the audits of ${requests} requests differ`]),
    ...tables
      .filter(
        (each) =>
          each.sqlite_rows !== each.postgresql_rows ||
          each.sqlite_sha256 !== each.postgresql_sha256,
      )
      .map((each) => `${each.table} differs`),
  ];
}

interface Figures {
  readonly moves: readonly Moved[];
  readonly quick: boolean;
  readonly othersShare: number;
  readonly failures: readonly string[];
}

function toReport({ moves, quick, othersShare, failures }: Figures): Report {
  const machine = describeMachine();
  const date = new Date().toISOString();
  const targets = targetsOf(moves, failures);
  const markdown = [
    '# Moving from SQLite into PostgreSQL',
    `\`npm run bench -- move${quick ? ' --quick' : ''}\`, ${date.slice(0, 10)}` +
      `${quick ? ', **too short to be published**' : ''}. Installations with rows in every table, as a ` +
      `server that was killed leaves them: each request with its hold and what ended it, one in a ` +
      `hundred still running. \`easel move\` copies all rows in one transaction, reads both sides ` +
      `back, compares every cell, and audits both; the time is all of that, its checks of the SQLite ` +
      `file included. It and a PostgreSQL server with its defaults share all cores of the machine. ` +
      `Peak RSS is that of \`easel move\` (VmHWM). After it the bench audits both sides again.`,
    othersSentence(othersShare),
    targetTable(targets),
    sizesTable(moves),
    '## Both audits',
    auditsTable(moves),
    ...tablesOf(moves.at(-2)),
    ...failures.map((failure) => `Wrong: ${failure}`),
    '## Machine',
    machineList(machine),
  ];
  return {
    name: 'move',
    markdown: `${markdown.join('\n\n')}\n`,
    json: { bench: 'move', date, quick, othersShare, machine, targets, moves, failures },
  };
}

function sizesTable(moves: readonly Moved[]): string {
  return table(
    ['Requests', 'rows', 'SQLite file', 'time', 'rows / s', 'peak RSS'],
    moves.map(({ requests, rows, fileBytes, seconds, peakRssBytes: peak }) => [
      requests.toLocaleString('en'),
      rows.toLocaleString('en'),
      megabytes(fileBytes),
      `${seconds.toFixed(1)} s`,
      (rows / seconds).toFixed(0),
      megabytes(peak),
    ]),
  );
}

function auditsTable(moves: readonly Moved[]): string {
  return table(
    ['Requests', 'database', 'balances', 'transfers', 'open holds', 'problems'],
    moves.flatMap(({ requests, audits }) =>
      Object.entries(audits).map(([name, { balances, transfers, openHolds, problems }]) => [
        requests.toLocaleString('en'),
        name,
        String(balances),
        String(transfers),
        String(openHolds),
        String(problems.length),
      ]),
    ),
  );
}

function tablesOf(moved: Moved | undefined): string[] {
  return moved === undefined
    ? []
    : [
        `## Tables, of ${moved.requests.toLocaleString('en')} requests`,
        table(
          ['Table', 'SQLite', 'PostgreSQL', 'SHA-256 of SQLite’s rows', 'of PostgreSQL’s'],
          moved.tables.map((each) => [
            each.table,
            each.sqlite_rows.toLocaleString('en'),
            each.postgresql_rows.toLocaleString('en'),
            each.sqlite_sha256.slice(0, 12),
            each.postgresql_sha256.slice(0, 12),
          ]),
        ),
      ];
}

function targetsOf(moves: readonly Moved[], failures: readonly string[]): TargetResult[] {
  const [of, largest] = [moves.at(-2), moves.at(-1)];
  const name = (of?.requests ?? 0).toLocaleString('en');
  return [
    result({
      what: 'differences between the two sides, audits included',
      limit: 0,
      measured: failures.length,
      unit: '',
      digits: 0,
    }),
    result({
      what: `time, ${name} requests`,
      limit: SECONDS_MAX,
      measured: of?.seconds,
      unit: ' s',
    }),
    result({
      what: `peak RSS, ${(largest?.requests ?? 0).toLocaleString('en')} requests`,
      limit: PEAK_MB_MAX,
      measured: largest === undefined ? undefined : largest.peakRssBytes / 1e6,
      unit: ' MB',
      digits: 0,
    }),
  ];
}

import { Client } from 'pg';
import { startPostgres } from '../scripts/postgres.mjs';
import { type Options, refuseSystems } from './options.ts';
import { watchOthers } from './others.ts';
import type { Outcome } from './payload.ts';
import { cpuMs } from './proc.ts';
import { milliseconds, type Report, table } from './report.ts';
import { unpin } from './requirements.ts';
import { median, percentile } from './statistics.ts';
import { type Stand, startStand } from './traffic/stand.ts';
import { trafficReport } from './traffic/traffic-report.ts';
import { runTraffic, SMALL_BODY, type TrafficResult, whatWasWrong } from './traffic/traffic.ts';

/** Fewer than it could serve: what a picture costs shows where nobody is turned away. */
const CONNECTIONS = 40;

interface Times {
  readonly warmUpMs: number;
  readonly roundMs: number;
  readonly rounds: number;
}

const LONG: Times = { warmUpMs: 10_000, roundMs: 10_000, rounds: 5 };
const QUICK: Times = { warmUpMs: 1_000, roundMs: 2_000, rounds: 1 };

/** What one round of pictures has cost the server of the database. */
interface Round {
  readonly traffic: TrafficResult;
  readonly pictures: number;
  /** In ms for each picture. */
  readonly easelCpuMs: number;
  readonly postgresCpuMs: number;
  /** For each picture. */
  readonly transactions: number;
  readonly walBytes: number;
  /** What tables and indexes have grown by. */
  readonly tableBytes: number;
}

/** `npm run bench -- capacity`: what a picture costs an Easel and its PostgreSQL. */
export async function capacityBench(options: Options): Promise<Outcome> {
  refuseSystems(options);
  const { quick, say } = options;
  const times = quick ? QUICK : LONG;
  const othersShare = watchOthers();
  const postgres = await startPostgres();
  unpin(postgres.pid ?? 0);
  const stand = await startStand({ EASEL_DATABASE_URL: postgres.url });
  const client = new Client({ connectionString: postgres.url });
  await client.connect();
  const rounds: Round[] = [];
  say('warming up');
  await ask(stand, times.warmUpMs);
  for (let round = 1; round <= times.rounds; round += 1) {
    say(`round ${round} of ${times.rounds}`);
    rounds.push(await measure(stand, { client, pid: postgres.pid ?? 0, roundMs: times.roundMs }));
  }
  const problems = await stand.auditProblems();
  await client.end();
  await stand.stop();
  await postgres.stop();
  const failures = [...whatWasWrong(rounds.map(({ traffic }) => traffic)), ...problems];
  return { report: toReport(rounds, { quick, othersShare: othersShare(), failures }), failures };
}

function ask({ easel, upstream }: Stand, durationMs: number): Promise<TrafficResult> {
  const { payloadBytes } = upstream;
  const connections = CONNECTIONS;
  return runTraffic({ target: easel, body: SMALL_BODY, payloadBytes, connections, durationMs });
}

interface Measured {
  readonly client: Client;
  readonly pid: number;
  readonly roundMs: number;
}

async function measure(stand: Stand, { client, pid, roundMs }: Measured): Promise<Round> {
  const look = async () => ({
    easel: cpuMs(stand.easel.pid),
    postgres: cpuMs(pid),
    ...(await readCounters(client)),
  });
  const before = await look();
  const traffic = await ask(stand, roundMs);
  const after = await look();
  const pictures = traffic.servedMs.length;
  const each = (name: keyof typeof before): number => (after[name] - before[name]) / pictures;
  return {
    traffic,
    pictures,
    easelCpuMs: each('easel'),
    postgresCpuMs: each('postgres'),
    transactions: each('transactions'),
    walBytes: each('walBytes'),
    tableBytes: each('tableBytes'),
  };
}

async function readCounters(client: Client) {
  // What each session has counted is told at the end of its next transaction, a second later at most.
  await client.query('select pg_sleep(1.5)');
  const { rows } = await client.query<Record<string, string>>(`
    select
      (select xact_commit from pg_stat_database where datname = current_database()) as transactions,
      pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0') as wal,
      (select sum(pg_total_relation_size(oid)) from pg_class
        where relkind = 'r' and relnamespace = 'public'::regnamespace) as tables`);
  const [row] = rows;
  return {
    transactions: Number(row?.['transactions']),
    walBytes: Number(row?.['wal']),
    tableBytes: Number(row?.['tables']),
  };
}

interface Told {
  readonly quick: boolean;
  readonly othersShare: number;
  readonly failures: readonly string[];
}

function toReport(rounds: readonly Round[], told: Told): Report {
  const of = (value: (round: Round) => number): number => median(rounds.map(value));
  const figures = {
    picturesPerSecond: of(({ pictures, traffic }) => (pictures / traffic.wallMs) * 1000),
    p50Ms: of(({ traffic }) => percentile(traffic.servedMs, 0.5)),
    p99Ms: of(({ traffic }) => percentile(traffic.servedMs, 0.99)),
    easelCpuMs: of(({ easelCpuMs }) => easelCpuMs),
    postgresCpuMs: of(({ postgresCpuMs }) => postgresCpuMs),
    transactions: of(({ transactions }) => transactions),
    walBytes: of(({ walBytes }) => walBytes),
    tableBytes: of(({ tableBytes }) => tableBytes),
  };
  const { easelCpuMs, postgresCpuMs, transactions } = figures;
  return trafficReport({
    name: 'capacity',
    title: 'What a picture costs an Easel on PostgreSQL',
    how:
      `Everything is on, with its defaults, and the ledger lies in a PostgreSQL server with its own ` +
      `defaults, which may use both cores. ${CONNECTIONS} clients, each of which sends its next ` +
      `request when it has its picture. Medians of ${rounds.length} rounds.`,
    targets: [],
    tables: [
      table(
        ['', 'a picture'],
        [
          ['CPU of Easel', milliseconds(easelCpuMs)],
          ['CPU of PostgreSQL', milliseconds(postgresCpuMs)],
          ['transactions, reads included', transactions.toFixed(2)],
          ['CPU of PostgreSQL for a transaction', milliseconds(postgresCpuMs / transactions)],
          ['written to its log (WAL)', `${(figures.walBytes / 1000).toFixed(2)} KB`],
          ['tables and indexes grow by', `${(figures.tableBytes / 1000).toFixed(2)} KB`],
        ],
      ),
      table(
        ['', 'pictures / s', 'p50', 'p99'],
        [
          [
            'asked for in these rounds',
            figures.picturesPerSecond.toFixed(0),
            milliseconds(figures.p50Ms),
            milliseconds(figures.p99Ms),
          ],
          ['that one core of an Easel would make', (1000 / easelCpuMs).toFixed(0), '', ''],
          ['that one core of PostgreSQL would carry', (1000 / postgresCpuMs).toFixed(0), '', ''],
        ],
      ),
    ],
    figures,
    ...told,
  });
}

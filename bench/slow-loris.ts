import { connect, type Socket } from 'node:net';
import { type Options, refuseSystems } from './options.ts';
import { watchOthers } from './others.ts';
import type { Outcome } from './payload.ts';
import { milliseconds, type Report, table } from './report.ts';
import { percentile } from './statistics.ts';
import { refusedTarget, result } from './targets.ts';
import { startStand } from './traffic/stand.ts';
import { trafficReport } from './traffic/traffic-report.ts';
import { runTraffic, SMALL_BODY, type TrafficResult, whatWasWrong } from './traffic/traffic.ts';

const LORISES = 500;
const BYTE_MS = 1_000;
const ORDINARY_PER_SECOND = 30;
const CONNECTIONS = 100;
const DURATION_MS = 60_000;
const QUICK_DURATION_MS = 3_000;
const RATIO_MAX = 1.3;

interface Lane {
  readonly name: string;
  readonly traffic: TrafficResult;
  /** How often a slow connection was closed by the server, and begun anew. */
  readonly cut: number;
}

/** `npm run bench -- slow-loris`: whether clients that dribble stop those that do not. */
export async function slowLorisBench(options: Options): Promise<Outcome> {
  refuseSystems(options);
  const { say, quick } = options;
  const othersShare = watchOthers();
  const stand = await startStand();
  const { easel, upstream } = stand;
  const durationMs = quick ? QUICK_DURATION_MS : DURATION_MS;
  const ordinary = {
    target: easel,
    body: SMALL_BODY,
    payloadBytes: upstream.payloadBytes,
    connections: CONNECTIONS,
    perSecond: ORDINARY_PER_SECOND,
    durationMs,
  };
  say('warming up');
  await runTraffic({ ...ordinary, durationMs: durationMs / 4 });
  const lanes: Lane[] = [];
  say('without them');
  lanes.push({ name: 'nobody else', traffic: await runTraffic(ordinary), cut: 0 });
  for (const { name, head } of slowRequests(easel)) {
    say(`with ${LORISES} ${name}`);
    using herd = new Herd(easel.url, head);
    const traffic = await runTraffic(ordinary);
    lanes.push({ name: `${LORISES} ${name}`, traffic, cut: herd.cut });
  }
  const problems = await stand.auditProblems();
  await stand.stop();
  const failures = [...whatWasWrong(lanes.map(({ traffic }) => traffic)), ...problems];
  const run = { lanes, durationMs, quick, othersShare: othersShare(), failures };
  return { report: toReport(run), failures };
}

/** What each slow connection sends at once; the rest comes a byte a second. */
function slowRequests({ headers }: { readonly headers: Readonly<Record<string, string>> }): {
  name: string;
  head: string;
}[] {
  const begin = 'POST /v1/images/generations HTTP/1.1\r\nhost: easel\r\n';
  const key = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return [
    { name: 'heads that come a byte a second', head: `${begin}x-slow: ` },
    {
      name: 'bodies that come a byte a second',
      head: `${begin}${key.join('')}content-type: application/json\r\ncontent-length: 1000\r\n\r\n{`,
    },
  ];
}

/** So many connections that dribble; one that is closed is opened anew. */
class Herd implements Disposable {
  cut = 0;
  readonly #url: URL;
  readonly #head: string;
  readonly #sockets = new Set<Socket>();
  readonly #timer: NodeJS.Timeout;
  #isOver = false;

  constructor(url: string, head: string) {
    this.#url = new URL(url);
    this.#head = head;
    for (let index = 0; index < LORISES; index += 1) {
      this.#open();
    }
    this.#timer = setInterval(() => {
      for (const socket of this.#sockets) {
        socket.write('a');
      }
    }, BYTE_MS);
  }

  [Symbol.dispose](): void {
    this.#isOver = true;
    clearInterval(this.#timer);
    for (const socket of this.#sockets) {
      socket.destroy();
    }
  }

  #open(): void {
    const { hostname, port } = this.#url;
    const socket = connect({ host: hostname, port: Number(port) });
    this.#sockets.add(socket);
    socket.on('error', () => undefined);
    socket.resume();
    socket.once('close', () => {
      this.#sockets.delete(socket);
      if (!this.#isOver) {
        this.cut += 1;
        this.#open();
      }
    });
    socket.write(this.#head);
  }
}

interface Run {
  readonly lanes: readonly Lane[];
  readonly durationMs: number;
  readonly quick: boolean;
  readonly othersShare: number;
  readonly failures: readonly string[];
}

function toReport({ lanes, durationMs, quick, othersShare, failures }: Run): Report {
  const p99s = lanes.map(({ traffic }) => percentile(traffic.servedMs, 0.99));
  const refused = lanes.reduce((sum, { traffic }) => sum + traffic.refusedMs.length, 0);
  const ratios = lanes.slice(1).map(({ name }, index) =>
    result({
      what: `p99 beside ${name}, of the p99 beside nobody`,
      limit: RATIO_MAX,
      measured: (p99s[index + 1] ?? Number.NaN) / (p99s[0] ?? Number.NaN),
      unit: '×',
    }),
  );
  return trafficReport({
    name: 'slow-loris',
    title: 'Clients that are slow on purpose',
    how:
      `Easel has its defaults. ${ORDINARY_PER_SECOND} ordinary requests a second for ` +
      `${durationMs / 1000} s, alone and beside ${LORISES} connections that send a byte a second, ` +
      'and begin anew when they are cut.',
    quick,
    othersShare,
    targets: [...ratios, refusedTarget(refused)],
    tables: [
      table(
        ['Beside', 'asked', 'served', 'p50', 'p99', 'slow ones cut off'],
        lanes.map(({ name, traffic: { servedMs, refusedMs, unsent }, cut }) => [
          name,
          String(servedMs.length + refusedMs.length + unsent),
          String(servedMs.length),
          milliseconds(percentile(servedMs, 0.5)),
          milliseconds(percentile(servedMs, 0.99)),
          String(cut),
        ]),
      ),
    ],
    failures,
    figures: {
      durationMs,
      lanes: lanes.map(({ name, traffic, cut }) => ({
        name,
        cut,
        served: traffic.servedMs.length,
        p50Ms: percentile(traffic.servedMs, 0.5),
        p99Ms: percentile(traffic.servedMs, 0.99),
        statuses: Object.fromEntries(traffic.statuses),
      })),
    },
  });
}

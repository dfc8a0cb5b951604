import { capacityBench } from './capacity.ts';
import { floodBench } from './flood.ts';
import { holdsBench } from './holds.ts';
import { moveBench } from './move.ts';
import { type Options, readOptions, USAGE } from './options.ts';
import { overloadBench } from './overload.ts';
import { type Outcome, payloadBench } from './payload.ts';
import { killAll, stopAll } from './processes.ts';
import { publish } from './report.ts';
import { missingRequirements, pinLoad } from './requirements.ts';
import { slowLorisBench } from './slow-loris.ts';
import { slowReaderBench } from './slow-reader.ts';
import { soakBench } from './soak.ts';
import { uploadsBench } from './uploads.ts';

type Bench = (options: Options) => Promise<Outcome>;

const BENCHES: ReadonlyMap<string, Bench> = new Map<string, Bench>([
  ['payload', payloadBench],
  ['slow-reader', slowReaderBench],
  ['uploads', uploadsBench],
  ['overload', overloadBench],
  ['flood', floodBench],
  ['slow-loris', slowLorisBench],
  ['soak', soakBench],
  ['holds', holdsBench],
  ['capacity', capacityBench],
  ['move', moveBench],
]);

/** Whose upstream, or whose rivals, are an nginx. */
const BEHIND_NGINX: ReadonlySet<Bench> = new Set([payloadBench, slowReaderBench]);

const ON_POSTGRES: ReadonlySet<Bench> = new Set([holdsBench, capacityBench, moveBench]);

/** Which uses all cores, since a database shares them. */
const ON_ALL_CORES: ReadonlySet<Bench> = new Set([holdsBench, moveBench]);

const EXIT_USAGE = 2;
const EXIT_INTERRUPTED = 130;

process.exitCode = await main();

async function main(): Promise<number> {
  let options: Options;
  try {
    options = readOptions(process.argv.slice(2));
  } catch (error) {
    return refuse([error instanceof Error ? error.message : String(error), '', USAGE], EXIT_USAGE);
  }
  const bench = BENCHES.get(options.bench ?? '');
  if (bench === undefined) {
    return refuse([USAGE], EXIT_USAGE);
  }
  const missing = missingRequirements({
    nginx: BEHIND_NGINX.has(bench),
    postgres: ON_POSTGRES.has(bench),
  });
  if (missing.length > 0) {
    return refuse(missing, 1);
  }
  stopOnSignals();
  if (!ON_ALL_CORES.has(bench)) {
    pinLoad();
  }
  try {
    const { report, failures } = await bench(options);
    publish(report, options);
    return failures.length === 0 ? 0 : refuse(['Without figures:', ...failures], 1);
  } catch (error) {
    return refuse([error instanceof Error ? (error.stack ?? error.message) : String(error)], 1);
  } finally {
    await stopAll();
  }
}

function refuse(lines: readonly string[], exitCode: number): number {
  process.stderr.write(`${lines.join('\n')}\n`);
  return exitCode;
}

/** Whatever ends this process, nothing that it started outlives it. */
function stopOnSignals(): void {
  process.on('exit', killAll);
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(signal, () => process.exit(EXIT_INTERRUPTED));
  }
}

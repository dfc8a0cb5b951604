import { parseArgs } from 'node:util';
import { PAYLOAD_LANES } from './lanes/payload-sizes.ts';
import { ALL_SYSTEMS } from './systems/all.ts';
import type { System } from './systems/system.ts';

/** What the command line asked for. */
export interface Options {
  readonly bench: string | undefined;
  /** One short round: for a look, not for publishing. */
  readonly quick: boolean;
  /** Whether the report goes to `docs/benchmarks/`, too. */
  readonly write: boolean;
  /** Undefined: what the bench takes by itself. */
  readonly systems: readonly System[] | undefined;
  readonly rounds: number | undefined;
  /** Undefined: all lanes of the bench. */
  readonly lanes: ReadonlySet<string> | undefined;
  /** Tells how far it is, beside the report. */
  readonly say: (line: string) => void;
}

/** The lane that is not one of load. */
export const FIRST_BYTE = 'first-byte';

const LANE_NAMES = [...PAYLOAD_LANES.map(({ name }) => name), FIRST_BYTE];

export const USAGE = `Usage: npm run bench -- <bench> [options]

  payload       pictures of 64 KB, 4 MB and 27 MB through every system (4 minutes)
  slow-reader   64 MB through Easel to a client that reads 1 MB/s (1 minute)
  uploads       16 edits at once, four pictures of 12 MB each, through Easel (2 minutes)
  overload      twice what Easel can do, over 1,000 connections (3 minutes)
  flood         one key floods, another asks as ever (4 minutes)
  slow-loris    500 clients that send a byte a second, beside ordinary ones (4 minutes)
  soak          half of what Easel can do, for half an hour: does anything grow?
  holds         three processes hold money in one PostgreSQL (2 minutes)
  capacity      what a picture costs an Easel and its PostgreSQL (2 minutes)
  move          installations of up to 300,000 requests into PostgreSQL (3 minutes)

  --quick              one short round, under a minute; not for publishing
  --rounds <count>     how often each system is measured (5)
  --systems <names>    only these: ${ALL_SYSTEMS.map(({ name }) => name).join(', ')}
  --lanes <names>      only these of payload: ${LANE_NAMES.join(', ')}
  --write              also write docs/benchmarks/<bench>.md and .json
`;

/** Throws an Error with a sentence when it cannot be understood. */
export function readOptions(args: readonly string[]): Options {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      quick: { type: 'boolean', default: false },
      write: { type: 'boolean', default: false },
      systems: { type: 'string' },
      rounds: { type: 'string' },
      lanes: { type: 'string' },
    },
  });
  const [bench, second] = positionals;
  if (second !== undefined) {
    throw new Error(`one bench at a time: '${second}' is one too many`);
  }
  return {
    bench,
    quick: values.quick,
    write: values.write,
    systems: values.systems?.split(',').map(findSystem),
    rounds: readRounds(values.rounds),
    lanes: readLanes(values.lanes),
    say: (line) => {
      process.stderr.write(`${line}\n`);
    },
  };
}

/** For a bench that is about Easel alone. */
export function refuseSystems({ bench, systems }: Options): void {
  if (systems !== undefined) {
    throw new Error(`${bench} measures Easel alone: it takes no --systems`);
  }
}

function findSystem(name: string): System {
  const found = ALL_SYSTEMS.find((system) => system.name === name);
  if (found === undefined) {
    throw new Error(`there is no system '${name}'`);
  }
  return found;
}

function readRounds(text: string | undefined): number | undefined {
  if (text === undefined) {
    return undefined;
  }
  const rounds = Number(text);
  if (!Number.isSafeInteger(rounds) || rounds < 1 || rounds > 100) {
    throw new Error(`--rounds must be a number from 1 to 100, not '${text}'`);
  }
  return rounds;
}

function readLanes(text: string | undefined): ReadonlySet<string> | undefined {
  const names = text?.split(',');
  const unknown = names?.find((name) => !LANE_NAMES.includes(name));
  if (unknown !== undefined) {
    throw new Error(`there is no lane '${unknown}'`);
  }
  return names === undefined ? undefined : new Set(names);
}

import { join } from 'node:path';
import { mkdir } from 'node:fs/promises';
import type { CannedAnswer } from '../answers.ts';
import { type Measurement, measure, VoidRun } from '../measure.ts';
import type { RunningSystem, System } from '../systems/system.ts';
import type { Upstream } from '../upstream.ts';

/** A load that every system gets in turn. */
export interface LoadLane {
  readonly name: string;
  readonly title: string;
  readonly answer: CannedAnswer;
  /** The JSON that is posted. */
  readonly body: string;
  readonly connections: number;
  /** When the last request begins. */
  readonly durationMs: number;
  readonly warmUp: { readonly connections: number; readonly durationMs: number };
}

export interface LaneOptions {
  readonly systems: readonly System[];
  readonly upstream: Upstream;
  readonly folder: string;
  readonly rounds: number;
  /** No round begins after it, on `performance.now()`'s clock, but the first. */
  readonly deadlineMs: number;
  readonly say: (line: string) => void;
}

/** What one system did in one lane, a measurement a round. */
export interface LaneRow {
  readonly system: System;
  readonly rounds: readonly Measurement[];
  /** Why there are no figures: the wrong answer, or why it did not start. */
  readonly reason?: string;
}

/**
 * Starts all systems afresh, then goes round them, so that what the machine does meanwhile falls on
 * all alike. A system that answers wrongly is out of the lane; the others go on.
 */
export async function runLoadLane(lane: LoadLane, options: LaneOptions): Promise<LaneRow[]> {
  const { systems, upstream, rounds, deadlineMs, say } = options;
  const entries = systems.map((system) => ({ system, rounds: [] as Measurement[], reason: '' }));
  const running = new Map<System, RunningSystem>();
  const { payloadBytes } = upstream.writtenOf(lane.answer);
  for (const entry of entries) {
    const started = await startSystem(entry.system, lane, options);
    if (typeof started === 'string') {
      entry.reason = started;
    } else {
      running.set(entry.system, started);
    }
  }
  for (let round = 0; round < rounds; round += 1) {
    if (round > 0 && performance.now() > deadlineMs) {
      say(`${lane.title}: no time for more than ${round} of ${rounds} rounds`);
      break;
    }
    for (const entry of entries) {
      const system = running.get(entry.system);
      if (system === undefined || entry.reason !== '') {
        continue;
      }
      try {
        entry.rounds.push(await measure(system, lane, payloadBytes));
      } catch (error) {
        if (!(error instanceof VoidRun)) {
          throw error;
        }
        entry.reason = `void: ${error.message}`;
        say(`${lane.title}: ${entry.system.title}: ${entry.reason}`);
      }
    }
    say(`${lane.title}: round ${round + 1} of ${rounds} done`);
  }
  await Promise.all([...running.values()].map((system) => system.stop()));
  return entries.map(({ system, rounds: measured, reason }) => ({
    system,
    rounds: reason === '' ? measured : [],
    ...(reason === '' ? {} : { reason }),
  }));
}

/** The running system, or why it does not run. */
async function startSystem(
  system: System,
  lane: LoadLane,
  { upstream, folder, say }: LaneOptions,
): Promise<RunningSystem | string> {
  const own = join(folder, `${lane.name}-${system.name}`);
  await mkdir(own, { recursive: true });
  try {
    return await system.start({ upstreamUrl: upstream.urlOf(lane.answer), folder: own });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    say(`${lane.title}: ${system.title} did not start: ${reason}`);
    return `did not start: ${reason}`;
  }
}

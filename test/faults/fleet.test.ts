import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import {
  checkFleet,
  type Fleet,
  openFleet,
  REPLICAS,
  runTraffic,
  skipWithoutFleet,
} from '../support/fleet.ts';
import { KINDS } from '../support/fleet-traffic.ts';

/** `EASEL_FLEET_SECONDS=60 EASEL_FLEET_KILL_SECONDS=5` is the full run. */
const RUN_MS = Number(process.env['EASEL_FLEET_SECONDS'] ?? 12) * 1000;
const KILL_EVERY_MS = Number(process.env['EASEL_FLEET_KILL_SECONDS'] ?? 3) * 1000;

/** Kills one after the other, each in its turn, and starts it again; how many it were. */
async function killInTurn({ replicas, start }: Fleet, over: AbortSignal): Promise<number> {
  let kills = 0;
  while (!over.aborted) {
    await wait(KILL_EVERY_MS);
    const index = kills % REPLICAS;
    await replicas[index]?.kill();
    kills += 1;
    await start(index);
  }
  return kills;
}

test(
  'three replicas behind nginx, of which one is killed again and again: no charge is lost or doubled',
  { skip: skipWithoutFleet, timeout: RUN_MS + 180_000 },
  async (context) => {
    const fleet = await openFleet(context);
    const over = AbortSignal.timeout(RUN_MS);
    const [outcomes, kills] = await Promise.all([runTraffic(fleet, over), killInTurn(fleet, over)]);
    context.diagnostic(`${kills} kills, ${await checkFleet(fleet, outcomes)}`);
    assert.ok(kills > 0 && outcomes.length > kills * KINDS.length);
  },
);

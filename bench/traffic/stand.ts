import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { GENERATIONS_PATH } from '../answers.ts';
import type { Target } from '../connection.ts';
import { temporaryFolder } from '../processes.ts';
import type { NodeUpstream } from '../node-upstream.ts';
import { startSlowUpstream } from '../slow-upstream.ts';
import { type RunningEasel, startEasel } from '../systems/easel.ts';

/** Easel with its defaults on one core, before an upstream that takes its time, on the other. */
export interface Stand {
  readonly easel: RunningEasel;
  readonly upstream: NodeUpstream;
  /** Easel's data folder. */
  readonly home: string;
  /** Another customer: an account with money, and a key with those limits. */
  readonly customer: (name: string, limits?: Readonly<Record<string, number>>) => Promise<Target>;
  /** What the audit of its ledger finds: nothing, always. */
  readonly auditProblems: () => Promise<readonly string[]>;
  readonly stop: () => Promise<void>;
}

const CREDIT_USD = 1_000_000;

/** `environment`: settings of Easel that are not its defaults. */
export async function startStand(
  environment: Readonly<Record<string, string>> = {},
): Promise<Stand> {
  const folder = temporaryFolder();
  const upstream = await startSlowUpstream(folder);
  const home = join(folder, 'easel');
  await mkdir(home);
  const easel = await startEasel(
    { upstreamUrl: upstream.url, folder: home },
    { keyKind: 'live', path: GENERATIONS_PATH, environment },
  );
  const { admin } = easel;
  return {
    easel,
    upstream,
    home,
    customer: async (name, limits) => {
      const { id } = await ask<{ id: string }>(admin, '/accounts', { name });
      const credit = { mode: 'live', amount_usd: CREDIT_USD };
      await ask(admin, `/accounts/${id}/credits`, credit);
      const wanted = { account_id: id, mode: 'live', name, ...(limits && { limits }) };
      const { secret } = await ask<{ secret: string }>(admin, '/keys', wanted);
      return { url: easel.url, headers: { authorization: `Bearer ${secret}` } };
    },
    auditProblems: async () => (await ask<{ problems: string[] }>(admin, '/audit')).problems,
    stop: async () => {
      await easel.stop();
      await upstream.stop();
    },
  };
}

/** Throws when it was refused. */
async function ask<Answer>(
  { url, key }: RunningEasel['admin'],
  path: string,
  body?: unknown,
): Promise<Answer> {
  const response = await fetch(`${url}${path}`, {
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }),
  });
  if (!response.ok) {
    throw new Error(`${path}: ${response.status} ${await response.text()}`);
  }
  return (await response.json()) as Answer;
}

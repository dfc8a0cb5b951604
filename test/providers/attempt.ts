import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { Failure } from '../../src/base/errors.ts';
import { createLog } from '../../src/base/log.ts';
import { createEgress, type EgressOptions } from '../../src/egress/upstream.ts';
import { binaryChunks } from '../../src/payload/base64.ts';
import { type ImageHeader, probe } from '../../src/payload/probe.ts';
import { createSpool } from '../../src/payload/spool.ts';
import type { ProviderAccount } from '../../src/providers/account.ts';
import type { ImageTask, Provider, Receipt } from '../../src/providers/provider.ts';

export interface AttemptImage {
  readonly bytes: Buffer;
  readonly header: ImageHeader | undefined;
  readonly seed?: number;
  readonly revisedPrompt?: string;
}

/** What a provider made of a task. */
export interface Attempt {
  /** The types of its events, in order. */
  readonly events: readonly string[];
  readonly images: readonly AttemptImage[];
  readonly failures: readonly Failure[];
  readonly receipt: Receipt;
}

/** An adapter joined to a simulator by a real way out, over real HTTP. */
export interface TryOut extends AsyncDisposable {
  readonly provider: Provider;
  readonly attempt: (task: Partial<ImageTask>, signal?: AbortSignal) => Promise<Attempt>;
  /** The same, event by event. */
  readonly generate: (
    task: Partial<ImageTask>,
    signal?: AbortSignal,
  ) => ReturnType<Provider['generate']>;
  /** The Failure that the attempt ends with; fails when it ends with none. */
  readonly failure: (task: Partial<ImageTask>, signal?: AbortSignal) => Promise<Failure>;
  /** What was written to the log, warnings and worse. */
  readonly logged: () => string;
}

export interface TryOutOptions {
  readonly create: (account: ProviderAccount) => Provider;
  readonly baseUrl: string;
  readonly apiKey?: string;
  /** What each task has unless it is told otherwise. */
  readonly task: Partial<ImageTask> & Pick<ImageTask, 'upstreamModel'>;
  readonly egress?: Partial<EgressOptions>;
}

const PLAIN_TASK = {
  prompt: 'a red house by the sea',
  n: 1,
  parameters: {},
  upstreamParameters: {},
  passthrough: {},
  format: 'jpeg',
  stream: false,
  partialImages: 0,
  references: [],
  size: { width: 1024, height: 1024 },
} as const satisfies Partial<ImageTask>;

export async function tryOut(options: TryOutOptions): Promise<TryOut> {
  const { create, baseUrl, apiKey } = options;
  const folder = await mkdtemp(join(tmpdir(), 'easel-provider-'));
  const lines: string[] = [];
  const log = createLog({ level: 'warn', destination: { write: (line) => void lines.push(line) } });
  const egress = createEgress({ baseUrl, trustedHosts: new Set(), log, ...options.egress });
  const provider = create({
    name: 'simulated',
    egress,
    baseUrl,
    settings: {},
    ...(apiKey === undefined ? {} : { apiKey }),
  });
  // Little memory, so that pictures lie on the disk as well.
  const spool = createSpool({ folder, memoryBytes: 64 * 1024 });
  const generate: TryOut['generate'] = (task, signal = new AbortController().signal) =>
    provider.generate(
      { ...PLAIN_TASK, ...options.task, ...task },
      { signal, log, spool: spool.keep },
    );
  const attempt: TryOut['attempt'] = (task, signal) => collect(generate(task, signal));
  return {
    provider,
    attempt,
    generate,
    failure: async (task, signal) => {
      try {
        await attempt(task, signal);
      } catch (error) {
        if (error instanceof Failure) {
          return error;
        }
        throw error;
      }
      throw new Error('the attempt did not fail');
    },
    logged: () => lines.join(''),
    [Symbol.asyncDispose]: async () => {
      await spool.dispose();
      await egress.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function collect(run: ReturnType<Provider['generate']>): Promise<Attempt> {
  const events: string[] = [];
  const images: AttemptImage[] = [];
  const failures: Failure[] = [];
  for (;;) {
    const step = await run.next();
    if (step.done === true) {
      return { events, images, failures, receipt: step.value };
    }
    const event = step.value;
    events.push(event.type);
    if (event.type === 'image') {
      const { payload, type: _type, ...facts } = event;
      const bytes = await buffer(binaryChunks(payload));
      images.push({ bytes, header: probe(bytes), ...facts });
    } else if (event.type === 'image_failed') {
      failures.push(event.reason as Failure);
    }
  }
}

import { addUsage, type TokenUsage } from '../base/usage.ts';
import type { Nanousd } from '../base/money.ts';
import type {
  ImageTask,
  Provider,
  ProviderContext,
  ProviderEvent,
  Receipt,
  UpstreamJob,
} from '../providers/provider.ts';

/** What one of several calls came to. */
interface CallResult {
  readonly events: readonly ProviderEvent[];
  readonly receipt: Receipt;
}

/**
 * An engine that makes more pictures than its upstream gives in one call: by several calls at once,
 * their pictures in the order of the calls. Each picture is kept whole until its turn, since the
 * death of one must not spoil its paid siblings. A call that fails costs its own pictures only.
 */
export function fanOut(provider: Provider, imagesPerCall: number): Provider {
  return {
    ...provider,
    generate: (task, context) =>
      task.n <= imagesPerCall
        ? provider.generate(task, context)
        : generateInCalls(provider, splitTask(task, imagesPerCall), context),
  };
}

/** A job that an upstream has taken, and the part of the task that it is for. */
export interface TakenJob {
  readonly job: UpstreamJob;
  readonly n: number;
  readonly seed?: number;
}

/**
 * Takes up the jobs of a request, perhaps of a process that died since: it waits for their pictures
 * and buys nothing. Throws when the engine cannot.
 */
export function resumeJobs(
  provider: Provider,
  jobs: readonly TakenJob[],
  task: ImageTask,
  context: ProviderContext,
): AsyncGenerator<ProviderEvent, Receipt, void> {
  const { resume } = provider;
  if (resume === undefined) {
    throw new Error(`${provider.name} cannot take up a job`);
  }
  const calls = jobs.map(({ job, n, seed }) => ({
    n,
    start: (own: ProviderContext) =>
      resume(job, { ...task, n, ...(seed === undefined ? {} : { seed }) }, own),
  }));
  return runCalls(calls, context);
}

function generateInCalls(
  provider: Provider,
  tasks: readonly ImageTask[],
  context: ProviderContext,
): AsyncGenerator<ProviderEvent, Receipt, void> {
  const calls = tasks.map((task) => ({
    n: task.n,
    start: (own: ProviderContext) => tellingOfJobs(provider.generate(task, own), task, own),
  }));
  return runCalls(calls, context);
}

/** One of several calls, not begun yet. */
interface Call {
  readonly n: number;
  readonly start: (context: ProviderContext) => AsyncGenerator<ProviderEvent, Receipt, void>;
}

/** Passes everything on but the news of jobs, which must not wait for its turn. */
async function* tellingOfJobs(
  events: AsyncGenerator<ProviderEvent, Receipt, void>,
  task: ImageTask,
  { submitted }: ProviderContext,
): AsyncGenerator<ProviderEvent, Receipt, void> {
  try {
    for (;;) {
      const step = await events.next();
      if (step.done === true) {
        return step.value;
      }
      if (step.value.type === 'submitted') {
        await submitted?.(step.value.job, task);
      } else {
        yield step.value;
      }
    }
  } finally {
    await events.return({ upstreamIds: [] });
  }
}

async function* runCalls(
  starts: readonly Call[],
  context: ProviderContext,
): AsyncGenerator<ProviderEvent, Receipt, void> {
  const abort = new AbortController();
  const signal = AbortSignal.any([context.signal, abort.signal]);
  const calls = starts.map(({ start }) => runCall(start, { ...context, signal }));
  // A call may fail while an earlier one is still awaited.
  for (const call of calls) {
    call.catch(() => undefined);
  }
  const receipts: Receipt[] = [];
  try {
    for (const [index, call] of calls.entries()) {
      try {
        const { events, receipt } = await call;
        yield* events;
        receipts.push(receipt);
      } catch (error) {
        context.signal.throwIfAborted();
        const reason = error instanceof Error ? error : new Error(String(error));
        for (let lost = starts[index]?.n ?? 0; lost > 0; lost -= 1) {
          yield { type: 'image_failed', reason };
        }
      }
    }
  } finally {
    abort.abort();
  }
  return joinReceipts(receipts);
}

/** Runs one call to its end. Partial pictures of several pictures at once are not passed on. */
async function runCall(start: Call['start'], context: ProviderContext): Promise<CallResult> {
  const end = new AbortController();
  const signal = AbortSignal.any([context.signal, end.signal]);
  const generator = start({ ...context, signal });
  const events: ProviderEvent[] = [];
  try {
    for (;;) {
      const step = await generator.next();
      if (step.done === true) {
        return { events, receipt: step.value };
      }
      const event = step.value;
      if (event.type === 'image') {
        events.push({ ...event, payload: await context.spool(event.payload) });
      } else if (event.type !== 'partial') {
        events.push(event);
      }
    }
  } catch (error) {
    // A picture that broke off while it was kept: whoever fetches it learns why it ends here.
    end.abort(error);
    void generator.return({ upstreamIds: [] }).catch(() => undefined);
    throw error;
  }
}

/** Upwards, and downwards where an upstream's largest seed (31 bits at the least) is near. */
function nextSeed(seed: number | undefined, step: number): { readonly seed?: number } {
  if (seed === undefined) {
    return {};
  }
  return { seed: seed + step < 2 ** 31 ? seed + step : seed - step };
}

/** The same seed would make the same picture in every call: each gets the next one. */
function splitTask(task: ImageTask, imagesPerCall: number): ImageTask[] {
  const tasks: ImageTask[] = [];
  for (let made = 0; made < task.n; made += imagesPerCall) {
    const n = Math.min(imagesPerCall, task.n - made);
    tasks.push({ ...task, ...nextSeed(task.seed, made), n });
  }
  return tasks;
}

/** One receipt for all. An upstream's own cost counts only if every call named one. */
function joinReceipts(receipts: readonly Receipt[]): Receipt {
  const [first] = receipts;
  const tokens = sum<TokenUsage>(
    receipts.map((receipt) => receipt.tokens),
    addUsage,
  );
  const upstreamCost = sum<Nanousd>(
    receipts.map((receipt) => receipt.upstreamCost),
    (a, b) => a + b,
  );
  return {
    ...first,
    upstreamIds: receipts.flatMap((receipt) => receipt.upstreamIds),
    ...(tokens === undefined ? {} : { tokens }),
    ...(upstreamCost === undefined ? {} : { upstreamCost }),
  };
}

/** Undefined as soon as one of them is. */
function sum<Value>(
  values: readonly (Value | undefined)[],
  add: (a: Value, b: Value) => Value,
): Value | undefined {
  const [first, ...others] = values;
  return others.reduce(
    (total, value) => (total === undefined || value === undefined ? undefined : add(total, value)),
    first,
  );
}

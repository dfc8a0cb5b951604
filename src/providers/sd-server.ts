import { Failure } from '../base/errors.ts';
import { randomSeed } from '../base/ids.ts';
import { UpstreamFailure } from '../base/upstream-failure.ts';
import type { EgressAnswer } from '../egress/egress.ts';
import { readJson } from '../egress/read-body.ts';
import type { JsonPath, SplicePart } from '../payload/splice.ts';
import { type ProviderAccount, refuseUnknownSettings } from './account.ts';
import { fieldsOf, textOf } from './answer-fields.ts';
import { boughtPayload, troubleAfterPurchase } from './bought.ts';
import { chosenSetting } from './chosen-setting.ts';
import { readRefusal } from './job-refusal.ts';
import { jobSubmission } from './job-submission.ts';
import { discard, poll, pollIntervalMs, type Verdict } from './poll.ts';
import type {
  ImageTask,
  Provider,
  ProviderContext,
  ProviderEvent,
  Receipt,
  UpstreamJob,
} from './provider.ts';
import { holdsBack, imgGenBody, type ImgGenOptions } from './sd-server-request.ts';
import { spliceAnswer } from './splice-answer.ts';
import { brokenAnswer, refusalFailure } from './upstream-errors.ts';

const ANSWER_BYTES_MAX = 1024 * 1024;

/** A picture is lifted out however small it is: nothing else has this key. */
const SPLICING = { keys: ['b64_json'], payloadBytesMin: 1 };

/** A server that loads its model answers late. That an edit is sent comes on top. */
const SUBMIT_MS = 120_000;
const FIRST_BYTE_MS = 30_000;

/**
 * A stable-diffusion.cpp `sd-server`, by its native interface (`examples/server/api.md`,
 * `routes_sdcpp.cpp`, `async_jobs.cpp`, August 2026; PROVIDERS §7.1): a POST joins its queue, the
 * job is asked for until its answer holds the pictures, which pass through while they arrive. A job
 * that waits can be cancelled, one that is being painted cannot. Nothing is ever billed, and a
 * finished job can be asked for until it expires.
 *
 * Settings of the account: `poll_interval_ms` (250; grows to eight times that), `init_image`
 * (`with_mask`; `always` for a model that knows no reference pictures and begins from one instead).
 * An API key is sent as `Authorization: Bearer`, for a proxy in front: the server knows none.
 */
export function createSdServer(account: ProviderAccount): Provider {
  refuseUnknownSettings(account, ['poll_interval_ms', 'init_image']);
  const initImage = chosenSetting(account, 'init_image', ['with_mask', 'always']);
  const intervalMs = pollIntervalMs(account);
  return {
    name: account.name,
    holdsBack,
    async *generate(task, context) {
      const job = await submit(account, initImage, { task, context });
      yield { type: 'submitted', job };
      return yield* resume({ account, intervalMs, task, context }, job);
    },
    resume: (job, task, context) => resume({ account, intervalMs, task, context }, job),
    cancel: (job, context) => cancel(account, job, context),
  };
}

interface Waiting {
  readonly account: ProviderAccount;
  readonly intervalMs: number;
  readonly task: ImageTask;
  readonly context: ProviderContext;
}

async function submit(
  account: ProviderAccount,
  initImage: ImgGenOptions['initImage'],
  { task, context }: { readonly task: ImageTask; readonly context: ProviderContext },
): Promise<UpstreamJob> {
  const { name: provider, egress, baseUrl } = account;
  // The server draws a seed of its own without telling it: a picture could not be made again.
  const seed = task.seed ?? randomSeed();
  const document = await imgGenBody(task, { seed, initImage });
  const submission = jobSubmission(task, { document, acceptMs: SUBMIT_MS });
  const answer = await egress.request({
    ...submission,
    method: 'POST',
    url: `${baseUrl}/sdcpp/v1/img_gen`,
    headers: { ...submission.headers, ...credential(account) },
    signal: context.signal,
  });
  if (answer.status !== 202 && answer.status !== 200) {
    throw refusalFailure(await readRefusal(provider, answer));
  }
  const id = textOf(fieldsOf(await readJson(answer, ANSWER_BYTES_MAX))['id']);
  if (id === undefined) {
    throw brokenAnswer(provider, 'a submit answer without an id');
  }
  return { id, pollUrl: jobUrl(account, id), cancelUrl: `${jobUrl(account, id)}/cancel`, seed };
}

/** Built, not taken from the answer: that names a path which knows nothing of a proxy's prefix. */
function jobUrl({ baseUrl }: ProviderAccount, id: string): string {
  return `${baseUrl}/sdcpp/v1/jobs/${encodeURIComponent(id)}`;
}

async function* resume(
  { account, intervalMs, task, context }: Waiting,
  job: UpstreamJob,
): AsyncGenerator<ProviderEvent, Receipt, void> {
  const { name: provider, egress } = account;
  const { signal, log } = context;
  const parts = await poll({
    provider,
    signal,
    log,
    intervalMs,
    ask: () =>
      egress.request({
        method: 'GET',
        url: jobUrl(account, job.id),
        headers: credential(account),
        signal,
        firstByteMs: FIRST_BYTE_MS,
      }),
    judge: (answer) => judge(provider, answer),
  });
  const seed = task.seed ?? job.seed;
  let images = 0;
  try {
    for (let part = await parts.next(); part !== undefined; part = await parts.next()) {
      if (part.type === 'document') {
        checkCompleted(provider, part.value);
      } else if (isPicture(part.path) && images < task.n) {
        const payload = boughtPayload(part.payload, { provider, signal });
        yield { type: 'image', payload, ...(seed === undefined ? {} : { seed: seed + images }) };
        images += 1;
      }
    }
  } catch (error) {
    throw troubleAfterPurchase(error, { provider, signal });
  } finally {
    await parts.close();
  }
  for (; images < task.n; images += 1) {
    yield { type: 'image_failed', reason: brokenAnswer(provider, 'fewer pictures than asked for') };
  }
  return { upstreamIds: [job.id] };
}

/** The answer of a finished job while it arrives. */
interface ArrivingJob {
  readonly next: () => Promise<SplicePart | undefined>;
  readonly close: () => Promise<void>;
}

/**
 * An answer to a poll. Only that of a completed job holds a picture, which stands before the
 * status; anything else is a small document.
 */
async function judge(provider: string, answer: EgressAnswer): Promise<Verdict<ArrivingJob>> {
  if (answer.status !== 200) {
    await discard(answer);
    return { state: 'failed', reason: lost(provider, answer.status) };
  }
  const parts = spliceAnswer(provider, answer, SPLICING);
  const step = await parts.next();
  const first = step.done === true ? undefined : step.value;
  if (first?.type === 'payload') {
    return { state: 'settled', result: arrivingJob(first, parts) };
  }
  await parts.return();
  return verdictOf(provider, first?.value);
}

function arrivingJob(
  first: SplicePart,
  parts: AsyncGenerator<SplicePart, void, void>,
): ArrivingJob {
  let held: SplicePart | undefined = first;
  return {
    next: async () => {
      const part = held;
      held = undefined;
      const step = part === undefined ? await parts.next() : undefined;
      return part ?? (step?.done === true ? undefined : step?.value);
    },
    close: async () => {
      await parts.return();
    },
  };
}

/** `result.images[0].b64_json`: the same key elsewhere is something else. */
function isPicture(path: JsonPath): boolean {
  return path.length === 4 && path[0] === 'result' && path[1] === 'images';
}

/** What a job's document without a picture says. */
function verdictOf(provider: string, document: unknown): Verdict<ArrivingJob> {
  const fields = fieldsOf(document);
  const status = String(fields['status']);
  switch (status) {
    case 'queued':
    case 'generating':
      return { state: 'pending' };
    case 'cancelled': {
      const internal = `${provider}: the job was cancelled there`;
      return { state: 'failed', reason: new Failure('request_cancelled', { internal }) };
    }
    case 'failed': {
      const code = textOf(fieldsOf(fields['error'])['code'])?.replaceAll(/\W/g, '_').slice(0, 40);
      return { state: 'failed', reason: unmade(provider, `the job failed (${code ?? 'no code'})`) };
    }
    case 'completed':
      return { state: 'failed', reason: brokenAnswer(provider, 'a job without a picture') };
    default: {
      const reason = brokenAnswer(provider, `the job's status is ${status.slice(0, 40)}`);
      return { state: 'failed', reason };
    }
  }
}

/** A picture came, so its job must say that it is completed. */
function checkCompleted(provider: string, document: unknown): void {
  const { status } = fieldsOf(document);
  if (status !== 'completed') {
    throw brokenAnswer(provider, 'pictures of a job that is not completed');
  }
}

/** 404: the server has started again since. 410: nobody asked for the finished job in time. */
function lost(provider: string, status: number): Failure {
  return status === 404
    ? unmade(provider, 'the job is not known')
    : brokenAnswer(provider, status === 410 ? 'the job has expired' : `polling got ${status}`);
}

/** It is certain that there is no picture, and this server bills nothing: it may be tried again. */
function unmade(provider: string, what: string): Failure {
  return new UpstreamFailure('upstream_error', { billed: 'no', internal: `${provider}: ${what}` });
}

/** A waiting job is taken out of the queue; one that is being painted cannot be stopped (409). */
async function cancel(
  account: ProviderAccount,
  job: UpstreamJob,
  { signal }: ProviderContext,
): Promise<boolean> {
  const { name: provider, egress } = account;
  const url = `${jobUrl(account, job.id)}/cancel`;
  try {
    const headers = credential(account);
    const answer = await egress.request({ method: 'POST', url, headers, signal });
    if (answer.status !== 200) {
      await discard(answer);
      return false;
    }
    // A finished job is answered with 200, too, and with its pictures.
    for await (const part of spliceAnswer(provider, answer, SPLICING)) {
      return part.type === 'document' && fieldsOf(part.value)['status'] === 'cancelled';
    }
    return false;
  } catch {
    signal.throwIfAborted();
    return false;
  }
}

function credential({ apiKey }: ProviderAccount): Record<string, string> {
  return apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` };
}

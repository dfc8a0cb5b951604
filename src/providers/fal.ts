import { Failure } from '../base/errors.ts';
import { UpstreamFailure } from '../base/upstream-failure.ts';
import type { EgressAnswer } from '../egress/egress.ts';
import { readJson } from '../egress/read-body.ts';
import { type ProviderAccount, refuseUnknownSettings } from './account.ts';
import { fieldsOf, textOf } from './answer-fields.ts';
import { refusalAfterPurchase } from './bought.ts';
import { downloadPicture } from './downloaded.ts';
import {
  callersParam,
  type FalEdits,
  falBody,
  FAL_EDIT_SETTINGS,
  holdsBack,
  readFalEdits,
} from './fal-request.ts';
import { falVerdict, type FalResult, readFalResult } from './fal-result.ts';
import { readRefusal } from './job-refusal.ts';
import { jobSubmission } from './job-submission.ts';
import { getNamed, isOwnHost, pollingHosts } from './named-url.ts';
import { discard, poll, pollIntervalMs, type Verdict } from './poll.ts';
import type {
  ImageTask,
  Provider,
  ProviderContext,
  ProviderEvent,
  Receipt,
  UpstreamJob,
} from './provider.ts';
import { brokenAnswer, refusalFailure, type UpstreamRefusal } from './upstream-errors.ts';

/** Where the credential may go beside the base URL. */
const FAL_DOMAINS: readonly string[] = ['fal.run'];

const ANSWER_BYTES_MAX = 1024 * 1024;

/** Joining the queue is quick: the picture is made after it. That an edit is sent comes on top. */
const SUBMIT_MS = 60_000;

/**
 * fal's queue (fal.ai/docs, inference API, "queue", "errors" and "request errors", 2026;
 * @fal-ai/client 1.10.1; PROVIDERS §6): a POST joins it, the status URL is asked until the job is
 * completed, the response URL holds the outcome: pictures with a verdict on each, or the error of
 * the model. Nothing is passed on before its verdict; pictures are addresses unless an operator's
 * card asks for `sync_mode`. The base URL is that of the queue. No cost is named.
 *
 * Settings of the account: `poll_interval_ms` (250; grows to eight times that), `polling_hosts`
 * (further `host:port` that the credential may go to), and those of FalEdits.
 */
export function createFal(account: ProviderAccount): Provider {
  refuseUnknownSettings(account, ['poll_interval_ms', 'polling_hosts', ...FAL_EDIT_SETTINGS]);
  pollingHosts(account);
  const edits = readFalEdits(account);
  const intervalMs = pollIntervalMs(account);
  return {
    name: account.name,
    holdsBack,
    async *generate(task, context) {
      const job = await submit(account, edits, { task, context });
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
  edits: FalEdits,
  { task, context }: { readonly task: ImageTask; readonly context: ProviderContext },
): Promise<UpstreamJob> {
  const { name: provider, egress, baseUrl } = account;
  const document = await falBody(task, edits);
  const submission = jobSubmission(task, { document, acceptMs: SUBMIT_MS });
  const model = task.upstreamModel.split('/').map(encodeURIComponent).join('/');
  const answer = await egress.request({
    ...submission,
    method: 'POST',
    url: `${baseUrl}/${model}`,
    headers: { ...submission.headers, ...credential(account) },
    signal: context.signal,
  });
  if (answer.status !== 200 && answer.status !== 202) {
    throw refusalFailure(await refusalOf(provider, answer));
  }
  const fields = fieldsOf(await readJson(answer, ANSWER_BYTES_MAX));
  const id = textOf(fields['request_id']);
  const pollUrl = textOf(fields['status_url']);
  const resultUrl = textOf(fields['response_url']);
  const cancelUrl = textOf(fields['cancel_url']);
  if (id === undefined || pollUrl === undefined || resultUrl === undefined) {
    throw brokenAnswer(provider, 'a submit answer without an id and its URLs');
  }
  return { id, pollUrl, resultUrl, ...(cancelUrl === undefined ? {} : { cancelUrl }) };
}

async function* resume(
  waiting: Waiting,
  job: UpstreamJob,
): AsyncGenerator<ProviderEvent, Receipt, void> {
  const { account, intervalMs, context } = waiting;
  const { signal, log } = context;
  const common = { provider: account.name, signal, log, intervalMs };
  const get = (url: string) => () =>
    getNamed(account, { url, ownDomains: FAL_DOMAINS, headers: credential(account), signal });
  await poll({ ...common, ask: get(job.pollUrl), judge: (answer) => judge(waiting, answer) });
  const result = await poll({
    ...common,
    startsAtOnce: true,
    ask: get(job.resultUrl ?? ''),
    isPassing: ({ headers }) => !isVerdict(headers),
    judge: (answer) => judgeResult(waiting, answer),
  });
  yield* deliver(waiting, result);
  return { upstreamIds: [job.id] };
}

/** The status of a job: HTTP 202 while it waits or runs, 200 at its end. */
async function judge({ account }: Waiting, answer: EgressAnswer): Promise<Verdict<undefined>> {
  const { name: provider } = account;
  if (answer.status !== 200 && answer.status !== 202) {
    await discard(answer);
    const reason = brokenAnswer(provider, `polling was answered with ${answer.status}`);
    return { state: 'failed', reason };
  }
  const status = String(fieldsOf(await readJson(answer, ANSWER_BYTES_MAX))['status']);
  switch (status) {
    case 'IN_QUEUE':
    case 'IN_PROGRESS':
      return { state: 'pending' };
    case 'COMPLETED':
      return { state: 'settled', result: undefined };
    default: {
      const reason = brokenAnswer(provider, `the job's status is ${status.slice(0, 40)}`);
      return { state: 'failed', reason };
    }
  }
}

/** Whether a 5xx is the outcome of the job and not trouble of the queue's. */
function isVerdict(headers: EgressAnswer['headers']): boolean {
  return 'x-fal-error-type' in headers || 'x-fal-request-timeout-type' in headers;
}

/** fal's status for a job that was cancelled (fal.ai/docs, request errors, 2026). */
const CANCELLED_STATUS = 499;

async function judgeResult(
  { account, context }: Waiting,
  answer: EgressAnswer,
): Promise<Verdict<FalResult>> {
  const { name: provider } = account;
  const { signal } = context;
  if (answer.status === 200) {
    return { state: 'settled', result: await readFalResult(provider, answer, context) };
  }
  const refusal = await refusalOf(provider, answer);
  if (answer.status === CANCELLED_STATUS || refusal.code === 'client_cancelled') {
    const internal = `${provider}: the job was cancelled there`;
    return { state: 'failed', reason: new Failure('request_cancelled', { internal }) };
  }
  const reason = refusalAfterPurchase(refusalFailure(refusal), { provider, signal });
  return { state: 'failed', reason };
}

/** The pictures in order, once all have been judged. */
async function* deliver(
  { account, intervalMs, task, context }: Waiting,
  result: FalResult,
): AsyncGenerator<ProviderEvent, void, void> {
  const { images, seed } = falVerdict(account.name, result, task.n);
  for (const image of images) {
    if (image.state === 'failed') {
      yield { type: 'image_failed', reason: image.reason };
      continue;
    }
    const facts = seed === undefined ? {} : { seed };
    if (image.state === 'whole') {
      yield { type: 'image', payload: image.payload, ...facts };
      continue;
    }
    const { url } = image;
    const download = await downloadPicture(account, { url, context, intervalMs }).catch(
      (error: unknown) => {
        // One lost picture must not take its paid siblings with it.
        if (images.length > 1 && error instanceof UpstreamFailure) {
          return error;
        }
        throw error;
      },
    );
    if (download instanceof UpstreamFailure) {
      yield { type: 'image_failed', reason: download };
      continue;
    }
    try {
      yield { type: 'image', payload: download.payload, ...facts };
    } finally {
      await download.skip();
    }
  }
}

/**
 * True only when fal says that it took the request out of its queue: one that runs gets a signal,
 * and what it then costs is not said (fal.ai/docs, "cancel a request", 2026).
 */
async function cancel(
  account: ProviderAccount,
  job: UpstreamJob,
  { signal }: ProviderContext,
): Promise<boolean> {
  const { cancelUrl: url } = job;
  if (url === undefined || !isOwnHost(account, { url, ownDomains: FAL_DOMAINS })) {
    return false;
  }
  try {
    const headers = credential(account);
    const answer = await account.egress.request({ method: 'PUT', url, headers, signal });
    const { status } = fieldsOf(await readJson(answer, ANSWER_BYTES_MAX));
    return answer.status < 300 && status === 'OK';
  } catch (error) {
    if (error instanceof UpstreamFailure) {
      return false;
    }
    throw error;
  }
}

/** The refusal, with the caller's own word for the field. */
async function refusalOf(provider: string, answer: EgressAnswer): Promise<UpstreamRefusal> {
  const refusal = await readRefusal(provider, answer);
  const { param } = refusal;
  return param === undefined ? refusal : { ...refusal, param: callersParam(param) };
}

function credential({ apiKey }: ProviderAccount): Record<string, string> {
  return apiKey === undefined ? {} : { authorization: `Key ${apiKey}` };
}

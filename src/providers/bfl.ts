import { Failure } from '../base/errors.ts';
import { formatUsd, parseUsd } from '../base/money.ts';
import type { EgressAnswer } from '../egress/egress.ts';
import { readJson } from '../egress/read-body.ts';
import { Base64Value } from '../egress/streamed-body.ts';
import type { ReferencePicture } from '../payload/reference.ts';
import { type ProviderAccount, refuseUnknownSettings } from './account.ts';
import { countOf, type Fields, fieldsOf, textOf } from './answer-fields.ts';
import { downloadPicture } from './downloaded.ts';
import { readRefusal } from './job-refusal.ts';
import { jobSubmission } from './job-submission.ts';
import { getNamed, pollingHosts } from './named-url.ts';
import { discard, poll, pollIntervalMs, settingMs, type Verdict } from './poll.ts';
import type {
  ImageTask,
  Provider,
  ProviderContext,
  ProviderEvent,
  Receipt,
  UpstreamJob,
} from './provider.ts';
import {
  brokenAnswer,
  contentRefused,
  refusalFailure,
  type UpstreamRefusal,
} from './upstream-errors.ts';

/** Where the credential may go beside the base URL: polling happens on clusters, `api.eu2.bfl.ai`. */
const BFL_DOMAINS: readonly string[] = ['bfl.ai'];

/** The submit answer, and each answer to a poll. */
const ANSWER_BYTES_MAX = 1024 * 1024;

/** Taking a job is quick: the picture is made after it. That an edit is sent comes on top. */
const SUBMIT_MS = 60_000;

/** A cluster may not know a job yet that another has just taken. */
const NOT_FOUND_GRACE_MS = 2000;

/**
 * Black Forest Labs' FLUX (docs.bfl.ai, "generate images", "get result", "errors", 2026; PROVIDERS
 * §3, November 2026): a POST takes the job and names its cost, the polling URL is asked until the
 * picture is ready, which is then downloaded from a signed address that lives for ten minutes. One
 * image a call. An edit goes to the same address, with its pictures. There is no way to cancel.
 *
 * Settings of the account: `poll_interval_ms` (250; grows to eight times that), `not_found_grace_ms`
 * (2000), `polling_hosts` (further `host:port` that the credential may go to).
 */
export function createBfl(account: ProviderAccount): Provider {
  refuseUnknownSettings(account, ['poll_interval_ms', 'not_found_grace_ms', 'polling_hosts']);
  pollingHosts(account);
  const bfl: Bfl = {
    account,
    intervalMs: pollIntervalMs(account),
    graceMs: settingMs(account, 'not_found_grace_ms', NOT_FOUND_GRACE_MS),
  };
  return {
    name: account.name,
    holdsBack: (field) => FOREIGN.test(field),
    async *generate(task, context) {
      const job = await submit(account, task, context);
      yield { type: 'submitted', job };
      return yield* resume(bfl, job, context);
    },
    resume: (job, _task, context) => resume(bfl, job, context),
  };
}

interface Bfl {
  readonly account: ProviderAccount;
  readonly intervalMs: number;
  readonly graceMs: number;
}

interface Ready {
  readonly sampleUrl: string;
  readonly seed?: number;
}

async function submit(
  account: ProviderAccount,
  task: ImageTask,
  { signal }: ProviderContext,
): Promise<UpstreamJob> {
  if (task.mask !== undefined) {
    throw new Failure('mask_not_supported', { param: 'mask' });
  }
  const { name: provider, egress, baseUrl } = account;
  const submission = jobSubmission(task, { document: requestBody(task), acceptMs: SUBMIT_MS });
  const answer = await egress.request({
    ...submission,
    method: 'POST',
    url: `${baseUrl}/v1/${encodeURIComponent(task.upstreamModel)}`,
    headers: { ...submission.headers, ...credential(account) },
    signal,
  });
  if (answer.status !== 200) {
    throw refusalFailure(await refusalOf(provider, answer));
  }
  const fields = fieldsOf(await readJson(answer, ANSWER_BYTES_MAX));
  const id = textOf(fields['id']);
  const pollUrl = textOf(fields['polling_url']);
  if (id === undefined || pollUrl === undefined) {
    throw brokenAnswer(provider, 'a submit answer without an id and a polling URL');
  }
  const costUsd = usdOfCredits(fields['cost']);
  return { id, pollUrl, ...(costUsd === undefined ? {} : { costUsd }) };
}

/** The card's names are BFL's own: width, height, safety_tolerance, steps, guidance. */
function requestBody(task: ImageTask): object {
  const passthrough = Object.entries(task.passthrough).filter(([name]) => !FOREIGN.test(name));
  return {
    ...Object.fromEntries(passthrough),
    ...task.parameters,
    ...task.upstreamParameters,
    ...(task.seed === undefined ? {} : { seed: task.seed }),
    prompt: task.prompt,
    output_format: task.format,
    ...inputImages(task.references),
  };
}

/** `input_image`, `input_image_2` … in the caller's order, as bare base64 (PROVIDERS §3.2). */
function inputImages(
  references: readonly ReferencePicture[],
): Readonly<Record<string, Base64Value>> {
  return Object.fromEntries(
    references.map((picture, index) => [
      index === 0 ? 'input_image' : `input_image_${index + 1}`,
      new Base64Value(picture),
    ]),
  );
}

/** The refusal, with the caller's own word for the pictures. */
async function refusalOf(provider: string, answer: EgressAnswer): Promise<UpstreamRefusal> {
  const refusal = await readRefusal(provider, answer);
  return refusal.param?.startsWith('input_image') === true
    ? { ...refusal, param: 'image' }
    : refusal;
}

/** Delivery behind our back, and pictures, which have a price and rules of their own. */
const FOREIGN = /^(webhook|input_image|image|mask|control_image)/i;

async function* resume(
  bfl: Bfl,
  job: UpstreamJob,
  context: ProviderContext,
): AsyncGenerator<ProviderEvent, Receipt, void> {
  const { account, intervalMs } = bfl;
  const { name: provider } = account;
  const { signal, log } = context;
  const graceEndsAt = performance.now() + bfl.graceMs;
  const { sampleUrl, seed } = await poll({
    provider,
    signal,
    log,
    intervalMs,
    ask: () =>
      getNamed(account, {
        url: job.pollUrl,
        ownDomains: BFL_DOMAINS,
        headers: credential(account),
        signal,
      }),
    judge: (answer) => judge(provider, answer, performance.now() < graceEndsAt),
  });
  const download = await downloadPicture(account, { url: sampleUrl, context, intervalMs });
  try {
    yield { type: 'image', payload: download.payload, ...(seed === undefined ? {} : { seed }) };
  } finally {
    await download.skip();
  }
  return {
    upstreamIds: [job.id],
    ...(job.costUsd === undefined ? {} : { upstreamCost: parseUsd(job.costUsd) }),
  };
}

/** The statuses of docs.bfl.ai, "get result": all come with HTTP 200. */
async function judge(
  provider: string,
  answer: EgressAnswer,
  isFresh: boolean,
): Promise<Verdict<Ready>> {
  if (answer.status === 404) {
    await discard(answer);
    return notFound(provider, isFresh);
  }
  if (answer.status !== 200) {
    await discard(answer);
    return failed(provider, `polling was answered with ${answer.status}`);
  }
  const fields = fieldsOf(await readJson(answer, ANSWER_BYTES_MAX));
  const status = String(fields['status']);
  switch (status) {
    case 'Pending':
      return { state: 'pending' };
    case 'Ready':
      return ready(provider, fieldsOf(fields['result']));
    case 'Request Moderated':
    case 'Content Moderated':
      return {
        state: 'failed',
        reason: contentRefused({ provider, status: answer.status, code: status }),
      };
    case 'Task not found':
      return notFound(provider, isFresh);
    default:
      return failed(provider, `the job ended as ${status.slice(0, 40)}`);
  }
}

function ready(provider: string, result: Fields): Verdict<Ready> {
  const sampleUrl = textOf(result['sample']);
  const seed = countOf(result['seed']);
  return sampleUrl === undefined
    ? failed(provider, 'a job is ready without a picture')
    : { state: 'settled', result: { sampleUrl, ...(seed === undefined ? {} : { seed }) } };
}

function notFound(provider: string, isFresh: boolean): Verdict<Ready> {
  return isFresh ? { state: 'pending' } : failed(provider, 'the job is not known');
}

function failed(provider: string, what: string): Verdict<Ready> {
  return { state: 'failed', reason: brokenAnswer(provider, what) };
}

function credential({ apiKey }: ProviderAccount): Record<string, string> {
  return apiKey === undefined ? {} : { 'x-key': apiKey };
}

/** Seven decimals of a credit are nano-dollars; what is finer is noise of a float. */
const CREDIT_DECIMALS = 7;
const CREDITS_PER_USD = 100n;
const CREDITS_MAX = 1e9;

/** 1 credit is USD 0.01 (docs.bfl.ai, pricing, 2026). Undefined when it is no amount. */
function usdOfCredits(cost: unknown): string | undefined {
  return typeof cost === 'number' && cost >= 0 && cost < CREDITS_MAX
    ? formatUsd(parseUsd(cost.toFixed(CREDIT_DECIMALS)) / CREDITS_PER_USD)
    : undefined;
}

import { randomUUID } from 'node:crypto';
import { asObject } from '../json.ts';
import { FAL_MODELS, type FalRefusal, readFalBody, sizeOf } from './fal-rules.ts';
import type { Fault } from './faults.ts';
import type { ReceivedEdit } from './received-edit.ts';
import { type ReceivedRequest, Simulator, type SimulatorAnswer } from './simulator.ts';
import { solidPicture } from './solid-picture.ts';

/** How the next job goes, where it is not simply made. */
export interface FalJobPlan {
  /** Polls that are answered with `IN_QUEUE`, 1 when absent, and then with `IN_PROGRESS`, 1. */
  readonly queuePolls?: number;
  readonly progressPolls?: number;
  /** The verdict on each picture; all are harmless when absent. */
  readonly nsfw?: readonly boolean[];
  /** So many pictures, whatever was asked for. */
  readonly images?: number;
  /** Addresses of pictures, in place of our own CDN's. */
  readonly urls?: readonly string[];
  /** The one picture stands in `image`. */
  readonly isSingle?: boolean;
  /** What the response URL answers, in place of a result. */
  readonly outcome?: SimulatorAnswer;
  /** What the pictures are, in place of pictures. */
  readonly picture?: Buffer;
}

/** Which requests the queued faults strike. */
export type FalPlace = 'submit' | 'status' | 'response' | 'cancel';

export interface FalSimulator extends AsyncDisposable {
  /** The queue; its purchases are the requests that joined it. */
  readonly upstream: Simulator;
  readonly cdn: Simulator;
  /** For `FAL_BASE_URL`. */
  readonly baseUrl: string;
  readonly apiKey: string;
  /** `host:port` of the CDN, which lies on loopback. */
  readonly cdnHost: string;
  readonly nextJobs: (...plans: readonly FalJobPlan[]) => void;
  /** One for each edit that joined the queue and whose body its model can read. */
  readonly edits: readonly ReceivedEdit[];
  /** `submit` at first. */
  faultsAt: FalPlace;
  /** Where the URLs of further jobs point to, in place of the queue's own origin. */
  jobsOrigin: string | undefined;
}

interface Job {
  readonly id: string;
  readonly plan: FalJobPlan;
  readonly body: Readonly<Record<string, unknown>>;
  polls: number;
  isCancelled: boolean;
}

interface State {
  readonly jobs: Map<string, Job>;
  readonly plans: FalJobPlan[];
  readonly edits: ReceivedEdit[];
}

const API_KEY = 'simulated-id:simulated-secret';

/** fal's queue as of November 2026, with its CDN on another port. */
export async function startFal({ port = 0 }: { port?: number } = {}): Promise<FalSimulator> {
  const state: State = { jobs: new Map(), plans: [], edits: [] };
  const errorBody = (status: number): unknown => ({ detail: `simulated ${status}` });
  const cdn: Simulator = await Simulator.start({
    takesFault: () => true,
    errorBody,
    answer: (request) => deliver(request, state, cdn),
  });
  const upstream: Simulator = await Simulator.start({
    port,
    errorBody,
    takesFault: (request) => placeOf(request) === simulator.faultsAt,
    answer: (request, fault) => answer(request, fault, { state, simulator }),
  });
  const simulator: FalSimulator = {
    upstream,
    cdn,
    baseUrl: upstream.url,
    apiKey: API_KEY,
    cdnHost: new URL(cdn.url).host,
    nextJobs: (...plans) => void state.plans.push(...plans),
    edits: state.edits,
    faultsAt: 'submit',
    jobsOrigin: undefined,
    [Symbol.asyncDispose]: async () => {
      await Promise.all([upstream.close(), cdn.close()]);
    },
  };
  return simulator;
}

function placeOf({ method, path }: ReceivedRequest): FalPlace | undefined {
  if (method === 'POST') {
    return 'submit';
  }
  if (method === 'PUT') {
    return 'cancel';
  }
  return path.endsWith('/status') ? 'status' : 'response';
}

interface Setting {
  readonly state: State;
  readonly simulator: FalSimulator;
}

async function answer(
  request: ReceivedRequest,
  fault: Fault | undefined,
  setting: Setting,
): Promise<SimulatorAnswer> {
  const { state, simulator } = setting;
  if (request.headers['authorization'] !== `Key ${API_KEY}`) {
    const detail = 'Cannot access application. Authentication is required to access this.';
    return { status: 401, body: { detail } };
  }
  if (request.method === 'POST') {
    return join(request, fault, setting);
  }
  const [, app, id = '', rest = ''] =
    /^\/([\w-]+\/[\w-]+)\/requests\/([\w-]+)(\/\w+)?$/.exec(request.path) ?? [];
  const job = state.jobs.get(id);
  if (job === undefined || !Object.keys(FAL_MODELS).some((model) => appOf(model) === app)) {
    return { status: 404, body: { status: 'NOT_FOUND', detail: 'Request not found' } };
  }
  switch (`${request.method} ${rest}`) {
    case 'GET /status':
      return tell(job);
    case 'PUT /cancel':
      return cancel(job);
    case 'GET ':
      return outcomeOf(job, simulator.cdn.url);
    default:
      return { status: 405, body: { detail: 'Method Not Allowed' } };
  }
}

async function join(
  request: ReceivedRequest,
  fault: Fault | undefined,
  { state, simulator }: Setting,
): Promise<SimulatorAnswer> {
  const model = request.path.slice(1);
  const rules = FAL_MODELS[model];
  if (rules === undefined) {
    return { status: 404, body: { detail: `Application '${model}' not found` } };
  }
  if (request.query.size > 0) {
    return { status: 400, body: { detail: 'unexpected query', error_type: 'bad_request' } };
  }
  if (fault?.kind === 'insufficient_quota') {
    const detail = 'User is locked. Reason: Exhausted balance. Top up at fal.ai/dashboard/billing.';
    return { status: 403, body: { detail } };
  }
  const read = await readFalBody(request.json, rules);
  if ('edit' in read && read.edit !== undefined) {
    state.edits.push(read.edit);
  }
  const given = fault === undefined ? state.plans.shift() : planOf(fault);
  // A model's own refusal comes as the outcome of its job: the queue does not look into bodies.
  const plan = 'wrong' in read ? { outcome: refused(read.wrong) } : (given ?? {});
  const body = typeof request.json === 'object' ? asObject(request.json) : {};
  const job: Job = { id: randomUUID(), plan, body, polls: 0, isCancelled: false };
  state.jobs.set(job.id, job);
  const url = `${simulator.jobsOrigin ?? simulator.upstream.url}/${appOf(model)}/requests/${job.id}`;
  return {
    status: 200,
    headers: { 'x-fal-request-id': job.id },
    isPurchase: true,
    body: {
      status: 'IN_QUEUE',
      request_id: job.id,
      response_url: url,
      status_url: `${url}/status`,
      cancel_url: `${url}/cancel`,
      queue_position: 0,
    },
  };
}

/** The app is the first two segments of the model's path: status and result know no more. */
function appOf(model: string): string {
  return model.split('/').slice(0, 2).join('/');
}

/** The faults that a job shows, not the answer that takes it. */
function planOf({ kind }: Fault): FalJobPlan {
  switch (kind) {
    case 'moderation':
      return { nsfw: [true, true, true, true] };
    case 'not_a_picture':
      return { picture: Buffer.alloc(5000, 'no picture ') };
    case 'empty_data':
      return { images: 0 };
    default:
      return {};
  }
}

function tell(job: Job): SimulatorAnswer {
  const { queuePolls = 1, progressPolls = 1 } = job.plan;
  job.polls += 1;
  if (job.isCancelled || job.polls > queuePolls + progressPolls) {
    const body = { status: 'COMPLETED', request_id: job.id, metrics: { inference_time: 1.5 } };
    return { status: 200, body };
  }
  return job.polls <= queuePolls
    ? { status: 202, body: { status: 'IN_QUEUE', request_id: job.id, queue_position: 1 } }
    : { status: 202, body: { status: 'IN_PROGRESS', request_id: job.id, logs: null } };
}

function cancel(job: Job): SimulatorAnswer {
  const { queuePolls = 1, progressPolls = 1 } = job.plan;
  if (job.polls >= queuePolls + progressPolls) {
    return { status: 400, body: { status: 'ALREADY_COMPLETED' } };
  }
  if (job.polls > queuePolls) {
    return { status: 202, body: { status: 'CANCELLATION_REQUESTED' } };
  }
  job.isCancelled = true;
  return { status: 200, body: { status: 'OK' } };
}

async function outcomeOf(job: Job, cdnUrl: string): Promise<SimulatorAnswer> {
  const { plan, body } = job;
  if (job.isCancelled) {
    const detail = 'The request was cancelled by the client.';
    return {
      status: 499,
      headers: { 'x-fal-error-type': 'client_cancelled' },
      body: { detail, error_type: 'client_cancelled' },
    };
  }
  if (plan.outcome !== undefined) {
    return plan.outcome;
  }
  const count = plan.images ?? Number(body['num_images'] ?? 1);
  const size = sizeOf(body['image_size']);
  const images = await Promise.all(
    Array.from({ length: count }, async (_, index) => {
      const type = `image/${formatOf(body)}`;
      const url =
        body['sync_mode'] === true
          ? `data:${type};base64,${(await pictureOf(job, index)).toString('base64')}`
          : (plan.urls?.[index] ?? `${cdnUrl}/files/${job.id}/${index}.${formatOf(body)}`);
      return { url, ...size, content_type: type };
    }),
  );
  return {
    status: 200,
    body: {
      ...(plan.isSingle === true ? { image: images[0] } : { images }),
      timings: { inference: 1.5 },
      seed: body['seed'] ?? 1_234_567,
      has_nsfw_concepts: images.map((_, index) => plan.nsfw?.[index] ?? false),
      prompt: body['prompt'],
    },
  };
}

async function deliver(
  request: ReceivedRequest,
  state: State,
  cdn: Simulator,
): Promise<SimulatorAnswer> {
  if ('authorization' in request.headers) {
    cdn.problems.push(new Error('a credential was sent to the CDN'));
  }
  const [, id = '', index] = /^\/files\/([\w-]+)\/(\d+)\.\w+$/.exec(request.path) ?? [];
  const job = state.jobs.get(id);
  if (job === undefined) {
    return { status: 404, body: 'Not Found' };
  }
  const headers = { 'content-type': `image/${formatOf(job.body)}` };
  return { status: 200, headers, body: await pictureOf(job, Number(index)) };
}

async function pictureOf({ plan, body }: Job, variant: number): Promise<Buffer> {
  const size = sizeOf(body['image_size']);
  return plan.picture ?? solidPicture({ ...size, format: formatOf(body), variant });
}

function formatOf(body: Job['body']): 'png' | 'jpeg' {
  return body['output_format'] === 'png' ? 'png' : 'jpeg';
}

function refused({ field, msg, type }: FalRefusal): SimulatorAnswer {
  const detail = [{ loc: ['body', ...field], msg, type, url: 'https://docs.fal.ai/errors' }];
  return { status: 422, body: { detail } };
}

import { randomUUID } from 'node:crypto';
import { asObject } from '../json.ts';
import type { Fault } from './faults.ts';
import { type ReceivedRequest, Simulator, type SimulatorAnswer } from './simulator.ts';
import { solidPicture } from './solid-picture.ts';

/** How the next job goes, where it is not simply made. */
export interface BflJobPlan {
  /** What the polls end with; `Ready` when absent. */
  readonly ends?: string;
  /** Polls that are answered with `Pending` before that; 2 when absent. */
  readonly pendingPolls?: number;
  /** Polls that do not know the job at first; none when absent. */
  readonly notFoundPolls?: number;
  /** In credits; by the price list when absent. */
  readonly cost?: unknown;
  /** The sample's address, in place of our own delivery server's. */
  readonly sampleUrl?: string;
  /** The sample's address has expired when it is fetched. */
  readonly isExpired?: boolean;
  /** What the sample is, in place of the picture. */
  readonly sample?: Buffer;
  readonly isWithoutSample?: boolean;
}

export interface BflSimulator extends AsyncDisposable {
  /** Takes jobs; its purchases are the jobs that it took. */
  readonly upstream: Simulator;
  /** The cluster that knows the jobs: on another port than the one that took them. */
  readonly cluster: Simulator;
  /** Hands out the pictures by signed addresses, to whoever asks. */
  readonly delivery: Simulator;
  /** For `BFL_BASE_URL`. */
  readonly baseUrl: string;
  readonly apiKey: string;
  /** `host:port` of the cluster. */
  readonly clusterHost: string;
  /** `host:port` of cluster and delivery, which lie on loopback. */
  readonly hosts: readonly string[];
  readonly nextJobs: (...plans: readonly BflJobPlan[]) => void;
  /** So many tasks of other clients are active, of the 24 that may be. */
  readonly occupy: (tasks: number) => void;
}

interface Job {
  readonly id: string;
  readonly plan: BflJobPlan;
  readonly body: Readonly<Record<string, unknown>>;
  polls: number;
}

interface State {
  readonly jobs: Map<string, Job>;
  readonly plans: BflJobPlan[];
  occupied: number;
}

interface ModelRules {
  readonly firstCredits: number;
  readonly furtherCredits: number;
  readonly fields: readonly string[];
}

const API_KEY = 'bfl-simulated-key';
const ACTIVE_TASKS_MAX = 24;
const PIXELS_MAX = 4 * 1024 * 1024;
const FIELDS = ['prompt', 'width', 'height', 'seed', 'safety_tolerance', 'output_format'];

/** docs.bfl.ai and PROVIDERS §3.2, §3.5 (November 2026). */
const MODELS: Readonly<Record<string, ModelRules>> = {
  'flux-2-pro': { firstCredits: 3, furtherCredits: 1.5, fields: FIELDS },
  'flux-2-max': { firstCredits: 7, furtherCredits: 3, fields: FIELDS },
  'flux-2-flex': {
    firstCredits: 5,
    furtherCredits: 5,
    fields: [...FIELDS, 'steps', 'guidance'],
  },
  'flux-2-klein-9b': { firstCredits: 1.5, furtherCredits: 0.2, fields: FIELDS },
};

/** Bounds of numbers, both included; `true`: whole numbers only. */
const NUMBERS: Readonly<Record<string, readonly [number, number, boolean]>> = {
  width: [64, 65_536, true],
  height: [64, 65_536, true],
  seed: [0, Number.MAX_SAFE_INTEGER, true],
  safety_tolerance: [0, 5, true],
  steps: [1, 50, true],
  guidance: [1.5, 10, false],
};

/** Black Forest Labs' API as of November 2026: three servers, as theirs lie on three hosts. */
export async function startBfl({ port = 0 }: { port?: number } = {}): Promise<BflSimulator> {
  const state: State = { jobs: new Map(), plans: [], occupied: 0 };
  const errorBody = (status: number): unknown => ({ detail: `simulated ${status}` });
  const everyRequest = (): boolean => true;
  const delivery = await Simulator.start({
    takesFault: everyRequest,
    errorBody,
    answer: (request) => deliver(request, state, delivery),
  });
  const cluster = await Simulator.start({
    takesFault: everyRequest,
    errorBody,
    answer: (request) => tell(request, state, delivery.url),
  });
  const upstream = await Simulator.start({
    port,
    errorBody,
    answer: (request, fault) => take(request, fault, state, cluster.url),
  });
  return {
    upstream,
    cluster,
    delivery,
    baseUrl: upstream.url,
    apiKey: API_KEY,
    clusterHost: new URL(cluster.url).host,
    hosts: [cluster, delivery].map(({ url }) => new URL(url).host),
    nextJobs: (...plans) => void state.plans.push(...plans),
    occupy: (tasks) => {
      state.occupied = tasks;
    },
    [Symbol.asyncDispose]: async () => {
      await Promise.all([upstream.close(), cluster.close(), delivery.close()]);
    },
  };
}

/** `POST /v1/{model}` */
function take(
  request: ReceivedRequest,
  fault: Fault | undefined,
  state: State,
  clusterUrl: string,
): SimulatorAnswer {
  const model = /^\/v1\/([\w.-]+)$/.exec(request.path)?.[1];
  const rules = model === undefined ? undefined : MODELS[model];
  if (request.method !== 'POST' || rules === undefined) {
    return { status: 404, body: { detail: 'Not Found' } };
  }
  if (request.headers['x-key'] !== API_KEY) {
    return { status: 403, body: { detail: 'Not authenticated' } };
  }
  const wrong = whatIsWrong(request, rules);
  if (wrong !== undefined) {
    return { status: 422, body: { detail: [wrong] } };
  }
  if (fault?.kind === 'insufficient_quota') {
    return { status: 402, body: { detail: 'Insufficient credits. Add credits to continue.' } };
  }
  const active = [...state.jobs.values()].filter((job) => !isOver(job)).length;
  if (active + state.occupied >= ACTIVE_TASKS_MAX) {
    return { status: 429, body: { detail: 'Too many active tasks.' } };
  }
  const body = asObject(request.json);
  const plan = fault === undefined ? (state.plans.shift() ?? {}) : planOf(fault);
  const job: Job = { id: randomUUID(), plan, body, polls: 0 };
  state.jobs.set(job.id, job);
  const megapixels = (Number(body['width'] ?? 1024) * Number(body['height'] ?? 1024)) / 2 ** 20;
  const further = Math.max(1, Math.ceil(megapixels)) - 1;
  const cost = rules.firstCredits + further * rules.furtherCredits;
  return {
    status: 200,
    isPurchase: true,
    body: {
      id: job.id,
      polling_url: `${clusterUrl}/v1/get_result?id=${job.id}`,
      cost: 'cost' in plan ? plan.cost : cost,
      input_mp: 0,
      output_mp: Number(megapixels.toFixed(2)),
    },
  };
}

/** The faults that a job shows, not the answer that takes it. */
function planOf({ kind }: Fault): BflJobPlan {
  switch (kind) {
    case 'moderation':
      return { ends: 'Request Moderated' };
    case 'not_a_picture':
      return { sample: Buffer.alloc(5000, 'no picture ') };
    case 'empty_data':
      return { isWithoutSample: true };
    default:
      return {};
  }
}

/** `GET /v1/get_result?id=…` on the cluster. */
function tell(request: ReceivedRequest, state: State, deliveryUrl: string): SimulatorAnswer {
  if (request.method !== 'GET' || request.path !== '/v1/get_result') {
    return { status: 404, body: { detail: 'Not Found' } };
  }
  if (request.headers['x-key'] !== API_KEY) {
    return { status: 403, body: { detail: 'Not authenticated' } };
  }
  const id = request.query.get('id') ?? '';
  const job = state.jobs.get(id);
  if (job !== undefined) {
    job.polls += 1;
  }
  const { notFoundPolls = 0 } = job?.plan ?? {};
  const status = job === undefined || job.polls <= notFoundPolls ? 'Task not found' : statusOf(job);
  const isModerated = /Moderated/.test(status);
  return {
    status: 200,
    body: {
      id,
      status,
      result: job !== undefined && status === 'Ready' ? resultOf(job, deliveryUrl) : null,
      progress: status === 'Pending' ? 0.4 : null,
      details: isModerated ? { 'Moderation Reasons': ['Violence'] } : null,
      preview: null,
    },
  };
}

function statusOf(job: Job): string {
  return isOver(job) ? (job.plan.ends ?? 'Ready') : 'Pending';
}

function isOver({ plan, polls }: Job): boolean {
  const { notFoundPolls = 0, pendingPolls = 2 } = plan;
  return polls > notFoundPolls + pendingPolls;
}

function resultOf({ id, plan, body }: Job, deliveryUrl: string): object {
  const sample = plan.sampleUrl ?? `${deliveryUrl}/results/${id}/sample?se=600&sig=s1gn`;
  return {
    ...(plan.isWithoutSample === true ? {} : { sample }),
    prompt: body['prompt'],
    seed: body['seed'] ?? 4_242_424_242,
    start_time: 1_763_700_000.5,
    end_time: 1_763_700_004.5,
    duration: 4,
  };
}

/** `GET /results/{id}/sample?…`, a blob store's signed address. */
async function deliver(
  request: ReceivedRequest,
  state: State,
  delivery: Simulator,
): Promise<SimulatorAnswer> {
  if ('x-key' in request.headers || 'authorization' in request.headers) {
    delivery.problems.push(new Error('a credential was sent to the delivery server'));
  }
  const job = state.jobs.get(/^\/results\/([^/]+)\/sample$/.exec(request.path)?.[1] ?? '');
  const isSigned = request.query.get('sig') === 's1gn';
  if (job === undefined || !isSigned || job.plan.isExpired === true) {
    const body = '<?xml version="1.0"?><Error><Code>AuthenticationFailed</Code></Error>';
    return { status: 403, headers: { 'content-type': 'application/xml' }, body };
  }
  const { width = 1024, height = 1024, output_format = 'jpeg' } = job.body;
  const format = output_format === 'png' ? 'png' : 'jpeg';
  const size = { width: Number(width), height: Number(height) };
  const body = job.plan.sample ?? (await solidPicture({ ...size, format }));
  return { status: 200, headers: { 'content-type': `image/${format}` }, body };
}

interface FieldError {
  readonly loc: readonly string[];
  readonly msg: string;
  readonly type: string;
}

function whatIsWrong(request: ReceivedRequest, rules: ModelRules): FieldError | undefined {
  const { json } = request;
  if (typeof json !== 'object' || json === null) {
    return { loc: ['body'], msg: 'JSON decode error', type: 'json_invalid' };
  }
  const body = asObject(json);
  const { prompt, width = 1024, height = 1024, output_format: format = 'jpeg' } = body;
  if (typeof prompt !== 'string' || prompt === '') {
    return at('prompt', 'Field required', 'missing');
  }
  const unknown = Object.keys(body).find((name) => !rules.fields.includes(name));
  if (unknown !== undefined) {
    return at(unknown, 'Extra inputs are not permitted', 'extra_forbidden');
  }
  for (const [name, [least, most, isWhole]] of Object.entries(NUMBERS)) {
    const value = body[name];
    if (value === undefined) {
      continue;
    }
    if (typeof value !== 'number' || (isWhole && !Number.isInteger(value))) {
      return at(name, 'Input should be a valid integer', 'int_type');
    }
    if (value < least || value > most) {
      return at(name, `Input should be between ${least} and ${most}`, 'out_of_range');
    }
  }
  for (const [name, value] of Object.entries({ width, height })) {
    if (Number(value) % 16 !== 0) {
      return at(name, 'Input should be a multiple of 16', 'multiple_of');
    }
  }
  if (Number(width) * Number(height) > PIXELS_MAX) {
    return at('width', 'The picture would have more than 4 megapixels', 'value_error');
  }
  return format === 'jpeg' || format === 'png'
    ? undefined
    : at('output_format', "Input should be 'jpeg' or 'png'", 'enum');
}

function at(field: string, msg: string, type: string): FieldError {
  return { loc: ['body', field], msg, type };
}

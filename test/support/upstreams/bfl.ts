import { randomUUID } from 'node:crypto';
import { BFL_MODELS, megapixelsOf, readBflBody } from './bfl-rules.ts';
import type { Fault } from './faults.ts';
import type { ReceivedEdit } from './received-edit.ts';
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
  /** One for each edit that was taken. */
  readonly edits: readonly ReceivedEdit[];
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
  readonly edits: ReceivedEdit[];
  occupied: number;
}

const API_KEY = 'bfl-simulated-key';
const ACTIVE_TASKS_MAX = 24;

/** Black Forest Labs' API as of November 2026: three servers, as theirs lie on three hosts. */
export async function startBfl({ port = 0 }: { port?: number } = {}): Promise<BflSimulator> {
  const state: State = { jobs: new Map(), plans: [], edits: [], occupied: 0 };
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
    edits: state.edits,
    occupy: (tasks) => {
      state.occupied = tasks;
    },
    [Symbol.asyncDispose]: async () => {
      await Promise.all([upstream.close(), cluster.close(), delivery.close()]);
    },
  };
}

/** `POST /v1/{model}` */
async function take(
  request: ReceivedRequest,
  fault: Fault | undefined,
  state: State,
  clusterUrl: string,
): Promise<SimulatorAnswer> {
  const model = /^\/v1\/([\w.-]+)$/.exec(request.path)?.[1];
  const rules = model === undefined ? undefined : BFL_MODELS[model];
  if (request.method !== 'POST' || rules === undefined) {
    return { status: 404, body: { detail: 'Not Found' } };
  }
  if (request.headers['x-key'] !== API_KEY) {
    return { status: 403, body: { detail: 'Not authenticated' } };
  }
  const read = await readBflBody(request.json, rules);
  if ('wrong' in read) {
    return { status: 422, body: { detail: [read.wrong] } };
  }
  if (fault?.kind === 'insufficient_quota') {
    return { status: 402, body: { detail: 'Insufficient credits. Add credits to continue.' } };
  }
  const active = [...state.jobs.values()].filter((job) => !isOver(job)).length;
  if (active + state.occupied >= ACTIVE_TASKS_MAX) {
    return { status: 429, body: { detail: 'Too many active tasks.' } };
  }
  const { body, pictures } = read;
  const plan = fault === undefined ? (state.plans.shift() ?? {}) : planOf(fault);
  const job: Job = { id: randomUUID(), plan, body, polls: 0 };
  state.jobs.set(job.id, job);
  if (pictures.length > 0) {
    state.edits.push({ images: pictures.map(({ bytes }) => bytes) });
  }
  const inputs = pictures.map((picture) => megapixelsOf(picture));
  const input = inputs.reduce((sum, { exact }) => sum + exact, 0);
  const output = megapixelsOf(body);
  const furtherMegapixels = inputs.reduce((sum, { billed }) => sum + billed, output.billed - 1);
  const cost = rules.firstCredits + furtherMegapixels * rules.furtherCredits;
  return {
    status: 200,
    isPurchase: true,
    body: {
      id: job.id,
      polling_url: `${clusterUrl}/v1/get_result?id=${job.id}`,
      cost: 'cost' in plan ? plan.cost : cost,
      input_mp: Number(input.toFixed(2)),
      output_mp: Number(output.exact.toFixed(2)),
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

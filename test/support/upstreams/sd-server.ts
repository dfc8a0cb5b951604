import { asObject } from '../json.ts';
import type { Fault } from './faults.ts';
import type { ReceivedEdit } from './received-edit.ts';
import { readImgGen } from './sd-server-rules.ts';
import { type ReceivedRequest, Simulator, type SimulatorAnswer } from './simulator.ts';
import { solidPicture } from './solid-picture.ts';
import { payloadText, wireBody } from './spoiled-payload.ts';

/** How the next job goes, where it is not simply made. */
export interface SdJobPlan {
  /** Polls that find it queued, 1 when absent, and then generating, 1. */
  readonly queuedPolls?: number;
  readonly generatingPolls?: number;
  readonly ends?: 'completed' | 'failed' | 'cancelled' | 'expired' | 'forgotten' | 'unheard-of';
  /** So many pictures, whatever was asked for. */
  readonly images?: number;
  /** What a completed job says it is, in place of `completed`. */
  readonly claims?: string;
}

/** Which requests the queued faults strike. */
export type SdPlace = 'submit' | 'poll' | 'cancel';

export interface SdServerSimulator extends AsyncDisposable {
  readonly upstream: Simulator;
  /** For `SDSERVER_BASE_URL`. */
  readonly baseUrl: string;
  readonly nextJobs: (...plans: readonly SdJobPlan[]) => void;
  /** One for each edit that was taken; `images` are its reference images. */
  readonly edits: readonly ReceivedEdit[];
  /** `submit` at first. */
  faultsAt: SdPlace;
  /** How many jobs may be pending. */
  queueMax: number;
}

interface Job {
  readonly id: string;
  readonly plan: SdJobPlan;
  readonly body: Readonly<Record<string, unknown>>;
  readonly fault: Fault | undefined;
  polls: number;
  isCancelled: boolean;
}

interface State {
  readonly jobs: Map<string, Job>;
  readonly plans: SdJobPlan[];
  readonly edits: ReceivedEdit[];
}

const CREATED = 1_763_700_000;

/** stable-diffusion.cpp's server by its native interface, as of August 2026. */
export async function startSdServer({
  port = 0,
}: { port?: number } = {}): Promise<SdServerSimulator> {
  const state: State = { jobs: new Map(), plans: [], edits: [] };
  const upstream: Simulator = await Simulator.start({
    port,
    errorBody: (status) => ({ error: 'server_error', message: `simulated ${status}` }),
    takesFault: (request) => placeOf(request) === simulator.faultsAt,
    answer: (request, fault) => answer(request, fault, { state, simulator }),
  });
  const simulator: SdServerSimulator = {
    upstream,
    baseUrl: upstream.url,
    nextJobs: (...plans) => void state.plans.push(...plans),
    edits: state.edits,
    faultsAt: 'submit',
    queueMax: 8,
    [Symbol.asyncDispose]: () => upstream.close(),
  };
  return simulator;
}

function placeOf({ method, path }: ReceivedRequest): SdPlace {
  if (method === 'GET') {
    return 'poll';
  }
  return path.endsWith('/cancel') ? 'cancel' : 'submit';
}

interface Setting {
  readonly state: State;
  readonly simulator: SdServerSimulator;
}

async function answer(
  request: ReceivedRequest,
  fault: Fault | undefined,
  setting: Setting,
): Promise<SimulatorAnswer> {
  const { method, path } = request;
  if (method === 'POST' && path === '/sdcpp/v1/img_gen') {
    return take(request, fault, setting);
  }
  const [, id = '', cancels] = /^\/sdcpp\/v1\/jobs\/([\w-]+)(\/cancel)?$/.exec(path) ?? [];
  const job = setting.state.jobs.get(id);
  if (id === '' || method !== (cancels === undefined ? 'GET' : 'POST')) {
    return { status: 404, body: '' };
  }
  if (job !== undefined && cancels === undefined) {
    job.polls += 1;
  }
  if (job === undefined || statusOf(job) === 'forgotten') {
    return { status: 404, body: { error: 'job not found' } };
  }
  if (statusOf(job) === 'expired') {
    return { status: 410, body: { error: 'job expired' } };
  }
  if (cancels === undefined) {
    return tell(job, fault);
  }
  if (statusOf(job) === 'generating') {
    const error = 'job is currently generating and cannot be interrupted yet';
    return { status: 409, body: { error } };
  }
  job.isCancelled = statusOf(job) === 'queued';
  return tell(job, fault);
}

async function take(
  request: ReceivedRequest,
  fault: Fault | undefined,
  { state, simulator }: Setting,
): Promise<SimulatorAnswer> {
  if (request.body.length === 0) {
    return { status: 400, body: { error: 'empty body' } };
  }
  if (typeof request.json !== 'object' || request.json === null) {
    return { status: 400, body: { error: 'invalid json', message: 'parse error at line 1' } };
  }
  const body = asObject(request.json);
  if (/sd_cpp_extra_args/i.test(`${String(body['prompt'])}${String(body['negative_prompt'])}`)) {
    simulator.upstream.problems.push(new Error('a tag with arguments came in a prompt'));
  }
  const read = await readImgGen(body);
  if (read === undefined) {
    return { status: 400, body: { error: 'invalid generation parameters' } };
  }
  const pending = [...state.jobs.values()].filter((job) =>
    ['queued', 'generating'].includes(statusOf(job)),
  );
  if (pending.length >= simulator.queueMax || fault?.kind === 'insufficient_quota') {
    return { status: 429, body: { error: 'job queue is full' } };
  }
  if (read.edit !== undefined) {
    state.edits.push(read.edit);
  }
  const id = `job_${CREATED.toString(16)}_${String(state.jobs.size).padStart(8, '0')}`;
  const plan = fault === undefined ? (state.plans.shift() ?? {}) : planOf(fault);
  state.jobs.set(id, { id, plan, body, fault, polls: 0, isCancelled: false });
  const poll_url = `/sdcpp/v1/jobs/${id}`;
  return {
    status: 202,
    isPurchase: true,
    body: { created: CREATED, id, kind: 'img_gen', poll_url, status: 'queued' },
  };
}

/** The faults that a job shows, not the answer that takes it. */
function planOf({ kind }: Fault): SdJobPlan {
  if (kind === 'empty_data') {
    return { images: 0 };
  }
  return kind === 'moderation' ? { ends: 'failed' } : {};
}

function statusOf({ plan, polls, isCancelled }: Job): string {
  const { queuedPolls = 1, generatingPolls = 1, ends = 'completed' } = plan;
  if (isCancelled) {
    return 'cancelled';
  }
  if (polls > queuedPolls + generatingPolls) {
    return ends;
  }
  return polls <= queuedPolls ? 'queued' : 'generating';
}

/** The keys in the order of the alphabet, as its JSON library writes them: `result` first. */
async function tell(job: Job, fault: Fault | undefined): Promise<SimulatorAnswer> {
  const status = statusOf(job);
  const pictures = status === 'completed' ? await picturesOf(job) : [];
  const code = status === 'failed' ? 'generation_failed' : 'cancelled';
  const hasError = status === 'failed' || status === 'cancelled';
  const { output_format = 'png' } = job.body;
  const images = pictures.map((b64_json, index) => ({ b64_json, index }));
  const body = {
    completed: status === 'completed' ? CREATED + 12 : null,
    created: CREATED,
    error: hasError ? { code, message: 'generate_image returned no results' } : null,
    id: job.id,
    kind: 'img_gen',
    queue_position: status === 'queued' ? 1 : 0,
    result: status === 'completed' ? { images, output_format } : null,
    started: status === 'queued' ? null : CREATED + 3,
    status: status === 'completed' ? (job.plan.claims ?? status) : status,
  };
  const [first] = pictures;
  return {
    status: 200,
    headers: { 'content-type': 'application/json' },
    body: first === undefined ? body : wireBody(body, first, fault),
  };
}

async function picturesOf({ plan, body, fault }: Job): Promise<string[]> {
  const { width = 512, height = 512, output_format: name = 'png', batch_count = 1 } = body;
  const format = name === 'jpeg' || name === 'webp' ? name : 'png';
  const size = { width: Number(width), height: Number(height) };
  return Promise.all(
    Array.from({ length: plan.images ?? Number(batch_count) }, async (_, variant) =>
      payloadText(await solidPicture({ ...size, format, variant }), fault),
    ),
  );
}

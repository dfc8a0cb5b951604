import { asObject } from '../json.ts';
import type { Fault } from './faults.ts';
import {
  errorAnswer,
  MODERATION_ERROR,
  openaiAnswer,
  openaiErrorBody,
  type OpenaiHabits,
  QUOTA_ERROR,
  USUAL_HABITS,
} from './openai-answers.ts';
import { invalid, readOrder } from './openai-rules.ts';
import { type ReceivedRequest, Simulator, type SimulatorAnswer } from './simulator.ts';

export interface OpenaiSimulator extends AsyncDisposable {
  readonly upstream: Simulator;
  /** For `OPENAI_BASE_URL`. */
  readonly baseUrl: string;
  readonly apiKey: string;
  /** May be changed between requests. */
  readonly habits: OpenaiHabits;
}

const API_KEY = 'sk-proj-simulated-openai-key';

/** OpenAI's Images API for generations (PROVIDERS §1, November 2026), on a free port. */
export async function startOpenai({
  port = 0,
}: { readonly port?: number } = {}): Promise<OpenaiSimulator> {
  const habits: OpenaiHabits = { ...USUAL_HABITS };
  const upstream = await Simulator.start({
    port,
    answer: (request, fault) => answer(request, fault, habits),
    errorBody: openaiErrorBody,
  });
  return {
    upstream,
    baseUrl: `${upstream.url}/v1`,
    apiKey: API_KEY,
    habits,
    [Symbol.asyncDispose]: () => upstream.close(),
  };
}

async function answer(
  request: ReceivedRequest,
  fault: Fault | undefined,
  habits: OpenaiHabits,
): Promise<SimulatorAnswer> {
  const { method, path, headers, json } = request;
  if (headers['authorization'] !== `Bearer ${API_KEY}`) {
    return { status: 401, body: openaiErrorBody(401) };
  }
  if (method !== 'POST' || path !== '/v1/images/generations') {
    const message = `Invalid URL (${method} ${path})`;
    return errorAnswer({ ...invalid('', message, 'unknown_url'), status: 404, param: null });
  }
  if (!/^application\/json\b/.test(headers['content-type'] ?? '') || json === undefined) {
    const message = 'We could not parse the JSON body of your request.';
    return errorAnswer({ ...invalid('', message), param: null });
  }
  const order = readOrder(asObject(json));
  if ('status' in order) {
    return errorAnswer(order);
  }
  switch (fault?.kind) {
    case 'moderation':
      return errorAnswer(MODERATION_ERROR);
    case 'insufficient_quota':
      return errorAnswer(QUOTA_ERROR);
    default:
      return openaiAnswer(order, fault, { habits, modelRules: order.model });
  }
}

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
import { readOpenaiRequest } from './openai-edits.ts';
import { invalid } from './openai-rules.ts';
import type { ReceivedEdit } from './received-edit.ts';
import { type ReceivedRequest, Simulator, type SimulatorAnswer } from './simulator.ts';

export interface OpenaiSimulator extends AsyncDisposable {
  readonly upstream: Simulator;
  /** For `OPENAI_BASE_URL`. */
  readonly baseUrl: string;
  readonly apiKey: string;
  /** May be changed between requests. */
  readonly habits: OpenaiHabits;
  /** What each edit brought that was accepted, in order. */
  readonly edits: readonly ReceivedEdit[];
}

const API_KEY = 'sk-proj-simulated-openai-key';

/** OpenAI's Images API (PROVIDERS §1, November 2026), on a free port. */
export async function startOpenai({
  port = 0,
}: { readonly port?: number } = {}): Promise<OpenaiSimulator> {
  const habits: OpenaiHabits = { ...USUAL_HABITS };
  const edits: ReceivedEdit[] = [];
  const upstream = await Simulator.start({
    port,
    answer: (request, fault) => answer(request, fault, { habits, edits }),
    errorBody: openaiErrorBody,
  });
  return {
    upstream,
    baseUrl: `${upstream.url}/v1`,
    apiKey: API_KEY,
    habits,
    edits,
    [Symbol.asyncDispose]: () => upstream.close(),
  };
}

async function answer(
  request: ReceivedRequest,
  fault: Fault | undefined,
  { habits, edits }: { readonly habits: OpenaiHabits; readonly edits: ReceivedEdit[] },
): Promise<SimulatorAnswer> {
  const { method, path, headers } = request;
  if (headers['authorization'] !== `Bearer ${API_KEY}`) {
    return { status: 401, body: openaiErrorBody(401) };
  }
  const operation = /^\/v1\/images\/(generations|edits)$/.exec(path)?.[1];
  if (method !== 'POST' || operation === undefined) {
    const message = `Invalid URL (${method} ${path})`;
    return errorAnswer({ ...invalid('', message, 'unknown_url'), status: 404, param: null });
  }
  const read = await readOpenaiRequest(request, { isEdit: operation === 'edits' });
  if ('status' in read) {
    return errorAnswer(read);
  }
  switch (fault?.kind) {
    case 'moderation':
      return errorAnswer(MODERATION_ERROR);
    case 'insufficient_quota':
      return errorAnswer(QUOTA_ERROR);
    default: {
      const { order, edit } = read;
      edits.push(...(edit === undefined ? [] : [edit]));
      return openaiAnswer(order, fault, { habits, modelRules: order.model });
    }
  }
}

import type { Fault } from './faults.ts';
import { openaiAnswer, USUAL_HABITS } from './openai-answers.ts';
import { readOpenaiRequest } from './openai-edits.ts';
import type { ReceivedEdit } from './received-edit.ts';
import type { ReceivedRequest, SimulatorAnswer } from './simulator.ts';

export const AZURE_API_KEY = 'azure-simulated-key';

/** The deployments by name, and the model behind each. */
const DEPLOYMENTS: Readonly<Record<string, string>> = { 'my-gpt-image': 'gpt-image-2' };

/**
 * Azure OpenAI (PROVIDERS §1.8, November 2026): the key in `api-key`, the v1 path or the classic
 * one with the deployment in it, a version in the query, the deployment's name as the model.
 */
export async function answerAsAzure(
  request: ReceivedRequest,
  fault: Fault | undefined,
  edits: ReceivedEdit[],
): Promise<SimulatorAnswer> {
  const { headers, query, path } = request;
  if (headers['api-key'] !== AZURE_API_KEY) {
    const message = 'Access denied due to invalid subscription key or wrong API endpoint.';
    return refused(401, { code: '401', message });
  }
  const version = query.get('api-version') ?? '';
  const place = /^\/openai\/(?:v1|deployments\/([^/]+))\/images\/(generations|edits)$/.exec(path);
  const classic = place?.[1];
  const isVersion = classic === undefined ? /^(v1|preview)$/ : /^\d{4}-\d{2}-\d{2}(-preview)?$/;
  if (place === null || !isVersion.test(version)) {
    return refused(404, { code: '404', message: 'Resource not found' });
  }
  const asked = { model: 'none yet' };
  const read = await readOpenaiRequest(request, {
    isEdit: place[2] === 'edits',
    rulesOf: (named) => {
      asked.model = DEPLOYMENTS[classic ?? String(named)] ?? '';
      return asked.model;
    },
  });
  const { model } = asked;
  if (model === '') {
    const message = 'The API deployment for this resource does not exist.';
    return refused(404, { code: 'DeploymentNotFound', message });
  }
  if ('status' in read) {
    const { status, ...error } = read;
    return refused(status, error);
  }
  if (fault?.kind === 'moderation') {
    return refused(400, CONTENT_FILTER);
  }
  const { order, edit } = read;
  edits.push(...(edit === undefined ? [] : [edit]));
  const answer = await openaiAnswer(order, fault, { habits: USUAL_HABITS, modelRules: model });
  return { ...answer, headers: { ...answer.headers, 'apim-request-id': 'apim-simulated' } };
}

const CONTENT_FILTER = {
  code: 'contentFilter',
  message: 'Your task failed as a result of our safety system.',
  inner_error: {
    code: 'ResponsibleAIPolicyViolation',
    content_filter_results: { sexual: { filtered: true, severity: 'high' } },
  },
};

function refused(status: number, error: object): SimulatorAnswer {
  return { status, headers: { 'apim-request-id': 'apim-refused' }, body: { error } };
}

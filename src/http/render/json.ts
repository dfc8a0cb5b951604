import { mediaType } from '../../base/image.ts';
import { base64Chunks } from '../../payload/base64.ts';
import type { JobEvent, JobFacts, Subscription } from '../../requests/job.ts';
import type { Answer } from '../answer.ts';
import { answerHead, answerTail } from './body.ts';

type ImageEvent = Extract<JobEvent, { type: 'image' }>;

/**
 * Writes the job as one JSON document, its payloads as they come. The head is sent with the first
 * payload, so what fails before it is thrown and still gets its own status; what fails later
 * breaks the connection, for half a document must not look like an answer.
 */
export async function renderJson(
  answer: Answer,
  facts: JobFacts,
  subscription: Subscription,
  responseFormat: 'b64_json' | 'url',
): Promise<void> {
  let whole = true;
  for (let event = await subscription.next(); event; event = await subscription.next()) {
    switch (event.type) {
      case 'partial':
        break;
      case 'image':
        if (!whole) {
          break;
        }
        await openItem(answer, facts);
        whole = await writeImage(answer, event, responseFormat);
        break;
      case 'completed':
        if (!whole) {
          answer.destroy();
          return;
        }
        await answer.write(`],${JSON.stringify(answerTail(event.outcome)).slice(1)}`);
        answer.end();
        return;
      case 'failed':
        if (!answer.started) {
          throw event.failure;
        }
        answer.destroy();
        return;
    }
  }
}

/** The document's beginning before the first picture, a comma before every other. */
async function openItem(answer: Answer, facts: JobFacts): Promise<void> {
  if (answer.started) {
    await answer.write(',');
    return;
  }
  answer.start({ 'content-type': 'application/json; charset=utf-8' });
  await answer.write(`${JSON.stringify(answerHead(facts)).slice(0, -1)},"data":[`);
}

/** False when the payload broke off: then nothing may follow it. */
async function writeImage(
  answer: Answer,
  { payload, image }: ImageEvent,
  responseFormat: 'b64_json' | 'url',
): Promise<boolean> {
  const prefix = responseFormat === 'url' ? `data:${mediaType(image.format)};base64,` : '';
  await answer.write(`{"index":${image.index},"${responseFormat}":"${prefix}`);
  if (!(await answer.writeAll(base64Chunks(payload)))) {
    return false;
  }
  const revised =
    image.revisedPrompt === undefined
      ? ''
      : `,"revised_prompt":${JSON.stringify(image.revisedPrompt)}`;
  await answer.write(`"${revised}}`);
  return true;
}

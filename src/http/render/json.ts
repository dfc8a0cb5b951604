import { mediaType } from '../../base/image.ts';
import { base64Chunks } from '../../payload/base64.ts';
import type { EventReader, JobEvent, JobFacts, Outcome } from '../../requests/job.ts';
import type { Answer } from '../answer.ts';
import { answerHead, answerTail } from './body.ts';

/** How a JSON answer is written. */
export interface JsonOptions {
  readonly responseFormat: 'b64_json' | 'url';
  /** A link to a picture, in place of a `data:` URI where all pictures are kept. */
  readonly linkTo?: ((id: string, index: number) => string) | undefined;
  /** What the document says at its beginning besides. */
  readonly head?: Readonly<Record<string, unknown>>;
}

type ImageEvent = Extract<JobEvent, { type: 'image' }>;

/**
 * Writes the job as one JSON document, its payloads as they come. The head is sent with the first
 * payload, so what fails before it is thrown and still gets its own status; what fails later
 * breaks the connection, for half a document must not look like an answer.
 */
export async function renderJson(
  answer: Answer,
  facts: JobFacts,
  reader: EventReader,
  options: JsonOptions,
): Promise<void> {
  const items = new ItemWriter(answer, facts, options);
  for (let event = await reader.next(); event; event = await reader.next()) {
    switch (event.type) {
      case 'partial':
        break;
      case 'image':
        await items.take(event);
        break;
      case 'completed':
        if (!(await items.finish(event.outcome))) {
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

/** Writes the pictures of the document, and what comes before the first of them. */
class ItemWriter {
  readonly #answer: Answer;
  readonly #facts: JobFacts;
  readonly #options: JsonOptions;
  /** Those that a link is to stand for. */
  readonly #waiting: ImageEvent[] = [];
  #whole = true;

  constructor(answer: Answer, facts: JobFacts, options: JsonOptions) {
    this.#answer = answer;
    this.#facts = facts;
    this.#options = options;
  }

  async take(event: ImageEvent): Promise<void> {
    const { responseFormat, linkTo } = this.#options;
    if (responseFormat === 'url' && linkTo !== undefined) {
      this.#waiting.push(event);
    } else {
      await this.#write(event, this.#options);
    }
  }

  /** A link is good for pictures that are kept, which their end tells. False: one broke off. */
  async finish({ warnings }: Outcome): Promise<boolean> {
    const areKept = warnings.every(({ code }) => code !== 'not_kept');
    const linkTo = areKept ? this.#options.linkTo : undefined;
    for (const event of this.#waiting) {
      await this.#write(event, { ...this.#options, linkTo });
    }
    return this.#whole;
  }

  /** Nothing may follow a payload that broke off. */
  async #write(event: ImageEvent, options: JsonOptions): Promise<void> {
    if (this.#whole) {
      await openItem(this.#answer, this.#facts, options);
      this.#whole = await writeImage(this.#answer, event, { ...options, id: this.#facts.id });
    }
  }
}

/** The document's beginning before the first picture, a comma before every other. */
async function openItem(
  answer: Answer,
  facts: JobFacts,
  { head = {} }: JsonOptions,
): Promise<void> {
  if (answer.started) {
    await answer.write(',');
    return;
  }
  answer.start({ 'content-type': 'application/json; charset=utf-8' });
  const begun = JSON.stringify({ ...answerHead(facts), ...head });
  await answer.write(`${begun.slice(0, -1)},"data":[`);
}

/** False when the payload broke off: then nothing may follow it. */
async function writeImage(
  answer: Answer,
  { payload, image }: ImageEvent,
  { responseFormat, linkTo, id }: JsonOptions & { readonly id: string },
): Promise<boolean> {
  const { index, format } = image;
  if (responseFormat === 'url' && linkTo !== undefined) {
    const link = JSON.stringify(linkTo(id, index)).slice(0, -1);
    await answer.write(`{"index":${index},"url":${link}`);
  } else {
    const prefix = responseFormat === 'url' ? `data:${mediaType(format)};base64,` : '';
    await answer.write(`{"index":${index},"${responseFormat}":"${prefix}`);
    if (!(await answer.writeAll(base64Chunks(payload)))) {
      return false;
    }
  }
  const revised =
    image.revisedPrompt === undefined
      ? ''
      : `,"revised_prompt":${JSON.stringify(image.revisedPrompt)}`;
  await answer.write(`"${revised}}`);
  return true;
}

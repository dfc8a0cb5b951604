import { errorBody, type Failure, toFailure } from '../../base/errors.ts';
import { formatSize } from '../../base/image.ts';
import { base64Chunks } from '../../payload/base64.ts';
import type { Payload } from '../../payload/payload.ts';
import type { EventReader, JobEvent, JobFacts, Outcome } from '../../requests/job.ts';
import type { Answer } from '../answer.ts';
import { completedEvent } from './body.ts';

type ImageEvent = Extract<JobEvent, { type: 'image' }>;
type PartialEvent = Extract<JobEvent, { type: 'partial' }>;

export interface StreamOptions {
  /** A comment is written after this much silence, in milliseconds. */
  readonly keepaliveMs: number;
  /** How many pictures were asked for. */
  readonly n: number;
  /** Its place in the upstream's queue; undefined while it is in none. */
  readonly place: () => number | undefined;
}

/** How often a stream looks whether its place in a queue has changed. */
const PLACE_INTERVAL_MS = 500;

/**
 * Writes the job as Server-Sent Events. The head and a first comment go out at once, before the
 * job starts. Of several pictures each is held until the next is certain, so that the last one
 * sent carries the usage of all, even when a later one fails.
 */
export async function renderStream(
  answer: Answer,
  facts: JobFacts,
  reader: EventReader,
  options: StreamOptions,
): Promise<void> {
  answer.start({
    'content-type': 'text/event-stream',
    'cache-control': 'no-store',
    'x-accel-buffering': 'no',
  });
  await answer.write(': easel\n\n');
  const writer = new EventWriter(answer, facts);
  const stopKeepalive = keepAlive(answer, writer, options);
  try {
    await writeEvents(writer, reader, options.n);
    answer.end();
  } finally {
    stopKeepalive();
  }
}

async function writeEvents(writer: EventWriter, reader: EventReader, n: number): Promise<void> {
  let waiting: ImageEvent | undefined;
  let opened: ImageEvent | undefined;
  for (let event = await reader.next(); event; event = await reader.next()) {
    switch (event.type) {
      case 'partial':
        await writer.partial(event);
        break;
      case 'image':
        if (waiting !== undefined) {
          await writer.open(waiting);
          await writer.close(waiting);
        }
        waiting = event;
        // No other can follow the last of the batch: its payload need not wait for the bill.
        if (event.image.index === n - 1) {
          await writer.open(event);
          opened = event;
        }
        break;
      case 'completed':
        if (waiting !== undefined) {
          if (opened === undefined) {
            await writer.open(waiting);
          }
          await writer.close(waiting, event.outcome);
        }
        return;
      case 'failed':
        await writer.fail(event.failure);
        return;
    }
  }
}

/** Writes whole events, and closes one that broke in its middle as an error object. */
class EventWriter {
  readonly #answer: Answer;
  readonly #facts: JobFacts;
  /** Inside a data line no comment may be written. */
  #insideLine = false;
  #broken = false;

  constructor(answer: Answer, facts: JobFacts) {
    this.#answer = answer;
    this.#facts = facts;
  }

  get insideLine(): boolean {
    return this.#insideLine;
  }

  async partial(event: PartialEvent): Promise<void> {
    await this.#begin('image_generation.partial_image', event.payload);
    await this.#finish({
      partial_image_index: event.partialIndex,
      index: event.index,
      size: formatSize(event.header),
      output_format: event.header.format,
      created_at: Math.floor(this.#facts.createdAtMs / 1000),
      id: this.#facts.id,
      type: 'image_generation.partial_image',
    });
  }

  /** Writes an event up to its payload's end: what follows it is known when the job is settled. */
  async open(event: ImageEvent): Promise<void> {
    await this.#begin('image_generation.completed', event.payload);
  }

  async close(event: ImageEvent, outcome?: Outcome): Promise<void> {
    await this.#finish(completedEvent(this.#facts, event.image, outcome));
  }

  async fail(failure: Failure): Promise<void> {
    const { error } = errorBody(failure);
    if (this.#insideLine) {
      // The line has begun as a picture: closed like this it is still JSON, and the OpenAI SDKs
      // raise their APIError on it.
      const end = JSON.stringify({ type: 'error', error });
      await this.#answer.write(`",${end.slice(1)}\n\n`);
      this.#insideLine = false;
      return;
    }
    const data = JSON.stringify({ type: 'error', error });
    await this.#answer.write(`event: error\ndata: ${data}\n\n`);
  }

  async #begin(name: string, payload: Payload): Promise<void> {
    if (this.#broken) {
      return;
    }
    await this.#answer.write(`event: ${name}\ndata: {"b64_json":"`);
    this.#insideLine = true;
    // When the source dies, the job says why in its next event, which closes the line.
    this.#broken = !(await this.#answer.writeAll(base64Chunks(payload)));
  }

  async #finish(fields: Record<string, unknown>): Promise<void> {
    if (this.#broken) {
      await this.fail(toFailure(new Error('a payload broke off in a job that went on')));
      return;
    }
    await this.#answer.write(`",${JSON.stringify(fields).slice(1)}\n\n`);
    this.#insideLine = false;
  }
}

/**
 * Writes a comment whenever nothing was written for a while, and when the place in a queue has
 * changed; returns how to stop.
 */
function keepAlive(
  answer: Answer,
  writer: EventWriter,
  { keepaliveMs, place }: StreamOptions,
): () => void {
  let told: number | undefined;
  const timer = setInterval(
    () => {
      const now = place();
      const isNews = now !== undefined && now !== told;
      const silentMs = Date.now() - answer.writtenAtMs;
      if (!writer.insideLine && (isNews || silentMs >= keepaliveMs)) {
        told = now;
        const comment = now === undefined ? 'keepalive' : `queued, place ${now}`;
        answer.write(`: ${comment}\n\n`).catch(() => stop());
      }
    },
    Math.min(keepaliveMs / 4, PLACE_INTERVAL_MS),
  );
  const stop = (): void => clearInterval(timer);
  return stop;
}

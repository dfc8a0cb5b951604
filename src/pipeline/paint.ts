import { Failure, logFailure, toFailure } from '../base/errors.ts';
import { type ImageFormat, isImageFormat } from '../base/image.ts';
import type { Log } from '../base/log.ts';
import type { TokenUsage } from '../base/usage.ts';
import { testUsage } from '../catalog/price.ts';
import type { Payload } from '../payload/payload.ts';
import { type ImageHeader, type ProbedFormat, probePayload } from '../payload/probe.ts';
import { transcode } from '../payload/transcode.ts';
import type { ImageTask, Provider, ProviderEvent, Receipt } from '../providers/provider.ts';
import type { ImageFacts, Job, JobWarning } from '../requests/job.ts';
import type { HeldRequest } from './record.ts';

/** What came of the engine's work: enough to price it. */
export interface Painted {
  readonly images: readonly ImageFacts[];
  readonly receipt: Receipt;
  readonly tokens?: TokenUsage;
  readonly warnings: readonly JobWarning[];
}

/**
 * Step 6: lets the engine paint, and passes its pictures to the job as they come, measured and in
 * the encoding that was asked for. Throws when no picture came of it, or the job was given up.
 */
export async function paint(
  engine: Provider,
  request: HeldRequest,
  job: Job,
  log: Log,
): Promise<Painted> {
  const { spool } = request;
  const easel = new PaintedImages(request, job, { log, engine });
  // Whatever ends this early must end the engine's calls and connections, too.
  const end = new AbortController();
  const signal = AbortSignal.any([job.signal, end.signal]);
  const events = engine.generate(taskOf(request), { signal, log, spool: spool.keep });
  try {
    for (;;) {
      // An engine may be slow to notice that the job was given up: nobody waits for that.
      const step = await Promise.race([job.aborted, events.next()]);
      if (step.done === true) {
        return easel.finish(step.value);
      }
      await easel.take(step.value);
    }
  } catch (error) {
    end.abort(error);
    void events.return({ upstreamIds: [] }).catch(() => undefined);
    throw error;
  }
}

/** Collects the pictures of one request. */
class PaintedImages {
  readonly #request: HeldRequest;
  readonly #job: Job;
  readonly #log: Log;
  readonly #images: ImageFacts[] = [];
  readonly #warnings: JobWarning[];
  #lastFailure: unknown = undefined;

  constructor(request: HeldRequest, job: Job, { log, engine }: { log: Log; engine: Provider }) {
    this.#request = request;
    this.#job = job;
    this.#log = log;
    const { warnings, passthrough } = request.admitted;
    this.#warnings = [...warnings, ...heldBack(engine, Object.keys(passthrough))];
  }

  async take(event: ProviderEvent): Promise<void> {
    switch (event.type) {
      case 'submitted':
        // Part of the request's record only once it can be resumed.
        return;
      case 'partial': {
        const { index, partialIndex } = event;
        const deliverable = await this.#deliverable(event.payload);
        this.#job.emit({ type: 'partial', index, partialIndex, ...deliverable });
        // Without a store the source waits for the reader.
        await this.#job.delivered();
        break;
      }
      case 'image':
        await this.#takeImage(event);
        break;
      case 'image_failed':
        this.#lastFailure = event.reason;
        logFailure(this.#log, toFailure(event.reason), { image: this.#request.id });
        this.#warnings.push({
          param: 'n',
          code: 'image_failed',
          message: `One of the pictures could not be made: ${toFailure(event.reason).message}`,
        });
        break;
    }
  }

  async #takeImage(event: Extract<ProviderEvent, { type: 'image' }>): Promise<void> {
    const { admitted, watch } = this.#request;
    const { payload, header } = await this.#deliverable(event.payload);
    const { format, width, height } = header;
    const showsSeed = event.seed !== undefined && admitted.card.capabilities.includes('seed');
    const image: ImageFacts = {
      index: this.#images.length,
      format,
      width,
      height,
      ...(showsSeed ? { seed: event.seed } : {}),
      ...(event.revisedPrompt === undefined ? {} : { revisedPrompt: event.revisedPrompt }),
    };
    this.#images.push(image);
    watch.mark(`image_${image.index}`);
    // A stream of several pictures holds each back until the next is certain: it must be whole.
    const waits = admitted.call.stream && admitted.n > 1;
    const watched = watchPayload(waits ? await this.#request.spool.keep(payload) : payload);
    this.#job.emit({ type: 'image', payload: watched.payload, image });
    // Without a store a picture is charged only once somebody has taken all of it.
    await this.#job.delivered();
    if (!waits) {
      watched.throwUnlessWhole();
    }
  }

  finish(receipt: Receipt): Painted {
    const { admitted, caller } = this.#request;
    if (this.#images.length === 0) {
      throw this.#lastFailure ?? new Failure('upstream_error', { internal: 'no picture came' });
    }
    const made =
      caller.mode === 'test'
        ? testUsage(admitted.card, admitted, this.#images.length)
        : receipt.tokens;
    return {
      images: this.#images,
      receipt,
      warnings: this.#warnings,
      ...(made === undefined ? {} : { tokens: made }),
    };
  }

  /** The payload in the format that was asked for; as it is when that cannot be made of it. */
  async #deliverable(payload: Payload): Promise<Deliverable> {
    const { outputFormat, formatRequested, compression } = this.#request.admitted;
    const header = await headerOf(payload);
    if (isDeliverable(header) && (header.format === outputFormat || !formatRequested)) {
      return { payload, header };
    }
    // Kept whole first: if it cannot be converted, the original is still there to be delivered.
    const original = await this.#request.spool.keep(payload);
    try {
      const options = compression === undefined ? {} : { compression };
      const other = await transcode(original, { format: outputFormat, ...options });
      const { width, height } = await headerOf(other);
      this.#warnOnce(converted(header.format, outputFormat));
      return { payload: other, header: { format: outputFormat, width, height } };
    } catch (error) {
      if (!isDeliverable(header)) {
        throw notAPicture(error);
      }
      this.#log.error({ image: this.#request.id, err: error }, 'a picture could not be converted');
      this.#warnOnce(conversionFailed(header.format, outputFormat));
      return { payload: original, header };
    }
  }

  /** The same of each of several pictures is one warning. */
  #warnOnce(warning: JobWarning): void {
    const isKnown = this.#warnings.some(
      ({ param, code }) => param === warning.param && code === warning.code,
    );
    if (!isKnown) {
      this.#warnings.push(warning);
    }
  }
}

type DeliverableHeader = ImageHeader & { readonly format: ImageFormat };

/** A picture as it goes out, and what it says of itself. */
interface Deliverable {
  readonly payload: Payload;
  readonly header: DeliverableHeader;
}

/** Easel knows more encodings than it hands out. */
function isDeliverable(header: ImageHeader): header is DeliverableHeader {
  return isImageFormat(header.format);
}

/** Remembers whether a reader met the end of a payload, or the death of its source. */
function watchPayload(payload: Payload): {
  readonly payload: Payload;
  readonly throwUnlessWhole: () => void;
} {
  let isWhole = false;
  let broken: unknown = new Error('it was not read to its end');
  const note = (step: Promise<IteratorResult<Buffer>>): Promise<IteratorResult<Buffer>> => {
    step.then(
      ({ done }) => {
        isWhole ||= done === true;
      },
      (error: unknown) => {
        broken = error;
      },
    );
    return step;
  };
  return {
    payload: {
      ...payload,
      // Not a generator: this runs once for each chunk of each picture.
      chunks: () => ({
        [Symbol.asyncIterator]: () => {
          const source = payload.chunks()[Symbol.asyncIterator]();
          return {
            next: () => note(source.next()),
            return: async () => (await source.return?.()) ?? { done: true, value: undefined },
          };
        },
      }),
    },
    throwUnlessWhole: () => {
      if (!isWhole) {
        throw broken instanceof Failure ? broken : notAPicture(broken);
      }
    },
  };
}

/** Fields that the card passes on and the engine does not: they could open files or reach out. */
function heldBack({ holdsBack }: Provider, fields: readonly string[]): JobWarning[] {
  return fields
    .filter((field) => holdsBack?.(field) === true)
    .map((param) => ({ param, code: 'ignored', message: `${param} is not passed on.` }));
}

function converted(from: ProbedFormat, to: ImageFormat): JobWarning {
  const message = `The model gave ${from}; the picture was converted to ${to}.`;
  return { param: 'output_format', code: 'converted', message };
}

function conversionFailed(from: ImageFormat, to: ImageFormat): JobWarning {
  const message = `The picture could not be converted to ${to}: this is the original ${from}.`;
  return { param: 'output_format', code: 'conversion_failed', message };
}

async function headerOf(payload: Payload): Promise<ImageHeader> {
  const header = await probePayload(payload).catch((error: unknown) => {
    throw error instanceof Failure ? error : notAPicture(error);
  });
  if (header === undefined) {
    throw notAPicture(undefined);
  }
  return header;
}

function notAPicture(cause: unknown): Failure {
  const internal = 'the upstream sent something else than a whole picture';
  return new Failure('upstream_error', { internal, cause });
}

/** The admitted call as the engine reads it. */
function taskOf({ admitted, caller, pictures }: HeldRequest): ImageTask {
  const { card, prompt, n, parameters, seed, nativeFormat, compression, partialImages } = admitted;
  const { stream } = admitted.call;
  return {
    upstreamModel: card.upstreamModel,
    prompt,
    n,
    parameters,
    upstreamParameters: card.upstreamParameters,
    passthrough: admitted.passthrough,
    format: nativeFormat,
    stream,
    partialImages,
    size: admitted.expectedSize,
    references: pictures.references,
    ...(pictures.mask === undefined ? {} : { mask: pictures.mask }),
    ...(seed === undefined ? {} : { seed }),
    ...(compression === undefined ? {} : { compression }),
    ...(caller.mode === 'test' ? { testModel: admitted.requestedModel } : {}),
  };
}

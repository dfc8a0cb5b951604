import { Failure, logFailure, toFailure } from '../base/errors.ts';
import { type ImageFormat, isImageFormat } from '../base/image.ts';
import type { Log } from '../base/log.ts';
import type { TokenUsage } from '../base/usage.ts';
import { testUsage } from '../catalog/price.ts';
import type { Payload } from '../payload/payload.ts';
import { type ImageHeader, type ProbedFormat, probePayload } from '../payload/probe.ts';
import { transcode } from '../payload/transcode.ts';
import type {
  ImageTask,
  Provider,
  ProviderContext,
  ProviderEvent,
  Receipt,
  UpstreamJob,
} from '../providers/provider.ts';
import type { ImageFacts, Job, JobWarning } from '../requests/job.ts';
import { notAPicture } from './keep.ts';
import type { HeldRequest } from './record.ts';
import { verdictOf } from './verdict.ts';

/** What came of the engine's work: enough to price it. */
export interface Painted {
  readonly images: readonly ImageFacts[];
  readonly receipt: Receipt;
  readonly tokens?: TokenUsage;
  readonly warnings: readonly JobWarning[];
}

/** What is painted with. */
export interface Painting {
  readonly engine: Provider;
  readonly job: Job;
  readonly log: Log;
  /** Begins the engine's work: a new one, or what a process that died has left. */
  readonly start: (
    task: ImageTask,
    context: ProviderContext,
  ) => AsyncGenerator<ProviderEvent, Receipt, void>;
  /** Told of each job that an upstream has taken, before it is waited for. */
  readonly submitted: (job: UpstreamJob, task: ImageTask) => Promise<void>;
}

/**
 * Step 6: lets the engine paint, and passes its pictures to the job as they come, measured and in
 * the encoding that was asked for. Throws when no picture came of it, or the job was given up.
 */
export async function paint(request: HeldRequest, painting: Painting): Promise<Painted> {
  const { spool } = request;
  const { job, log, start, submitted } = painting;
  const easel = new PaintedImages(request, painting);
  // Whatever ends this early must end the engine's calls and connections, too.
  const end = new AbortController();
  const signal = AbortSignal.any([job.signal, end.signal]);
  const task = taskOf(request);
  const { turns } = job;
  const { trace } = request;
  const events = start(task, { signal, log, spool: spool.keep, submitted, turns, trace });
  try {
    for (;;) {
      // An engine may be slow to notice that the job was given up: nobody waits for that.
      const step = await Promise.race([job.aborted, events.next()]);
      if (step.done === true) {
        return easel.finish(step.value);
      }
      const event = step.value;
      await (event.type === 'submitted' ? submitted(event.job, task) : easel.take(event));
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

  constructor(request: HeldRequest, { job, log, engine }: Painting) {
    this.#request = request;
    this.#job = job;
    this.#log = log;
    const { warnings, passthrough } = request.admitted;
    this.#warnings = [
      ...warnings,
      ...request.warnings,
      ...heldBack(engine, Object.keys(passthrough)),
    ];
  }

  async take(event: Exclude<ProviderEvent, { type: 'submitted' }>): Promise<void> {
    switch (event.type) {
      case 'partial':
        await this.#takePartial(event);
        break;
      case 'image':
        await this.#takeImage(event);
        break;
      case 'image_failed':
        this.#noteFailure(event.reason);
        logFailure(this.#log, toFailure(event.reason), { image: this.#request.id });
        this.#warnings.push({
          param: 'n',
          code: 'image_failed',
          message: `One of the pictures could not be made: ${toFailure(event.reason).message}`,
        });
        break;
    }
  }

  /** Of several the one that forbids to ask again: one of the others may have been bought. */
  #noteFailure(reason: unknown): void {
    if (this.#lastFailure === undefined || verdictOf(this.#lastFailure).mayRepeat) {
      this.#lastFailure = reason;
    }
  }

  async #takePartial(event: Extract<ProviderEvent, { type: 'partial' }>): Promise<void> {
    const { index, partialIndex } = event;
    const { spool, keeping } = this.#request;
    const { payload, header } = await this.#deliverable(event.payload);
    // Nobody fetches a partial picture later: it is kept only for who is reading now.
    const own = keeping.isLasting ? await spool.keep(payload) : payload;
    this.#job.emit({ type: 'partial', index, partialIndex, payload: own, header });
    if (!keeping.isLasting) {
      // The source waits for the reader.
      await this.#job.delivered();
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
    const { keeping } = this.#request;
    const picture = await keeping.take({ payload, index: image.index, waits }, this.#job);
    this.#job.emit({ type: 'image', payload: picture.payload, image });
    await picture.whole();
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
      warnings: [...this.#warnings, ...this.#request.keeping.warnings],
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

import type { FastifyRequest } from 'fastify';
import { Failure } from '../../base/errors.ts';

export interface ArrivingOptions {
  /** The most bytes of the whole body. */
  readonly bytesMax: number;
  /** The longest silence, in milliseconds. */
  readonly idleMs: number;
  /** A body that has taken longer than `idleMs`, and came more slowly than this, is refused. */
  readonly bytesPerSecondMin: number;
}

/**
 * The body of a request as it arrives, to be read once. Fails with `payload_too_large` above its
 * bytes, with `invalid_value` when it stops arriving, and with `request_cancelled` when the client
 * leaves. Whoever stops early leaves the connection open, so that an answer can be sent.
 */
export async function* arrivingBody(
  { raw, headers }: Pick<FastifyRequest, 'raw' | 'headers'>,
  { bytesMax, idleMs, bytesPerSecondMin }: ArrivingOptions,
): AsyncGenerator<Buffer, void, void> {
  if (Number(headers['content-length'] ?? 0) > bytesMax) {
    throw tooLarge(bytesMax);
  }
  // Not the stream's own iteration, which closes the connection when it is left early.
  const source: AsyncIterator<Buffer> = raw.iterator({ destroyOnReturn: false });
  let bytes = 0;
  const startedAt = performance.now();
  try {
    for (;;) {
      const step = await nextWithin(source, idleMs);
      if (step.done === true) {
        return;
      }
      bytes += step.value.length;
      if (bytes > bytesMax) {
        throw tooLarge(bytesMax);
      }
      const elapsedMs = performance.now() - startedAt;
      if (elapsedMs > idleMs && bytes * 1000 < bytesPerSecondMin * elapsedMs) {
        throw tooSlow(bytesPerSecondMin);
      }
      yield step.value;
    }
  } catch (error) {
    throw error instanceof Failure ? error : left(error);
  } finally {
    // Not awaited: behind a chunk that does not come it would wait as well.
    void source.return?.();
  }
}

/**
 * Lets the rest of a body go by that was refused in its middle: an answer sent into a connection
 * that is closed at once may never be read. A client that sends too much, falls silent, or takes
 * too long is cut off.
 */
export function passBy(
  { raw }: Pick<FastifyRequest, 'raw'>,
  { bytesMax, idleMs }: ArrivingOptions,
): void {
  if (raw.readableEnded || raw.destroyed) {
    return;
  }
  let bytes = 0;
  const silence = setTimeout(() => raw.destroy(), idleMs);
  const whole = setTimeout(() => raw.destroy(), Math.max(idleMs, PASS_BY_MS));
  raw.on('data', (chunk: Buffer) => {
    silence.refresh();
    bytes += chunk.length;
    if (bytes > bytesMax) {
      raw.destroy();
    }
  });
  const stop = (): void => {
    clearTimeout(silence);
    clearTimeout(whole);
  };
  raw.once('end', stop);
  raw.once('close', stop);
  raw.on('error', () => undefined);
  raw.resume();
}

/** How long the rest of a refused body may take. */
const PASS_BY_MS = 60_000;

function tooSlow(bytesPerSecondMin: number): Failure {
  return new Failure('invalid_value', {
    message: `The request body arrives too slowly: less than ${bytesPerSecondMin} bytes a second.`,
  });
}

function tooLarge(bytesMax: number): Failure {
  return new Failure('payload_too_large', {
    message: `The request body is larger than ${bytesMax} bytes.`,
  });
}

function left(cause: unknown): Failure {
  return new Failure('request_cancelled', { internal: 'the client left in mid-body', cause });
}

/**
 * The next chunk; rejects when it does not come in time. Not by `Promise.race` with one long-lived
 * promise, which would keep every chunk that ever won against it.
 */
function nextWithin(
  source: AsyncIterator<Buffer>,
  idleMs: number,
): Promise<IteratorResult<Buffer>> {
  const { promise, resolve, reject } = Promise.withResolvers<IteratorResult<Buffer>>();
  const timer = setTimeout(() => {
    const message = `The request body stopped arriving: nothing came for ${idleMs / 1000} s.`;
    reject(new Failure('invalid_value', { message }));
  }, idleMs);
  source
    .next()
    .then(resolve, reject)
    .finally(() => clearTimeout(timer));
  return promise;
}

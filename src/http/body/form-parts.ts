import { once } from 'node:events';
import type { Readable } from 'node:stream';
import { Busboy, type BusboyHeaders, type BusboyInstance } from '@fastify/busboy';
import { Failure } from '../../base/errors.ts';

/** One part of a form, still arriving. */
export interface FormPart {
  readonly name: string;
  /** Where the part says that it is a file. */
  readonly isFile: boolean;
  /** To be read, at least in part, before the next is asked for; what is left then is skipped. */
  readonly body: AsyncIterable<Buffer>;
}

/** No client sends as many: images, a mask, and each field that there is, twice. */
const PARTS_MAX = 200;

const HEADER_BYTES_MAX = 16 * 1024;

/**
 * The parts of a multipart body in their order, each as it arrives; files and texts alike, since
 * clients send pictures with and without names and types. Throws `invalid_value` for a body that is
 * no form, ends too early or has too many parts, and what the source throws.
 */
export async function* formParts(
  source: AsyncIterable<Buffer>,
  contentType: string,
): AsyncGenerator<FormPart, void, void> {
  const parser = openParser(contentType);
  const arrived = new Arrivals();
  parser.on('file', (name: string | undefined, body: Readable, fileName: string | undefined) =>
    arrived.add({ name, body, isFile: fileName !== undefined }),
  );
  parser.on('partsLimit', () => arrived.fail(malformed(`it has more than ${PARTS_MAX} parts`)));
  parser.on('error', () => arrived.fail(malformed('it ends before its last boundary')));
  parser.on('finish', () => arrived.end());
  const stop = new AbortController();
  void feed(parser, source, stop.signal).catch((error: unknown) => arrived.fail(error));
  try {
    for (let part = await arrived.next(); part !== undefined; part = await arrived.next()) {
      const body = readPart(part.body, arrived);
      yield { name: part.name, isFile: part.isFile, body };
      // What is left of it flows only once its reader has let go.
      await body.return();
      part.body.resume();
    }
  } finally {
    stop.abort();
    parser.destroy();
    arrived.discard();
  }
}

function openParser(contentType: string): BusboyInstance {
  try {
    const headers: BusboyHeaders = { 'content-type': contentType };
    return new Busboy({
      headers,
      // Every part is a stream: which of them are pictures, the names tell.
      isPartAFile: () => true,
      limits: { parts: PARTS_MAX, headerPairs: 32, headerSize: HEADER_BYTES_MAX },
    });
  } catch {
    throw malformed('its content type names no boundary');
  }
}

async function feed(
  parser: BusboyInstance,
  source: AsyncIterable<Buffer>,
  signal: AbortSignal,
): Promise<void> {
  for await (const chunk of source) {
    if (signal.aborted) {
      return;
    }
    if (!parser.write(chunk)) {
      await once(parser, 'drain', { signal });
    }
  }
  parser.end();
}

/** A part's bytes; what went wrong with the whole form is what its reader meets. */
async function* readPart(body: Readable, arrived: Arrivals): AsyncGenerator<Buffer, void, void> {
  try {
    for await (const chunk of body.iterator({ destroyOnReturn: false })) {
      yield chunk as Buffer;
    }
  } catch {
    throw arrived.failure ?? malformed('it ends inside a part');
  }
}

interface ArrivedPart {
  readonly name: string;
  readonly isFile: boolean;
  readonly body: Readable;
}

/** The parts that have come, for one reader. */
class Arrivals {
  readonly #parts: ArrivedPart[] = [];
  /** Those whose last byte has not been read. */
  readonly #open = new Set<Readable>();
  #changed = Promise.withResolvers<void>();
  #failure: { readonly error: unknown } | undefined;
  #isEnded = false;

  get failure(): unknown {
    return this.#failure?.error;
  }

  add({
    name,
    body,
    isFile,
  }: Omit<ArrivedPart, 'name'> & { readonly name: string | undefined }): void {
    body.on('error', () => undefined);
    body.once('close', () => this.#open.delete(body));
    this.#open.add(body);
    if (name === undefined) {
      this.fail(malformed('it has a part without a name'));
      return;
    }
    this.#parts.push({ name, body, isFile });
    this.#changed.resolve();
  }

  fail(error: unknown): void {
    this.#failure ??= { error };
    // Whoever waits for the rest of a part waits in vain.
    this.discard();
    this.#changed.resolve();
  }

  end(): void {
    this.#isEnded = true;
    this.#changed.resolve();
  }

  discard(): void {
    for (const body of this.#open) {
      body.destroy();
    }
  }

  async next(): Promise<ArrivedPart | undefined> {
    for (;;) {
      if (this.#failure !== undefined) {
        throw this.#failure.error;
      }
      const part = this.#parts.shift();
      if (part !== undefined || this.#isEnded) {
        return part;
      }
      await this.#changed.promise;
      this.#changed = Promise.withResolvers();
    }
  }
}

function malformed(what: string): Failure {
  return new Failure('invalid_value', { message: `The multipart body is malformed: ${what}.` });
}

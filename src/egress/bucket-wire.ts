import { createHash } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { AwsV4Signer } from 'aws4fetch';
import { Agent } from 'undici';
import { UpstreamFailure } from '../base/upstream-failure.ts';
import { BucketError } from './bucket-error.ts';
import { elementText } from './bucket-text.ts';
import { agentOptions, FIXED_HEADERS } from './download.ts';
import { exchange, type ExchangeAnswer } from './exchange.ts';
import { directConnector } from './guarded.ts';

/** A bucket of an S3-compatible storage, and who may use it. Never log it. */
export interface BucketPlace {
  readonly bucket: string;
  /** Without a slash at its end; absent: Amazon's own, of the region. */
  readonly endpoint?: string;
  readonly region: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

/** How long and how often it is tried. */
export interface BucketPatience {
  readonly connectMs?: number;
  /** From a request to the head of its answer, its body included. */
  readonly writeMs?: number;
  /** The same where there is nothing to send. */
  readonly readMs?: number;
  /** The longest silence within an answer. */
  readonly idleMs?: number;
  readonly tries?: number;
}

/** Bytes that can be read again, should they have to be sent again. */
export interface BucketBody {
  readonly bytes: number;
  readonly chunks: () => AsyncIterable<Buffer>;
  /** In hex, where it is known: otherwise a bucket that signs bodies reads them twice. */
  readonly sha256?: string;
}

export interface WireRequest {
  readonly method: 'GET' | 'PUT' | 'POST' | 'DELETE';
  /** Absent: the bucket itself. */
  readonly key?: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: BucketBody | string;
  readonly signal?: AbortSignal | undefined;
  /** Fewer than usual, where nothing depends on it. */
  readonly tries?: number | undefined;
}

const PATIENCE = {
  connectMs: 5000,
  writeMs: 60_000,
  readMs: 20_000,
  idleMs: 30_000,
  tries: 4,
} as const satisfies BucketPatience;
const CONNECTIONS = 64;
const ANSWER_BYTES_MAX = 8 * 1024 * 1024;
const OBJECT_BYTES_MAX = 5 * 1024 ** 4;
const PAUSE_MS = 200;
const MESSAGE_CHARACTERS_MAX = 200;

/** Signed requests to one bucket, tried again while it is away. */
export class BucketWire {
  /** How people know the bucket. */
  readonly name: string;
  /** TLS keeps what it carries from being changed. Where there is none the signature covers it. */
  readonly signsBodies: boolean;
  readonly #place: BucketPlace;
  readonly #base: string;
  readonly #patience: Required<BucketPatience>;
  readonly #agent: Agent;
  /** Of the signer: keys that it derives once a day. */
  readonly #signingKeys = new Map<string, ArrayBuffer>();

  constructor(place: BucketPlace, patience: BucketPatience = {}) {
    this.#place = place;
    this.#base = baseUrl(place);
    this.signsBodies = !this.#base.startsWith('https:');
    this.name = `the bucket ${place.bucket} at ${new URL(this.#base).host}`;
    this.#patience = { ...PATIENCE, ...patience };
    // No guard on where it leads: the operator named it, and it may well lie in their own network.
    const connect = directConnector({ connectMs: this.#patience.connectMs });
    this.#agent = new Agent({ ...agentOptions(CONNECTIONS), connect });
  }

  /**
   * Sends, and reads the answer, all of it again if the bucket is away. `read` gets answers of
   * success only. Throws a BucketError, or the signal's reason.
   */
  async ask<Value>(
    request: WireRequest,
    read: (answer: ExchangeAnswer) => Promise<Value>,
  ): Promise<Value> {
    const tries = request.tries ?? this.#patience.tries;
    for (let tried = 1; ; tried += 1) {
      try {
        return await read(await this.#send(request));
      } catch (thrown) {
        const error = this.told(thrown);
        if (!(error instanceof BucketError && error.isAway) || tried >= tries) {
          throw error;
        }
      }
      // Spread, so that all that one outage has stopped does not come back in one moment.
      await delay(PAUSE_MS * 2 ** (tried - 1) * (0.5 + Math.random()));
      request.signal?.throwIfAborted();
    }
  }

  /** What the transport threw, as a BucketError; anything else as it is. */
  told(thrown: unknown): unknown {
    if (!(thrown instanceof UpstreamFailure)) {
      return thrown;
    }
    const options = { code: 'Unreachable', isAway: true, cause: thrown };
    return new BucketError(`${this.name} cannot be reached: ${thrown.internal}`, options);
  }

  async close(): Promise<void> {
    await this.#agent.destroy();
  }

  async #send(request: WireRequest): Promise<ExchangeAnswer> {
    const { method, body, signal } = request;
    const { url, headers } = await this.#sign(request);
    const { writeMs, readMs, idleMs } = this.#patience;
    const answer = await exchange({
      dispatcher: this.#agent,
      method,
      url,
      headers,
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : body.chunks() }),
      signal: signal ?? NEVER,
      firstByteMs: method === 'PUT' || method === 'POST' ? writeMs : readMs,
      idleMs,
      bodyBytesMax: OBJECT_BYTES_MAX,
      buys: false,
    });
    if (answer.status >= 300) {
      const { status } = answer;
      throw refusal(this.name, status, await textOf(answer).catch(() => ''));
    }
    return answer;
  }

  async #sign(request: WireRequest): Promise<{ url: URL; headers: Record<string, string> }> {
    const { method, key, query = {}, body } = request;
    const url = new URL(key === undefined ? this.#base : `${this.#base}/${key}`);
    for (const [name, value] of Object.entries(query)) {
      url.searchParams.set(name, value);
    }
    const { region, accessKeyId, secretAccessKey, sessionToken } = this.#place;
    const signer = new AwsV4Signer({
      method,
      url: url.href,
      headers: {
        ...FIXED_HEADERS,
        ...request.headers,
        'x-amz-content-sha256': await this.#bodyHash(body),
      },
      service: 's3',
      region,
      accessKeyId,
      secretAccessKey,
      ...(sessionToken === undefined ? {} : { sessionToken }),
      cache: this.#signingKeys,
    });
    const signed = await signer.sign();
    const headers = Object.fromEntries(signed.headers.entries());
    // Nothing is asked beforehand (no `expect`), and nothing is sent in pieces of unknown size.
    const bytes = typeof body === 'string' ? Buffer.byteLength(body) : body?.bytes;
    return {
      url: signed.url,
      headers: bytes === undefined ? headers : { ...headers, 'content-length': String(bytes) },
    };
  }

  async #bodyHash(body: WireRequest['body']): Promise<string> {
    if (typeof body === 'object' && !this.signsBodies) {
      return 'UNSIGNED-PAYLOAD';
    }
    if (typeof body === 'object' && body.sha256 !== undefined) {
      return body.sha256;
    }
    const hash = createHash('sha256');
    for await (const chunk of typeof body === 'object' ? body.chunks() : [body ?? '']) {
      hash.update(chunk);
    }
    return hash.digest('hex');
  }
}

const NEVER = new AbortController().signal;

/** Amazon knows a bucket by its host; of others each can be counted on to know it by its path. */
function baseUrl({ bucket, endpoint, region }: BucketPlace): string {
  if (endpoint !== undefined) {
    return `${endpoint}/${bucket}`;
  }
  // A certificate for *.s3.… fits no name with a dot in it.
  return bucket.includes('.')
    ? `https://s3.${region}.amazonaws.com/${bucket}`
    : `https://${bucket}.s3.${region}.amazonaws.com`;
}

/** All of an answer that is not a picture. */
export async function textOf({ body, abandon }: ExchangeAnswer): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes > ANSWER_BYTES_MAX) {
      abandon();
      const code = 'AnswerTooLong';
      throw new BucketError('the bucket answers with far too much', { code, isAway: false });
    }
  }
  return Buffer.concat(chunks).toString();
}

/** By these S3 says that the same request may go through later. */
const PASSING = new Set(['InternalError', 'RequestTimeout', 'ServiceUnavailable', 'SlowDown']);

/** What S3 answered instead of doing it. Only two elements: others repeat what was signed. */
export function refusal(name: string, status: number, xml: string): BucketError {
  const code = elementText(xml, 'Code') ?? `HTTP ${status}`;
  const message = (elementText(xml, 'Message') ?? '').slice(0, MESSAGE_CHARACTERS_MAX);
  const says = [code, message].filter((text) => text !== '').join(': ');
  // 409: something else was being done to the same key, or around it.
  const isAway = status >= 500 || status === 429 || status === 409 || PASSING.has(code);
  return new BucketError(`${name} refuses: ${says}`, { code, isAway });
}

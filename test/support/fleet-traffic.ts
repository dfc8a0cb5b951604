import { randomUUID } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { rawForm } from './forms.ts';
import { readEvents } from './sse.ts';

/** What becomes of a request in the end, as its client sees it. */
export interface Outcome {
  /** Its own, in `metadata.mark` of the request. */
  readonly mark: string;
  readonly kind: Kind;
  /** The connection died with a replica, and the client did not ask again. */
  readonly hasDied: boolean;
  /** `img_…`; undefined where it died before it was told. */
  readonly id?: string | undefined;
  /** In USD, as the answer said; undefined where no whole answer came. */
  readonly cost?: number | undefined;
}

/** `once` is never asked for again; the others have an Idempotency-Key and are, until they have it. */
export type Kind = 'once' | 'keyed' | 'edit' | 'stream' | 'async';

export const KINDS: readonly Kind[] = ['once', 'keyed', 'edit', 'stream', 'async'];

export interface TrafficOptions {
  /** Where the load balancer is. */
  readonly url: string;
  readonly key: string;
  /** A picture to edit. */
  readonly picture: Buffer;
  /** What an asynchronous job asks for, and what all others do. */
  readonly asyncModel: string;
  readonly model: string;
  /**
   * A replica that is being stopped may say so with 503 to what comes on an open connection. Clients come
   * again, as the SDKs do.
   */
  readonly mayDrain?: boolean;
  /** Nobody waits for the end of it any more. */
  readonly giveUp?: AbortSignal;
}

/** An answer of Easel's own that should not have been. */
export class WrongAnswer extends Error {}

const GENERATIONS = '/v1/images/generations';
const PAUSE_MS = 100;

/** One request of that kind, to its end. Throws a WrongAnswer. */
export async function askOnce(options: TrafficOptions, kind: Kind, mark: string): Promise<Outcome> {
  const headers: Record<string, string> = { authorization: `Bearer ${options.key}` };
  if (kind !== 'once') {
    headers['idempotency-key'] = `key-${mark}-${randomUUID()}`;
  }
  for (;;) {
    const found = await attempt(options, { kind, mark, headers });
    if (found === 'draining') {
      await pause(options);
      continue;
    }
    if (found !== undefined) {
      return { mark, kind, hasDied: false, ...found };
    }
    if (kind === 'once') {
      return { mark, kind, hasDied: true };
    }
    await pause(options);
  }
}

/** Throws when nobody waits any more. */
async function pause({ giveUp }: TrafficOptions): Promise<void> {
  await wait(PAUSE_MS, undefined, giveUp === undefined ? {} : { signal: giveUp });
}

interface Attempt {
  readonly kind: Kind;
  readonly mark: string;
  readonly headers: Readonly<Record<string, string>>;
}

type Found = Pick<Outcome, 'id' | 'cost'> | 'draining';

/** Undefined: its connection died. */
async function attempt(options: TrafficOptions, asked: Attempt): Promise<Found | undefined> {
  try {
    return await send(options, asked);
  } catch (error) {
    if (error instanceof WrongAnswer) {
      throw error;
    }
    return undefined;
  }
}

async function send(options: TrafficOptions, asked: Attempt): Promise<Found | undefined> {
  const { kind } = asked;
  const response = await fetch(...requestOf(options, asked));
  if (kind === 'stream' && response.status === 200) {
    return readStream(response);
  }
  const text = await response.text();
  if (isOfProxy(response)) {
    return undefined;
  }
  if (options.mayDrain === true && response.status === 503 && response.headers.has('retry-after')) {
    return 'draining';
  }
  if (response.status !== (kind === 'async' ? 202 : 200)) {
    throw new WrongAnswer(`${kind}: ${response.status} ${text.slice(0, 500)}`);
  }
  const { id } = JSON.parse(text) as { readonly id: string };
  return kind === 'async' ? pollOf(options, id) : { id, cost: costOf(JSON.parse(text)) };
}

function requestOf(
  { url, model, asyncModel, picture }: TrafficOptions,
  { kind, mark, headers }: Attempt,
): [string, RequestInit] {
  const body = { model, prompt: mark, quality: 'low', size: '1024x1024', metadata: { mark } };
  const json = (fields: object, more: object = {}): [string, RequestInit] => [
    `${url}${GENERATIONS}`,
    {
      method: 'POST',
      headers: { ...headers, 'content-type': 'application/json', ...more },
      body: JSON.stringify(fields),
    },
  ];
  switch (kind) {
    case 'stream':
      return json({ ...body, stream: true });
    case 'async': {
      const { prompt, metadata } = body;
      const job = { model: asyncModel, prompt, metadata, width: 1024, height: 1024 };
      return json(job, { prefer: 'respond-async' });
    }
    case 'edit': {
      const file = { fileName: 'a.png', contentType: 'image/png' };
      const form = rawForm([
        { name: 'model', body: model },
        { name: 'prompt', body: mark },
        { name: 'quality', body: 'low' },
        { name: 'size', body: '1024x1024' },
        { name: 'metadata[mark]', body: mark },
        { name: 'image', body: picture, ...file },
      ]);
      const type = { 'content-type': form.contentType };
      const init = { method: 'POST', headers: { ...headers, ...type }, body: form.body };
      return [`${url}/v1/images/edits`, init];
    }
    default:
      return json(body);
  }
}

async function readStream(response: Response): Promise<Found> {
  for await (const piece of readEvents(response)) {
    if ('comment' in piece) {
      continue;
    }
    if (piece.event === 'error') {
      throw new WrongAnswer(`stream: ${piece.text.slice(0, 500)}`);
    }
    if (piece.event.endsWith('.completed')) {
      const id = response.headers.get('x-easel-image-id') ?? undefined;
      return { id, cost: costOf(piece.data) };
    }
  }
  throw new Error('the stream ended early');
}

/** Asks until the job has ended; connections that die meanwhile are nothing to it. */
async function pollOf(options: TrafficOptions, id: string): Promise<Found> {
  const { url, key } = options;
  const headers = { authorization: `Bearer ${key}`, prefer: 'wait=5' };
  for (;;) {
    const response = await fetch(`${url}/v1/images/${id}`, { headers }).catch(() => undefined);
    const text = await response?.text().catch(() => undefined);
    if (response === undefined || text === undefined || isOfProxy(response)) {
      await pause(options);
      continue;
    }
    if (response.status >= 500) {
      throw new WrongAnswer(`poll: ${response.status} ${text.slice(0, 500)}`);
    }
    const body = JSON.parse(text) as { readonly status?: string };
    if (body.status === 'completed') {
      return { id, cost: costOf(body) };
    }
    if (body.status !== 'queued' && body.status !== 'running') {
      // Its process died before an upstream had taken it: told, and not charged.
      return { id };
    }
  }
}

/** nginx has no replica that answers, or the one that should have has died. */
function isOfProxy(response: Response): boolean {
  const isPage = response.headers.get('content-type')?.startsWith('text/html') === true;
  return isPage && response.status >= 502;
}

function costOf(answer: unknown): number | undefined {
  const { usage } = answer as { readonly usage?: { readonly cost?: { total_cost?: number } } };
  return usage?.cost?.total_cost;
}

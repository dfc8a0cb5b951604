import { setTimeout as wait } from 'node:timers/promises';
import { Client } from 'pg';

/**
 * What one process tells all others of the same database, by a name: that a request has ended, or that
 * something became free. A name has no spaces.
 */
export interface Announcements {
  /** Tells of it a moment later, with whatever else there is to tell. Never throws. */
  readonly announce: (name: string) => void;
  /**
   * Listens for one name, from now on. An announcement may be missed, by a process that was away
   * from the database: whoever waits looks for himself from time to time.
   */
  readonly hear: (name: string) => Heard;
  readonly close: () => Promise<void>;
}

export interface Heard extends Disposable {
  /** Resolves when it is announced. */
  readonly promise: Promise<void>;
}

/** For a database that has no other process: the jobs of this one are known. */
export const NO_ANNOUNCEMENTS: Announcements = {
  announce: () => undefined,
  hear: () => ({ promise: new Promise(() => undefined), [Symbol.dispose]: () => undefined }),
  close: async () => undefined,
};

const CHANNEL = 'easel_requests';
/**
 * A NOTIFY makes commits wait for each other (PostgreSQL takes one lock for all), so it is never part
 * of a transaction of ours, and there are few: each tells of all that ended within this time.
 */
const ANNOUNCE_AFTER_MS = 25;
/** A payload is less than 8,000 bytes; ids are some thirty. */
const IDS_MAX = 200;
const RECONNECT_MS = { first: 100, most: 5_000 };

export interface AnnouncementsOptions {
  readonly url: string;
  /** Runs one statement on any connection. */
  readonly query: (sql: string, values: readonly string[]) => Promise<unknown>;
}

/** By LISTEN and NOTIFY. The connection that listens is made when somebody first does. */
export function openAnnouncements({ url, query }: AnnouncementsOptions): Announcements {
  const listeners = new Map<string, Set<() => void>>();
  const ended = new Set<string>();
  const end = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  let listening: Promise<void> | undefined;
  const wake = (id: string): void => {
    for (const listener of listeners.get(id) ?? []) {
      listener();
    }
  };
  const flush = async (): Promise<void> => {
    timer = undefined;
    const ids = [...ended];
    ended.clear();
    for (let start = 0; start < ids.length; start += IDS_MAX) {
      const payload = ids.slice(start, start + IDS_MAX).join(' ');
      // Nobody is told then: whoever waits looks for himself.
      await query('select pg_notify($1, $2)', [CHANNEL, payload]).catch(() => undefined);
    }
  };
  const keepListening = async (): Promise<void> => {
    for (let pauseMs = RECONNECT_MS.first; !end.signal.aborted;) {
      try {
        await listen(url, {
          signal: end.signal,
          onPayload: (text) => text.split(' ').forEach(wake),
        });
        pauseMs = RECONNECT_MS.first;
      } catch {
        pauseMs = Math.min(pauseMs * 2, RECONNECT_MS.most);
      }
      // What was announced meanwhile is unknown: everybody looks.
      [...listeners.keys()].forEach(wake);
      await wait(pauseMs, undefined, { signal: end.signal, ref: false }).catch(() => undefined);
    }
  };
  return {
    announce: (id) => {
      ended.add(id);
      timer ??= setTimeout(() => void flush(), ANNOUNCE_AFTER_MS);
    },
    hear: (id) => {
      listening ??= keepListening();
      const { promise, resolve } = Promise.withResolvers<void>();
      const those = listeners.get(id) ?? new Set();
      listeners.set(id, those.add(resolve));
      return {
        promise,
        [Symbol.dispose]: () => {
          those.delete(resolve);
          if (those.size === 0) {
            listeners.delete(id);
          }
        },
      };
    },
    close: async () => {
      clearTimeout(timer);
      await flush();
      end.abort();
      await listening;
    },
  };
}

interface Listening {
  readonly signal: AbortSignal;
  readonly onPayload: (text: string) => void;
}

/** Until the connection ends, or the signal aborts. Throws when there is none to be had. */
async function listen(url: string, { signal, onPayload }: Listening): Promise<void> {
  const client = new Client({
    connectionString: url,
    keepAlive: true,
    application_name: 'easel',
  });
  const closed = Promise.withResolvers<void>();
  client.on('error', () => closed.resolve());
  client.on('end', () => closed.resolve());
  client.on('notification', ({ payload }) => onPayload(payload ?? ''));
  const onAbort = (): void => closed.resolve();
  signal.addEventListener('abort', onAbort);
  try {
    await client.connect();
    await client.query(`listen ${CHANNEL}`);
    await closed.promise;
  } finally {
    signal.removeEventListener('abort', onAbort);
    await client.end().catch(() => undefined);
  }
}

import { UpstreamFailure } from '../base/upstream-failure.ts';

export interface FairQueueBounds {
  /** Places: so many may be inside at once. */
  readonly limit: number;
  /** So many may wait. */
  readonly waitingMax: number;
  /** So long one may wait, in milliseconds. */
  readonly waitMs: number;
}

export interface Entering {
  /** Whose turn it is: each of them gets as many turns as any other. */
  readonly who: string;
  readonly signal: AbortSignal;
  /** Told when it has to wait: what it is given says at any time how many go in up to this one. */
  readonly onWait?: (place: () => number) => void;
}

/** Places that other processes take, too; whoever counts them knows how many there are. */
export interface SharedPlaces {
  /** Takes one if there is one now. */
  readonly take: () => Promise<boolean>;
  /** Takes one whether there is one or not. */
  readonly takeAnyway: () => void;
  readonly giveBack: () => void;
  /** Resolves when one may have become free, or it is time to look. */
  readonly freed: () => Promise<void>;
}

/** A caller may come again before those who wait have all been served: some give up. */
const RETRY_AFTER_MS_MAX = 30_000;

interface Waiter {
  readonly who: string;
  readonly letIn: () => void;
  readonly refuse: (reason: unknown) => void;
}

/**
 * Places that are given out fairly: while all are taken, those who want one take turns, and each of
 * them has their own line. So one who comes with a thousand delays another by one turn, not by a
 * thousand. Where other processes take of the same places, those who wait here have their turns with
 * what this process gets of them.
 */
export class FairQueue {
  readonly #bounds: FairQueueBounds;
  /** One line each, in the order of the next turns. */
  readonly #lines = new Map<string, Waiter[]>();
  readonly #shared: SharedPlaces | undefined;
  #running = 0;
  #waiting = 0;
  /** Others had taken all of the shared ones when it was last tried. */
  #isSharedOut = false;
  #isGiving = false;

  constructor(bounds: FairQueueBounds, shared?: SharedPlaces) {
    this.#bounds = bounds;
    this.#shared = shared;
  }

  get waiting(): number {
    return this.#waiting;
  }

  get limit(): number {
    return this.#bounds.limit;
  }

  /** Whether whoever comes now need not wait. */
  get hasPlace(): boolean {
    return this.#running < this.#bounds.limit && this.#waiting === 0 && !this.#isSharedOut;
  }

  /**
   * Resolves to what gives the place back, which may be called twice. Throws an UpstreamFailure
   * `overloaded` when too many wait, or it waited too long, and the signal's reason.
   */
  async enter({ who, signal, onWait }: Entering): Promise<() => void> {
    signal.throwIfAborted();
    if (this.hasPlace && this.#shared === undefined) {
      this.#running += 1;
    } else if (!(this.hasPlace && (await this.#takeShared()))) {
      await this.#wait({ who, signal, ...(onWait === undefined ? {} : { onWait }) });
    }
    return this.#leaveOnce();
  }

  /** A place although there may be none: for what is under way already. */
  enterAnyway(): () => void {
    this.#running += 1;
    this.#shared?.takeAnyway();
    return this.#leaveOnce();
  }

  async #wait({ who, signal, onWait }: Entering): Promise<void> {
    const { waitingMax, waitMs } = this.#bounds;
    if (this.#waiting >= waitingMax) {
      throw this.#crowded('too many wait already');
    }
    const turn = Promise.withResolvers<void>();
    const waiter: Waiter = { who, letIn: turn.resolve, refuse: turn.reject };
    this.#join(waiter);
    const give = (reason: unknown): void => {
      if (this.#leaveLine(waiter)) {
        turn.reject(reason);
      }
    };
    this.#fill();
    const timer = setTimeout(() => give(this.#crowded(`no place within ${waitMs} ms`)), waitMs);
    const onAbort = (): void => give(signal.reason);
    signal.addEventListener('abort', onAbort);
    onWait?.(() => this.#placeOf(waiter));
    try {
      await turn.promise;
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
    }
  }

  #crowded(what: string): UpstreamFailure {
    return new UpstreamFailure('overloaded', {
      billed: 'no',
      internal: `the queue of the account: ${what}`,
      retryAfterSeconds: Math.ceil(Math.min(this.#bounds.waitMs, RETRY_AFTER_MS_MAX) / 1000),
    });
  }

  #join(waiter: Waiter): void {
    const line = this.#lines.get(waiter.who);
    if (line === undefined) {
      this.#lines.set(waiter.who, [waiter]);
    } else {
      line.push(waiter);
    }
    this.#waiting += 1;
  }

  /** False when it is in no line: it was let in. */
  #leaveLine(waiter: Waiter): boolean {
    const line = this.#lines.get(waiter.who) ?? [];
    const index = line.indexOf(waiter);
    if (index === -1) {
      return false;
    }
    line.splice(index, 1);
    if (line.length === 0) {
      this.#lines.delete(waiter.who);
    }
    this.#waiting -= 1;
    return true;
  }

  /** The first in the line whose turn it is; that line is then the last. */
  #next(): Waiter | undefined {
    for (const [who, line] of this.#lines) {
      const waiter = line.shift();
      this.#lines.delete(who);
      if (line.length > 0) {
        this.#lines.set(who, line);
      }
      if (waiter !== undefined) {
        this.#waiting -= 1;
        return waiter;
      }
    }
    return undefined;
  }

  /** 1: the next turn is its own; 0: it waits no more. */
  #placeOf(waiter: Waiter): number {
    const own = (this.#lines.get(waiter.who) ?? []).indexOf(waiter);
    if (own === -1) {
      return 0;
    }
    let place = 1;
    let isBefore = true;
    for (const [who, { length }] of this.#lines) {
      if (who === waiter.who) {
        isBefore = false;
        place += own;
      } else {
        place += Math.min(length, isBefore ? own + 1 : own);
      }
    }
    return place;
  }

  #leaveOnce(): () => void {
    let hasLeft = false;
    return () => {
      if (!hasLeft) {
        hasLeft = true;
        this.#running -= 1;
        this.#shared?.giveBack();
        this.#fill();
      }
    };
  }

  /** One of the places that are shared, for whoever is the first to ask here. */
  async #takeShared(): Promise<boolean> {
    this.#running += 1;
    let isTaken = false;
    try {
      isTaken = (await this.#shared?.take()) === true;
    } finally {
      this.#isSharedOut = !isTaken;
      this.#running -= isTaken ? 0 : 1;
    }
    return isTaken;
  }

  /** Gives places to those who wait for as long as there are any, one after the other. */
  async #giveShared(shared: SharedPlaces): Promise<void> {
    while (this.#waiting > 0 && this.#running < this.#bounds.limit) {
      const freed = shared.freed();
      try {
        if (!(await this.#takeShared())) {
          await freed;
          continue;
        }
      } catch (error) {
        this.#next()?.refuse(error);
        continue;
      }
      const waiter = this.#next();
      if (waiter === undefined) {
        // Whoever it was for has given up meanwhile.
        this.#running -= 1;
        shared.giveBack();
      }
      waiter?.letIn();
    }
    this.#isSharedOut = false;
  }

  #fill(): void {
    const shared = this.#shared;
    if (shared !== undefined) {
      if (!this.#isGiving) {
        this.#isGiving = true;
        void this.#giveShared(shared).finally(() => {
          this.#isGiving = false;
        });
      }
      return;
    }
    while (this.#running < this.#bounds.limit) {
      const waiter = this.#next();
      if (waiter === undefined) {
        return;
      }
      this.#running += 1;
      waiter.letIn();
    }
  }
}

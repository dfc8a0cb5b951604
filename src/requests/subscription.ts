interface SubscriptionHooks {
  readonly changed: () => Promise<void>;
  readonly took: (count: number) => void;
  readonly closed: () => void;
}

/** One reader of a job's events. `next()` says that the event before it is done with. */
export class Subscription<Event> {
  readonly #events: readonly Event[];
  readonly #hooks: SubscriptionHooks;
  readonly #closing = Promise.withResolvers<void>();
  #position = 0;
  #closed = false;

  constructor(events: readonly Event[], hooks: SubscriptionHooks) {
    this.#events = events;
    this.#hooks = hooks;
  }

  /** The next event; undefined once the subscription is closed. */
  async next(): Promise<Event | undefined> {
    this.#hooks.took(this.#position);
    while (!this.#closed && this.#position >= this.#events.length) {
      await Promise.race([this.#hooks.changed(), this.#closing.promise]);
    }
    if (this.#closed) {
      return undefined;
    }
    const event = this.#events[this.#position];
    this.#position += 1;
    return event;
  }

  /** Leaves the job. Closing twice is fine. */
  close(): void {
    if (!this.#closed) {
      this.#closed = true;
      this.#closing.resolve();
      this.#hooks.closed();
    }
  }
}

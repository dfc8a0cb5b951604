/** Counts the requests that are being answered, so that a shutdown can wait for the last of them. */
export class InFlight {
  #count = 0;
  #idle = Promise.withResolvers<void>();

  constructor() {
    this.#idle.resolve();
  }

  get count(): number {
    return this.#count;
  }

  enter(): void {
    if (this.#count === 0) {
      this.#idle = Promise.withResolvers();
    }
    this.#count += 1;
  }

  leave(): void {
    this.#count -= 1;
    if (this.#count === 0) {
      this.#idle.resolve();
    }
  }

  /** Resolves when no request is being answered. */
  async idle(): Promise<void> {
    while (this.#count > 0) {
      await this.#idle.promise;
    }
  }
}

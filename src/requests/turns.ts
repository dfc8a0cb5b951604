/** Where the calls of a job stand at their upstream: what its queue tells of them. */
export class Turns {
  readonly #places = new Set<() => number>();
  #hasTurn = false;

  /** How many calls go in up to the first of them; undefined when one has, or none waits. */
  get place(): number | undefined {
    const places = [...this.#places].map((place) => place());
    // 0: it was let in, and has not gone on yet.
    const isWaiting = !this.#hasTurn && places.length > 0 && !places.includes(0);
    return isWaiting ? Math.min(...places) : undefined;
  }

  /**
   * A call waits; the function says its place at any time, 0 once it waits no more. What is returned
   * ends the waiting.
   */
  readonly waits = (place: () => number): (() => void) => {
    this.#places.add(place);
    return () => {
      this.#places.delete(place);
    };
  };

  /** A call has its turn. */
  readonly begins = (): void => {
    this.#hasTurn = true;
  };
}

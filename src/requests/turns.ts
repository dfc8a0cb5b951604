/** Where the calls of a job stand at their upstream: what its queue tells of them. */
export class Turns {
  readonly #places = new Set<() => number>();
  #hasTurn = false;

  /** How many calls go in up to the first of them; undefined when one has, or none waits. */
  get place(): number | undefined {
    const places = [...this.#places].map((place) => place());
    return this.#hasTurn || places.length === 0 ? undefined : Math.min(...places);
  }

  /** A call waits; the function says its place at any time. Returns what ends the waiting. */
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

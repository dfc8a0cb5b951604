/** Where somebody stands in a picture's bytes. Moved on by `take`. */
export interface Place {
  position: number;
  /** Number of the chunk that begins at the position, as far as is known. */
  sequence: number;
}

interface Entry {
  readonly start: number;
  readonly chunk: Buffer;
}

/** Taken-out entries are cleared away once there are so many. */
const SLACK = 256;

/** The newest chunks of a picture, in order and without a gap, found by their position. */
export class RecentChunks {
  #entries: Entry[] = [];
  /** Index of the oldest entry. */
  #head = 0;
  /** Sequence number of the entry at index 0. */
  #base = 0;
  #bytes = 0;
  #end = 0;

  /** Position after the last byte that has come. */
  get end(): number {
    return this.#end;
  }

  /** Bytes that are held. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Chunks that are held. */
  get count(): number {
    return this.#entries.length - this.#head;
  }

  /** Number that the next chunk will have. */
  get sequence(): number {
    return this.#base + this.#entries.length;
  }

  push(chunk: Buffer): void {
    this.#entries.push({ start: this.#end, chunk });
    this.#end += chunk.length;
    this.#bytes += chunk.length;
  }

  /** Drops the oldest chunk if all of it lies before the position. */
  dropBefore(position: number): boolean {
    const oldest = this.#entries[this.#head];
    if (oldest === undefined || oldest.start + oldest.chunk.length > position) {
      return false;
    }
    this.#bytes -= oldest.chunk.length;
    // Not `shift`, which moves a long array; the slot must not hold on to the chunk meanwhile.
    this.#entries[this.#head] = { start: oldest.start, chunk: EMPTY };
    this.#head += 1;
    if (this.#head >= SLACK && this.#head * 2 >= this.#entries.length) {
      this.#entries.splice(0, this.#head);
      this.#base += this.#head;
      this.#head = 0;
    }
    return true;
  }

  clear(): void {
    this.#base += this.#entries.length;
    this.#entries = [];
    this.#head = 0;
    this.#bytes = 0;
  }

  /** What is held from the place on, to the end of a chunk. Undefined: nothing of it is held. */
  take(place: Place): Buffer | undefined {
    let index = place.sequence - this.#base;
    let entry = index < this.#head ? undefined : this.#entries[index];
    if (entry === undefined || entry.start !== place.position) {
      index = this.#indexOf(place.position);
      entry = this.#entries[index];
      if (entry === undefined) {
        return undefined;
      }
    }
    const { start, chunk } = entry;
    const skipped = place.position - start;
    place.position = start + chunk.length;
    place.sequence = this.#base + index + 1;
    return skipped === 0 ? chunk : chunk.subarray(skipped);
  }

  /** Index of the entry that holds the position, or -1. */
  #indexOf(position: number): number {
    const oldest = this.#entries[this.#head];
    if (oldest === undefined || position < oldest.start || position >= this.#end) {
      return -1;
    }
    let low = this.#head;
    let high = this.#entries.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if ((this.#entries[middle]?.start ?? 0) <= position) {
        low = middle;
      } else {
        high = middle - 1;
      }
    }
    return low;
  }
}

const EMPTY: Buffer = Buffer.alloc(0);

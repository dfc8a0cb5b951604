/** Kept besides a chunk's own bytes: many small ones must not cost what nobody counts. */
const CHUNK_BYTES = 256;

/** What a store may keep in memory because its disk refuses, all its pictures together. */
export interface MemoryBudget {
  freeBytes: number;
}

/** One picture's part of the budget. */
export class MemoryShare {
  readonly #budget: MemoryBudget;
  #freeBytes: number;
  #takenBytes = 0;

  constructor(budget: MemoryBudget, bytesMax: number) {
    this.#budget = budget;
    this.#freeBytes = bytesMax;
  }

  /** False, and nothing is taken, when they do not fit. */
  take(chunkBytes: number, chunks = 1): boolean {
    const bytes = chunkBytes + chunks * CHUNK_BYTES;
    if (bytes > this.#freeBytes || bytes > this.#budget.freeBytes) {
      return false;
    }
    this.#freeBytes -= bytes;
    this.#budget.freeBytes -= bytes;
    this.#takenBytes += bytes;
    return true;
  }

  /** Gives all of it back. Twice is fine. */
  release(): void {
    this.#budget.freeBytes += this.#takenBytes;
    this.#takenBytes = 0;
  }
}

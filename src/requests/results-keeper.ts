import { deleteExpiredKeys } from '../store/idempotency.ts';
import {
  deleteResults,
  listDeliveredResults,
  listExpiredResults,
  type ResultRecord,
  sumResultBytes,
} from '../store/results.ts';
import type { ResultsOptions } from './results.ts';
import { removeStrays } from './stray-pictures.ts';

const ROUNDS_OF_KEYS = 40;
/** An hour of them. */
const ROUNDS_OF_STRAYS = 240;
const PAGE = 100;
/** What a reader in another process has to come to the end of a picture whose time is over. */
const READING_MS = 600_000;

/** Keeps the store within its time and its bytes; one round at a time. */
export class ResultsKeeper {
  readonly #options: ResultsOptions;
  /** Of all rows, as the next start would count them. */
  #bytes: number;
  #round: Promise<void> = Promise.resolve();
  #rounds = 0;

  constructor(options: ResultsOptions, bytes: number) {
    this.#options = options;
    this.#bytes = bytes;
  }

  get #isShared(): boolean {
    return this.#options.strayAfterMs !== undefined;
  }

  get bytes(): number {
    return this.#bytes;
  }

  async count(bytes: number): Promise<void> {
    this.#bytes += bytes;
    if (this.#bytes > this.#options.bytesMax) {
      await this.#next(() => this.#makeRoom());
    }
  }

  tidy(): void {
    this.#rounds += 1;
    void this.#next(async () => {
      await this.#expire();
      if (this.#isShared) {
        // What others have brought and taken away since.
        this.#bytes = await sumResultBytes(this.#options.store.db);
      }
      await this.#makeRoom();
      if (this.#isShared && this.#rounds % ROUNDS_OF_STRAYS === 1) {
        await removeStrays(this.#options);
      }
      // Keys live for an hour at the least, and an expired one counts for nothing meanwhile.
      if (this.#rounds % ROUNDS_OF_KEYS === 0) {
        await this.#options.store.transaction((tx) => deleteExpiredKeys(tx));
      }
    });
  }

  /** Resolves when nothing is being tidied any more. */
  idle(): Promise<void> {
    return this.#round;
  }

  async remove(records: readonly ResultRecord[]): Promise<void> {
    const { store, blobs } = this.#options;
    const names = records.map(({ name }) => name);
    // Before their rows: should the storage be away, they are still known to lie there.
    await Promise.all(names.map((name) => blobs.remove(name)));
    // Not what was listed: another may have deleted it meanwhile, and subtracted it.
    const bytes = await store.transaction((tx) => deleteResults(tx, names));
    this.#bytes -= bytes;
  }

  #next(work: () => Promise<void>): Promise<void> {
    this.#round = this.#round.then(work).catch((error: unknown) => {
      this.#options.log.error({ err: error }, 'the result store could not be tidied');
    });
    return this.#round;
  }

  async #expire(): Promise<void> {
    const { store, clock } = this.#options;
    // Nobody can begin to read them any more, but somebody elsewhere may not have come to the end.
    const graceMs = this.#isShared ? READING_MS : 0;
    for (;;) {
      const records = await listExpiredResults(store.db, clock.now() - graceMs, PAGE);
      const idle = this.#idle(records);
      await this.remove(idle);
      if (idle.length < PAGE) {
        return;
      }
    }
  }

  /** Pictures that nobody has got yet are paid for: they stay until their time is over. */
  async #makeRoom(): Promise<void> {
    const { store, bytesMax, log } = this.#options;
    while (this.#bytes > bytesMax) {
      const records = this.#idle(await listDeliveredResults(store.db, PAGE));
      const going: ResultRecord[] = [];
      let bytes = this.#bytes;
      for (const record of records) {
        if (bytes <= bytesMax) {
          break;
        }
        going.push(record);
        bytes -= record.bytes;
      }
      if (going.length === 0) {
        log.warn({ bytes: this.#bytes, bytesMax }, 'the result store is over its bytes');
        return;
      }
      await this.remove(going);
    }
  }

  #idle(records: readonly ResultRecord[]): ResultRecord[] {
    return records.filter(({ name }) => !this.#options.blobs.isInUse(name));
  }
}

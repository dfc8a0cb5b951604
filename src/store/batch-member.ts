import type { TransactionOptions } from './store.ts';
import type { Transaction } from './transaction.ts';

/** One transaction among several that share a COMMIT. */
export interface BatchMember {
  /** Nobody ends it, however long it takes. */
  readonly isLong: boolean;
  readonly run: (tx: Transaction) => Promise<void>;
  /** After the COMMIT. */
  readonly succeed: () => void;
  readonly fail: (error: unknown) => void;
}

/** How many share one COMMIT at most: those that wait meanwhile form the next batch. */
export const MEMBERS_MAX = 64;

/** A member, and the promise that it settles when its batch has ended. */
export function batchMember<T>(
  work: (tx: Transaction) => Promise<T>,
  { isLong = false }: TransactionOptions,
): { readonly member: BatchMember; readonly promise: Promise<T> } {
  const { promise, resolve, reject } = Promise.withResolvers<T>();
  let succeed: () => void;
  const member: BatchMember = {
    isLong,
    run: async (tx) => {
      const value = await work(tx);
      succeed = () => resolve(value);
    },
    succeed: () => succeed(),
    fail: reject,
  };
  return { member, promise };
}

/** A transaction took too long: somebody awaits in it what is not a query of it. */
export class OverLimit extends Error {
  constructor(limitMs: number) {
    super(`A transaction ran longer than ${limitMs} ms and was undone.`);
  }
}

/** Runs it; rejects with an OverLimit when it takes longer, though the work itself goes on. */
export async function runWithinLimit(
  { run, isLong }: BatchMember,
  tx: Transaction,
  limitMs: number,
): Promise<void> {
  if (isLong) {
    return run(tx);
  }
  const limit = Promise.withResolvers<never>();
  const timer = setTimeout(() => limit.reject(new OverLimit(limitMs)), limitMs);
  try {
    await Promise.race([run(tx), limit.promise]);
  } finally {
    clearTimeout(timer);
  }
}

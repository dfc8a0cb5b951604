import type { RequestOutcome } from '../store/request-ends.ts';
import type { ImageFacts, JobWarning, Outcome } from './job.ts';
import type { TokenUsage } from '../base/usage.ts';

/** What a request's row says at its end, beside its money. */
export type Ending = Omit<RequestOutcome, 'id' | 'status' | 'cost'>;

/** All that is needed to settle a request whose pictures are there, and to answer it again. */
export interface StoredOutcome {
  readonly outcome: Outcome;
  readonly ending: Ending;
}

/** As JSON. Amounts are decimal text there, since JSON has no bigint. */
export function writeOutcome({ outcome, ending }: StoredOutcome): string {
  return JSON.stringify({ ...outcome, ending }, (_name, member: unknown) =>
    typeof member === 'bigint' ? member.toString() : member,
  );
}

/** The same, read from a row's parsed JSON, which is our own. */
export function readOutcome(value: unknown): StoredOutcome {
  const stored = value as {
    readonly images: readonly ImageFacts[];
    readonly cost: string;
    readonly tokens?: TokenUsage;
    readonly quality?: string;
    readonly background?: string;
    readonly warnings: readonly JobWarning[];
    readonly ending: Omit<Ending, 'upstreamCost'> & { readonly upstreamCost?: string };
  };
  const { ending, cost, ...rest } = stored;
  const { upstreamCost, ...others } = ending;
  return {
    outcome: { ...rest, cost: BigInt(cost) },
    ending: {
      ...others,
      ...(upstreamCost === undefined ? {} : { upstreamCost: BigInt(upstreamCost) }),
    },
  };
}

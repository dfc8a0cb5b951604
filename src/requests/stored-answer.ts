import { Failure, isErrorName } from '../base/errors.ts';
import type { RequestRecord } from '../store/requests.ts';
import type { Answerable, EventReader, JobEvent, JobFacts, Outcome } from './job.ts';
import { readOutcome } from './outcome-text.ts';
import { closeAll, type OpenResult, type Results } from './results.ts';

/** What every answer says of a request that lies in the database. */
export function factsOfRecord({ id, createdAt, model, mode, cost }: RequestRecord): JobFacts {
  return {
    id,
    createdAtMs: createdAt,
    model,
    test: mode === 'test',
    ...(cost === undefined ? {} : { fixedCost: cost }),
  };
}

/** Why a failed or lost request failed, as its caller was told. */
export function failureOfRecord({ status, error }: RequestRecord): Failure {
  const { name, message, param } = (error ?? {}) as Partial<Record<string, string>>;
  if (status === 'lost' || !isErrorName(name)) {
    const text = 'The server stopped while the picture was made. Nothing was charged.';
    return new Failure('upstream_error', status === 'lost' ? { message: text } : {});
  }
  return new Failure(name, {
    ...(message === undefined ? {} : { message }),
    ...(param === undefined ? {} : { param }),
  });
}

/** How a failure is written down, so that `failureOfRecord` reads it. */
export function writeFailure({ errorName, message, param }: Failure): object {
  return { name: errorName, message, ...(param === null ? {} : { param }) };
}

/**
 * A completed request, to be answered from the store as often as somebody asks. Throws
 * `result_expired` when a picture is gone, or its time is over by then although it still lies there.
 */
export async function storedAnswer(
  record: RequestRecord,
  results: Results,
  nowMs: number,
): Promise<Answerable> {
  if (record.outcome === undefined) {
    throw new Failure('result_expired');
  }
  const { outcome } = readOutcome(record.outcome);
  const found = await results.find(record.id, outcome.images.length);
  if (found === undefined || found.some(({ expiresAt }) => expiresAt <= nowMs)) {
    throw new Failure('result_expired');
  }
  return {
    facts: factsOfRecord(record),
    end: { type: 'completed', outcome },
    ended: Promise.resolve(),
    place: undefined,
    start: () => undefined,
    subscribe: () => readStored(outcome, () => results.open(found)),
  };
}

/**
 * Reads the events once. Opens the pictures for the first of them, for not every answer is read,
 * and closes them in the end. Throws `result_expired` when one has gone since it was found.
 */
function readStored(
  outcome: Outcome,
  open: () => Promise<readonly OpenResult[] | undefined>,
): EventReader {
  let opening: ReturnType<typeof open> | undefined;
  let position = 0;
  const closing = new AbortController();
  return {
    next: async () => {
      if (closing.signal.aborted) {
        return undefined;
      }
      opening ??= open();
      const events = eventsOf(outcome, await opening);
      position += 1;
      return closing.signal.aborted ? undefined : events[position - 1];
    },
    close: () => {
      closing.abort();
      // Also what is being opened just now; closing twice is fine. That it failed `next` has told.
      opening?.then(closeAll).catch(() => undefined);
    },
  };
}

function eventsOf(outcome: Outcome, opened: readonly OpenResult[] = []): readonly JobEvent[] {
  const images = outcome.images.map((image, index): JobEvent => {
    const payload = opened[index]?.blob.payload;
    if (payload === undefined) {
      throw new Failure('result_expired');
    }
    return { type: 'image', image, payload };
  });
  return [...images, { type: 'completed', outcome }];
}

import { Failure, isErrorName } from '../base/errors.ts';
import type { RequestRecord } from '../store/requests.ts';
import type { Answerable, EventReader, JobEvent, JobFacts } from './job.ts';
import { readOutcome } from './outcome-text.ts';
import type { OpenResult, Results } from './results.ts';

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
  nowMs = 0,
): Promise<Answerable> {
  if (record.outcome === undefined) {
    throw new Failure('result_expired');
  }
  const { outcome } = readOutcome(record.outcome);
  const opened = await results.open(record.id, outcome.images.length);
  if (opened === undefined || opened.some(({ record: { expiresAt } }) => expiresAt <= nowMs)) {
    await Promise.all((opened ?? []).map(({ blob }) => blob.close()));
    throw new Failure('result_expired');
  }
  const completed = { type: 'completed', outcome } as const;
  const events: readonly JobEvent[] = [
    ...outcome.images.map((image, index): JobEvent => {
      const payload = opened[index]?.blob.payload;
      if (payload === undefined) {
        throw new Failure('result_expired');
      }
      return { type: 'image', image, payload };
    }),
    completed,
  ];
  return {
    facts: factsOfRecord(record),
    end: completed,
    ended: Promise.resolve(),
    start: () => undefined,
    subscribe: () => readEvents(events, opened),
  };
}

/** Reads the events once, and closes what they are read from. */
function readEvents(events: readonly JobEvent[], opened: readonly OpenResult[]): EventReader {
  let position = 0;
  let isClosed = false;
  return {
    next: async () => {
      if (isClosed) {
        return undefined;
      }
      position += 1;
      return events[position - 1];
    },
    close: () => {
      if (!isClosed) {
        isClosed = true;
        for (const { blob } of opened) {
          void blob.close().catch(() => undefined);
        }
      }
    },
  };
}

import { errorBody } from '../../base/errors.ts';
import type { WireStatus } from '../../requests/lookup.ts';
import type { RequestRecord } from '../../requests/records.ts';
import { readOutcome } from '../../requests/outcome-text.ts';
import { factsOfRecord, failureOfRecord } from '../../requests/stored-answer.ts';
import { answerHead, answerTail } from './body.ts';

/**
 * How a request stands, without its pictures: what `GET /v1/images` lists and a webhook tells. A
 * completed one says all that its answer says beside them, a failed one why.
 */
export function statusBody(
  record: RequestRecord,
  status: WireStatus,
  place?: number,
): Record<string, unknown> {
  const { id, ...facts } = answerHead(factsOfRecord(record));
  const { metadata } = record;
  return {
    id,
    status,
    ...(place === undefined ? {} : { queue_position: place }),
    ...facts,
    ...(metadata === undefined ? {} : { metadata }),
    ...endOf(record, status),
  };
}

function endOf(record: RequestRecord, status: WireStatus): Record<string, unknown> {
  switch (status) {
    case 'queued':
    case 'running':
      return {};
    case 'completed':
      return record.outcome === undefined ? {} : answerTail(readOutcome(record.outcome).outcome);
    case 'failed':
    case 'cancelled':
    case 'lost':
      return { ...errorBody(failureOfRecord(record)) };
  }
}

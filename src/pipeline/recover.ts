import { Failure } from '../base/errors.ts';
import type { Provider } from '../providers/provider.ts';
import { readOutcome, type StoredOutcome } from '../requests/outcome-text.ts';
import { Job, type JobWarning } from '../requests/job.ts';
import type { RequestRecord } from '../requests/records.ts';
import { carryOut } from './carry-out.ts';
import { resumeJobs } from './fan-out.ts';
import { factsOf, keepingOf, type Pipeline } from './generate.ts';
import { NO_PICTURES } from './pictures.ts';
import { type HeldRequest, Stopwatch } from './record.ts';
import { readResumeState, type ResumeState } from './resume-state.ts';

export interface RecoverParts extends Pipeline {
  /** The engine of that name, if it is still configured. */
  readonly engine: (name: string) => Provider | undefined;
}

/**
 * Ends what a process that died has left, by how far it had come: pictures that are there are
 * settled, jobs that an upstream carries on are waited for, and bought by nobody again. What cannot
 * be taken up is left to the sweep, which gives its hold back. Gives the ids of those that it took.
 */
export async function recover(
  parts: RecoverParts,
  records: readonly RequestRecord[],
): Promise<string[]> {
  const taken: string[] = [];
  for (const record of records) {
    try {
      if (await takeUp(parts, record)) {
        taken.push(record.id);
        parts.log.info({ image: record.id, stage: record.stage }, 'took up a request');
      }
    } catch (error) {
      parts.log.error({ image: record.id, err: error }, 'a request could not be taken up');
    }
  }
  return taken;
}

async function takeUp(parts: RecoverParts, record: RequestRecord): Promise<boolean> {
  switch (record.stage) {
    case 'stored':
      await settle(parts, record, readOutcome(record.outcome));
      return true;
    case 'submitted':
      return resume(parts, record, readResumeState(record.resume));
    case undefined:
      return false;
  }
}

/** A settlement that fails is never turned into a release: the hold stays for the next start. */
async function settle(
  { records, log }: RecoverParts,
  { id, accountId, keyId, mode, webhookUrl }: RequestRecord,
  stored: StoredOutcome,
): Promise<void> {
  try {
    await records.settle({ id, accountId, keyId, mode, webhookUrl }, stored);
  } catch (error) {
    log.error({ image: id, err: error }, 'the end of a request was not recorded');
  }
}

function resume(parts: RecoverParts, record: RequestRecord, state: ResumeState): boolean {
  const engine = parts.engine(state.provider);
  if (engine?.resume === undefined) {
    return false;
  }
  const request = heldAgain(parts, record, state);
  const job = new Job(factsOf(request), { survives: true });
  job.start();
  const { jobs } = state;
  parts.jobs.add(
    carryOut(parts, {
      request,
      job,
      engine,
      taken: jobs,
      start: (task, context) => resumeJobs(engine, jobs, task, context),
    }),
  );
  return true;
}

/** The request as the dead process held it. */
function heldAgain(parts: RecoverParts, record: RequestRecord, state: ResumeState): HeldRequest {
  const { id, requestId, accountId, keyId, mode, held, fingerprint, webhookUrl } = record;
  if (keyId === undefined || parts.results === undefined) {
    throw new Failure('internal_error', { internal: 'nothing can be taken up without a store' });
  }
  const spool = parts.openSpool();
  return {
    id,
    requestId,
    caller: { accountId, keyId, mode, allowedModels: undefined, available: 0n },
    admitted: state.admitted,
    provider: state.provider,
    amount: held,
    watch: new Stopwatch(parts.clock, record.createdAt),
    pictures: NO_PICTURES,
    spool,
    keeping: keepingOf(parts, { id, spool }),
    warnings: [...state.warnings, ...unbegun(state)],
    fingerprint: fingerprint ?? '',
    isAsync: record.isAsync,
    ...(webhookUrl === undefined ? {} : { webhookUrl }),
  };
}

/** The process may have died before each of several calls had been taken, or that was noted. */
function unbegun({ admitted, jobs }: ResumeState): JobWarning[] {
  const taken = jobs.reduce((sum, { n }) => sum + n, 0);
  const message = 'One of the pictures could not be made: the server stopped meanwhile.';
  return Array.from({ length: Math.max(0, admitted.n - taken) }, () => ({
    param: 'n',
    code: 'image_failed',
    message,
  }));
}

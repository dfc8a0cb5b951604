import { Failure } from '../base/errors.ts';

/**
 * A connection that cannot be made, was lost, or is being shut down: codes of the system, and of
 * PostgreSQL (https://www.postgresql.org/docs/current/errcodes-appendix.html). 25006 is the answer of a
 * standby that is not yet the primary.
 */
const AWAY =
  /^(?:ECONNREFUSED|ECONNRESET|EPIPE|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|ENOTFOUND|EAI_AGAIN|08\w{3}|57P0[1-5]|53300|25006)$/;
/** A statement that took too long, or waited too long for a lock. */
const SLOW = /^(?:57014|55P03|25P03)$/;
/** Given up for another one: it may be tried again at once. */
const LOST_RACE = /^(?:40001|40P01)$/;
/** What `pg` says without a code. */
const AWAY_WORDS =
  /Connection terminated|timeout exceeded when trying to connect|Client has encountered a connection error|Query read timeout|not queryable|after calling end on the pool/;

const RETRY_SECONDS = 1;

/** There is no database to ask, or it is too slow: nothing of ours was wrong. */
export class DatabaseAway extends Failure {}

/** Why a query failed: a DatabaseAway when there is no database to ask, or it is too slow. */
export function databaseFailure(error: unknown): unknown {
  const { code, message } = describe(error);
  if (AWAY.test(code) || AWAY_WORDS.test(message)) {
    return unavailable(`the database cannot be reached: ${code} ${message}`, error);
  }
  return SLOW.test(code) ? unavailable(`the database was too slow: ${message}`, error) : error;
}

/** Whether the transaction may run again at once: it was given up for another, or met a stale plan. */
export function isLostRace(error: unknown): boolean {
  return LOST_RACE.test(describe(error).code) || isStalePlan(error);
}

/** Whether a statement was parsed before a migration has changed the columns that it gives. */
export function isStalePlan(error: unknown): boolean {
  const { code, message } = describe(error);
  return code === '0A000' && message.includes('cached plan');
}

/** Whether a statement was not tried, since an earlier one of its transaction has failed. */
export function isAfterFailure(error: unknown): boolean {
  return describe(error).code === '25P02';
}

function unavailable(internal: string, cause: unknown): DatabaseAway {
  return new DatabaseAway('overloaded', { internal, cause, retryAfterSeconds: RETRY_SECONDS });
}

function describe(error: unknown): { readonly code: string; readonly message: string } {
  // Several addresses of one name were tried: the first says as much as any.
  const first: unknown = error instanceof AggregateError ? error.errors[0] : error;
  const { code, message } = (first ?? {}) as { code?: unknown; message?: unknown };
  return {
    code: typeof code === 'string' ? code : '',
    message: typeof message === 'string' ? message : '',
  };
}

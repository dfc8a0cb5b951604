import { UpstreamFailure } from '../base/upstream-failure.ts';
import type { EgressAnswer } from '../egress/egress.ts';
import { readJson } from '../egress/read-body.ts';
import { SpliceError } from '../payload/splice-error.ts';
import {
  splice,
  type SpliceEventPart,
  spliceEvents,
  type SpliceOptions,
  type SplicePart,
} from '../payload/splice.ts';
import { type Fields, fieldsOf } from './answer-fields.ts';
import { brokenAnswer } from './upstream-errors.ts';

/**
 * `splice` for an upstream's answer: what is wrong with the document is an `upstream_error`, to
 * whoever reads a payload of it as well. What the body itself fails with stays as it is.
 */
export async function* spliceAnswer(
  provider: string,
  answer: EgressAnswer,
  options: SpliceOptions,
): AsyncGenerator<SplicePart, void, void> {
  try {
    yield* splice(answer.body, withTold(provider, options));
  } catch (error) {
    throw told(provider, error);
  }
}

/** The same for a stream of Server-Sent Events. */
export async function* spliceAnswerEvents(
  provider: string,
  answer: EgressAnswer,
  options: SpliceOptions,
): AsyncGenerator<SpliceEventPart, void, void> {
  try {
    yield* spliceEvents(answer.body, withTold(provider, options));
  } catch (error) {
    throw told(provider, error);
  }
}

/** More than any error needs; a longer one counts for its status only. */
const ERROR_BYTES_MAX = 64 * 1024;

/**
 * The body of an answer that is an error; no fields when it is no JSON. A proxy's page, or a
 * connection that breaks here, takes nothing from what the status says.
 */
export async function readErrorFields(answer: EgressAnswer): Promise<Fields> {
  try {
    return fieldsOf(await readJson(answer, ERROR_BYTES_MAX));
  } catch (error) {
    if (error instanceof UpstreamFailure) {
      return {};
    }
    // The request was given up.
    throw error;
  }
}

function withTold(provider: string, options: SpliceOptions): SpliceOptions {
  return { ...options, describeError: (error) => told(provider, error) };
}

function told(provider: string, error: unknown): unknown {
  return error instanceof SpliceError
    ? brokenAnswer(provider, `${error.fault}: ${error.message}`, error)
    : error;
}

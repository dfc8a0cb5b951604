import type { Admitted } from '../catalog/admitted.ts';
import type { JobWarning } from '../requests/job.ts';
import type { TakenJob } from './fan-out.ts';

/** What takes a request up again whose upstream carries it on: all that its process knew. */
export interface ResumeState {
  /** The account that has the jobs. */
  readonly provider: string;
  /** With the card and prices that it was admitted with, and without its prompt. */
  readonly admitted: Admitted;
  readonly jobs: readonly TakenJob[];
  /** What is to be said beside what the card says. */
  readonly warnings: readonly JobWarning[];
}

/**
 * As JSON. What the caller wrote is nobody's any more, since the upstream has it: of the prompt its
 * length stays, which a price may count, and of free fields their names, which a warning may say.
 */
export function writeResumeState({ admitted, ...state }: ResumeState): string {
  const { call, parameters, passthrough } = admitted;
  const prompt = ' '.repeat(Buffer.byteLength(admitted.prompt));
  const silent: Admitted = {
    ...admitted,
    prompt,
    call: { ...call, prompt: '', fields: {} },
    parameters: mapValues(parameters, (value, name) => (/prompt/.test(name) ? '' : value)),
    passthrough: mapValues(passthrough, () => ''),
  };
  return JSON.stringify({ ...state, admitted: silent }, (_name, member: unknown) =>
    typeof member === 'bigint' ? { [BIGINT]: member.toString() } : member,
  );
}

/** The same, read from a row's parsed JSON, which is our own. */
export function readResumeState(value: unknown): ResumeState {
  return withBigints(value) as ResumeState;
}

function mapValues<Value, Other>(
  object: Readonly<Record<string, Value>>,
  change: (value: Value, name: string) => Other,
): Record<string, Other> {
  return Object.fromEntries(
    Object.entries(object).map(([name, value]) => [name, change(value, name)]),
  );
}

/** Marks amounts, since JSON has no bigint. */
const BIGINT = '$bigint';

function withBigints(value: unknown): unknown {
  if (Array.isArray(value)) {
    return value.map(withBigints);
  }
  if (typeof value !== 'object' || value === null) {
    return value;
  }
  const marked = (value as Readonly<Record<string, unknown>>)[BIGINT];
  return typeof marked === 'string'
    ? BigInt(marked)
    : Object.fromEntries(
        Object.entries(value).map(([name, member]) => [name, withBigints(member)]),
      );
}

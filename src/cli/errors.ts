import { Failure } from '../base/errors.ts';
import { CommandError } from './command.ts';
import { plain } from './terminal.ts';

/** An error as a sentence, and what may be done about it. */
export interface DescribedError {
  readonly message: string;
  readonly hint?: string | undefined;
}

/** What a server answered in place of what was asked for. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly code: string;
  /** The field at fault. */
  readonly param: string | null;

  constructor(code: string, message: string, param: string | null) {
    super(message);
    this.code = code;
    this.param = param;
  }
}

/** Whatever a command threw, in words. */
export function describeError(error: unknown): DescribedError {
  if (error instanceof CommandError) {
    return { message: error.message, hint: error.hint };
  }
  if (error instanceof ApiError) {
    return describeApiError(error.code, error.message);
  }
  if (error instanceof Failure) {
    const { row, errorName, message, internal } = error;
    const own = row.code ?? errorName;
    // Whoever runs the command line is the operator: they may read what a caller may not.
    const why = row.status >= 500 && internal !== undefined ? ` (${plain(internal)})` : '';
    return describeApiError(own, `${message}${why}`);
  }
  return describeUnforeseen(error);
}

/** An error of the API, with the page that explains it. */
export function describeApiError(code: string, message: string): DescribedError {
  return {
    message: `${plain(code)}: ${plain(message)} (docs/errors/${plain(code)}.md)`,
    hint: HINTS[code],
  };
}

const HINTS: Readonly<Record<string, string>> = {
  model_not_found: 'npx easel models lists the models.',
  insufficient_quota: 'npx easel credit 10 --mode test adds test credit; npx easel usage shows it.',
  invalid_api_key: 'npx easel keys create makes a key for this home.',
  api_key_revoked: 'npx easel keys create makes another.',
};

function describeUnforeseen(error: unknown): DescribedError {
  if (!(error instanceof Error)) {
    return { message: plain(String(error)) };
  }
  const { cause, code } = error as NodeJS.ErrnoException;
  const because = cause instanceof Error ? ` (${plain(cause.message)})` : '';
  const message = `${plain(error.message)}${because}`;
  if (code === 'EADDRINUSE') {
    return { message, hint: '--port 0 takes any free port.' };
  }
  return code === 'ERR_SQLITE_ERROR'
    ? { message: `The database: ${message}`, hint: 'npx easel doctor says what is wrong with it.' }
    : { message };
}

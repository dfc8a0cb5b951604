import { type DestinationStream, type Logger, pino } from 'pino';

export type Log = Logger;

const SECRET_PATTERN = /sk-easel-[\w-]+/g;

export interface LogOptions {
  readonly level: string;
  /** Where lines go; standard error by default, since standard output belongs to the CLI. */
  readonly destination?: DestinationStream;
}

/**
 * The process's logger: one JSON object a line. Fields that could carry a key are redacted, and
 * so is anything in an error's message or stack that looks like one of our keys.
 */
export function createLog(options: LogOptions): Log {
  return pino(
    {
      level: options.level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      redact: ['authorization', 'headers', '*.authorization', '*.headers', 'prompt', '*.prompt'],
      serializers: { err: serializeError },
    },
    options.destination ?? pino.destination({ dest: 2, sync: true }),
  );
}

function serializeError(error: unknown): object {
  const { message, name, stack, code, cause } =
    error instanceof Error
      ? (error as Error & { code?: unknown })
      : { message: String(error), name: 'Thrown', stack: undefined, code: undefined, cause: null };
  return {
    name,
    message: hideSecrets(message),
    ...(code === undefined ? {} : { code }),
    ...(stack === undefined ? {} : { stack: hideSecrets(stack) }),
    ...(cause instanceof Error ? { cause: serializeError(cause) } : {}),
  };
}

function hideSecrets(text: string): string {
  return text.replace(SECRET_PATTERN, 'sk-easel-…');
}

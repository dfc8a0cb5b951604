import type { Allowance } from '../access/limits.ts';

/**
 * The headers in which clients look for what they may still ask for: limit and rest, and how long
 * until all of it is there again, in OpenAI's form (`350ms`, `12s`, `1m30s`).
 */
export function rateLimitHeaders(allowances: readonly Allowance[]): Record<string, string> {
  return Object.fromEntries(
    allowances.flatMap(({ kind, limit, remaining, resetMs }) => [
      [`x-ratelimit-limit-${kind}`, String(limit)],
      [`x-ratelimit-remaining-${kind}`, String(remaining)],
      [`x-ratelimit-reset-${kind}`, durationText(resetMs)],
    ]),
  );
}

/** The largest units that are not zero: nothing here takes longer than some minutes. */
export function durationText(durationMs: number): string {
  if (durationMs < 1000) {
    return `${Math.ceil(durationMs)}ms`;
  }
  const seconds = Math.ceil(durationMs / 1000);
  const [minutes, rest] = [Math.floor(seconds / 60), seconds % 60];
  return minutes === 0 ? `${rest}s` : `${minutes}m${rest}s`;
}

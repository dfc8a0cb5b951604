import { UpstreamFailure } from '../base/upstream-failure.ts';
import type { EgressAnswer } from './egress.ts';

/**
 * The whole body as text. Throws an UpstreamFailure when it is longer than `bytesMax` or not
 * UTF-8, and whatever the body itself fails with.
 */
export async function readText(answer: EgressAnswer, bytesMax: number): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of answer.body) {
    bytes += chunk.length;
    if (bytes > bytesMax) {
      throw unreadable(answer, `is longer than ${bytesMax} bytes`);
    }
    chunks.push(chunk);
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks, bytes));
  } catch {
    throw unreadable(answer, 'is not UTF-8');
  }
}

/** The whole body as JSON, under the same bounds; what it holds is for the caller to check. */
export async function readJson(answer: EgressAnswer, bytesMax: number): Promise<unknown> {
  const text = await readText(answer, bytesMax);
  try {
    return JSON.parse(text) as unknown;
  } catch {
    // The parser's message quotes the body, which may hold a prompt.
    throw unreadable(answer, 'is not JSON');
  }
}

/**
 * How long an answer asks us to wait, in whole seconds rounded up: `retry-after-ms`, which OpenAI
 * sends, or `retry-after` in seconds or as a date (RFC 9110 §10.2.3). Undefined when it says
 * nothing that can be read; at most a day.
 */
export function retryAfterSeconds(
  headers: Readonly<Record<string, string>>,
  nowMs: number = Date.now(),
): number | undefined {
  const milliseconds = decimal(headers['retry-after-ms']);
  if (milliseconds !== undefined) {
    return bounded(milliseconds / 1000);
  }
  const text = headers['retry-after']?.trim() ?? '';
  const seconds = decimal(text);
  if (seconds !== undefined) {
    return bounded(seconds);
  }
  const date = HTTP_DATE.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(date) ? undefined : bounded((date - nowMs) / 1000);
}

const SECONDS_MAX = 24 * 60 * 60;
const HTTP_DATE = /^[A-Z][a-z]{2,8}, \d{2}[ -][A-Z][a-z]{2}[ -]\d{2,4} \d{2}:\d{2}:\d{2} GMT$/;

function unreadable(answer: EgressAnswer, what: string): UpstreamFailure {
  return new UpstreamFailure('upstream_error', {
    billed: 'unknown',
    internal: `the body of an answer (${answer.status}) ${what}`,
  });
}

function decimal(text: string | undefined): number | undefined {
  return text !== undefined && /^\d+(\.\d+)?$/.test(text.trim()) ? Number(text) : undefined;
}

function bounded(seconds: number): number {
  return Math.min(Math.max(Math.ceil(seconds), 0), SECONDS_MAX);
}

import { createHash, randomBytes } from 'node:crypto';
import type { SQLInputValue } from 'node:sqlite';
import { newId } from '../src/base/ids.ts';

export type Row = Readonly<Record<string, SQLInputValue>>;

/** In nano-dollars. */
export const HELD = 53_000_000n;
export const COST = 41_234_567n;

export type Fate = 'completed' | 'failed' | 'lost' | 'running';

/** The request of that number. */
export interface RequestShape {
  readonly index: number;
  readonly id: string;
  readonly fate: Fate;
  readonly isAsync: boolean;
  readonly accountId: string;
  readonly keyId: string | null;
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly leaseId: string;
}

/** Of a hundred: ninety completed, seven failed, two lost; one runs, in three stages in turn. */
export function fateOf(index: number): Fate {
  const place = index % 100;
  return place < 90 ? 'completed' : place < 97 ? 'failed' : place < 99 ? 'lost' : 'running';
}

/** Its row, as a server of ours writes it. */
export function requestRow({
  index,
  accountId,
  keyId,
  at,
  leaseId,
  id,
  fate,
  isAsync,
}: RequestShape): Row {
  const stages = [null, 'submitted', 'stored'];
  const isRunning = fate === 'running';
  const isDone = fate === 'completed';
  const upstreamIds = JSON.stringify([randomBytes(18).toString('base64url')]);
  return {
    id,
    request_id: newId('req', at),
    account_id: accountId,
    key_id: keyId,
    mode: 'live',
    operation: index % 5 === 0 ? 'edit' : 'generate',
    model: 'gpt-image-2',
    provider: 'openai',
    upstream_model: 'gpt-image-2',
    route: 'openai/gpt-image-2',
    status: fate,
    n: 1,
    images: isDone ? 1 : 0,
    held: HELD,
    cost: isDone ? COST : null,
    upstream_cost: isDone ? COST - 1n : null,
    card_hash: fingerprintOf(0),
    price_version: '2026-04-21',
    size: '1024x1024',
    output_format: 'png',
    error_code: fate === 'failed' ? 'upstream_error' : null,
    http_status: fate === 'failed' ? 502 : isRunning ? null : 200,
    warnings:
      index % 9 === 0 ? '[{"code":"size_snapped","message":"1000×1000 → 1024×1024"}]' : null,
    usage: isDone ? '{"input_tokens":18,"output_tokens":1056,"total_tokens":1074}' : null,
    upstream_ids: upstreamIds,
    steps: JSON.stringify({
      admitted: 1,
      held: 3,
      first_byte: 6_204,
      stored: 8_911,
      settled: 8_914,
    }),
    metadata:
      index % 4 === 0 ? JSON.stringify({ user: `u-${index}`, note: 'naïve – 日本語' }) : null,
    lease_id: leaseId,
    created_at: at,
    finished_at: isRunning ? null : at + 9_000,
    stage: isRunning ? (stages[Math.floor(index / 100) % 3] ?? null) : null,
    resume: isRunning ? JSON.stringify({ polling_url: `https://upstream.example/${id}` }) : null,
    outcome: isDone
      ? JSON.stringify({ created: at, size: '1024x1024', images: [{ seed: index }] })
      : null,
    error: fate === 'failed' ? '{"code":"upstream_error","message":"The upstream failed."}' : null,
    fingerprint: fingerprintOf(index),
    webhook_url: isAsync ? 'https://hooks.example/easel' : null,
    async_at: isAsync ? at : null,
    delivered_at: isDone ? at + 9_100 : null,
  };
}

/** SHA-256 of what was asked for. */
export function fingerprintOf(index: number): string {
  return createHash('sha256').update(String(index)).digest('hex');
}

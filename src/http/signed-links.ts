import { createHmac, timingSafeEqual } from 'node:crypto';
import type { Clock } from '../base/clock.ts';
import { Failure } from '../base/errors.ts';

/** Links to kept pictures that need no key: whoever has one may fetch its picture. */
export interface SignedLinks {
  /** A link until that time, in milliseconds since 1970; else for as long as a new picture is kept. */
  readonly linkTo: (id: string, index: number, untilMs?: number) => string;
  /** Throws `invalid_signature` unless both halves are there, fit, and the time is not over. */
  readonly check: (picture: SignedPicture, halves: SignatureHalves) => void;
}

export interface SignedPicture {
  readonly id: string;
  readonly index: number;
}

/** What a query holds: text where it holds each of them once. */
export interface SignatureHalves {
  readonly expires?: unknown;
  readonly signature?: unknown;
}

export interface SignedLinksOptions {
  readonly secret: string;
  readonly clock: Clock;
  readonly ttlMs: number;
  /** Where others reach this server, without a slash at the end; known once it listens. */
  readonly baseUrl: () => string;
}

export function signedLinks({ secret, clock, ttlMs, baseUrl }: SignedLinksOptions): SignedLinks {
  const sign = ({ id, index }: SignedPicture, expires: string): string =>
    createHmac('sha256', secret).update(`${id}.${index}.${expires}`).digest('base64url');
  return {
    linkTo: (id, index, untilMs = clock.now() + ttlMs) => {
      const expires = String(Math.ceil(untilMs / 1000));
      const query = new URLSearchParams({ expires, signature: sign({ id, index }, expires) });
      return `${baseUrl()}/v1/images/${id}/content/${index}?${query.toString()}`;
    },
    check: (picture, { expires, signature }) => {
      const isText = typeof expires === 'string' && typeof signature === 'string';
      if (!isText || !isSame(signature, sign(picture, expires))) {
        throw new Failure('invalid_signature');
      }
      if (!(clock.now() < Number(expires) * 1000)) {
        throw new Failure('invalid_signature', { message: 'This link has expired.' });
      }
    },
  };
}

function isSame(sent: string, right: string): boolean {
  const [first, second] = [Buffer.from(sent), Buffer.from(right)];
  return first.length === second.length && timingSafeEqual(first, second);
}

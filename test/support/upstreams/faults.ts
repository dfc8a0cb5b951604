/** What a simulator can be told to get wrong, once. */
export type Fault =
  /** Another status: an error of the upstream's own form, or the given body. */
  | {
      readonly kind: 'status';
      readonly status: number;
      readonly headers?: Readonly<Record<string, string>>;
      readonly body?: unknown;
    }
  /** The request is refused on content, in the upstream's own way. */
  | { readonly kind: 'moderation' }
  /** The operator's money there is used up. */
  | { readonly kind: 'insufficient_quota' }
  /** No byte until `release()`; for so long where `ms` says it (development only). */
  | { readonly kind: 'slow_first_byte'; readonly ms?: number }
  /** So many bytes of the body (half of it when absent), then none until `release()`. */
  | { readonly kind: 'slow_mid_payload'; readonly afterBytes?: number }
  /** So many bytes of the body (half of it when absent), then the connection breaks. */
  | { readonly kind: 'die_mid_payload'; readonly afterBytes?: number }
  /** The connection breaks before a byte was answered. */
  | { readonly kind: 'hang_up' }
  /** A well-ended answer that is no JSON. */
  | { readonly kind: 'garbage' }
  /** A page of some proxy: 502 unless said otherwise. */
  | { readonly kind: 'html'; readonly status?: number }
  /** Half of the right body, properly ended. */
  | { readonly kind: 'half_json' }
  /** A payload that decodes to text. */
  | { readonly kind: 'not_a_picture' }
  /** An answer without any picture. */
  | { readonly kind: 'empty_data' }
  | { readonly kind: 'no_usage' }
  /** The right JSON object, with a useless field of so many bytes (2 MiB when absent) in front. */
  | { readonly kind: 'oversized'; readonly bytes?: number }
  /** This text, as it stands, in the middle of the first payload: `\\/`, a raw line feed … */
  | { readonly kind: 'payload_with'; readonly text: string }
  /** An error in the midst of a stream that began well: a `server_error` when no code is given. */
  | { readonly kind: 'sse_error'; readonly code?: string }
  /** A redirect to an address of the metadata service. */
  | { readonly kind: 'redirect_private' };

export type FaultKind = Fault['kind'];

/** Kinds that need no more than their name. */
export type PlainFaultKind = Exclude<FaultKind, 'status' | 'payload_with'>;

const PLAIN_KINDS: readonly PlainFaultKind[] = [
  'moderation',
  'insufficient_quota',
  'slow_first_byte',
  'slow_mid_payload',
  'die_mid_payload',
  'hang_up',
  'garbage',
  'html',
  'half_json',
  'not_a_picture',
  'empty_data',
  'no_usage',
  'oversized',
  'sse_error',
  'redirect_private',
];

/**
 * The fault that a prompt asks for, so that a developer can try it by hand: `a cat sim:moderation`,
 * `sim:status=503`, `sim:slow=20` (seconds).
 */
export function faultOfPrompt(prompt: string): Fault | undefined {
  const [, name, digits] = /(?:^|\s)sim:([a-z_]+)(?:=(\d{1,9}))?/.exec(prompt) ?? [];
  if (name === undefined) {
    return undefined;
  }
  const number = digits === undefined ? undefined : Number(digits);
  if (name === 'status') {
    return { kind: 'status', status: number ?? 500 };
  }
  if (name === 'slow') {
    return { kind: 'slow_first_byte', ms: (number ?? 5) * 1000 };
  }
  const kind = PLAIN_KINDS.find((plain) => plain === name);
  return kind === undefined ? undefined : { kind };
}

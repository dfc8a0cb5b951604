import { setTimeout as wait } from 'node:timers/promises';
import { Failure } from '../base/errors.ts';
import type { Payload } from '../payload/payload.ts';
import type {
  ImageTask,
  Provider,
  ProviderContext,
  ProviderEvent,
  Receipt,
} from '../providers/provider.ts';

/** What a test key may ask to go wrong, so that a client's handling of it can be tried. */
export type TestFault =
  | { readonly kind: 'fail'; readonly name: FailureFault }
  | { readonly kind: 'die_mid_payload' }
  | { readonly kind: 'slow'; readonly delayMs: number };

const FAILURE_FAULTS = [
  'moderation_blocked',
  'upstream_error',
  'upstream_timeout',
] as const satisfies readonly string[];
type FailureFault = (typeof FAILURE_FAULTS)[number];

const SLOW_SECONDS_MAX = 3600;

/**
 * Reads the header `x-easel-test` of a test key. Throws `rate_limit_exceeded` when that is the
 * fault asked for, since limits strike before any work, and `invalid_value` for an unknown one.
 */
export function parseTestFault(header: string | string[] | undefined): TestFault | undefined {
  if (header === undefined || header === '') {
    return undefined;
  }
  const text = String(header).trim();
  const name = FAILURE_FAULTS.find((fault) => fault === text);
  if (name !== undefined) {
    return { kind: 'fail', name };
  }
  if (text === 'rate_limited') {
    throw new Failure('rate_limit_exceeded');
  }
  if (text === 'die_mid_payload') {
    return { kind: 'die_mid_payload' };
  }
  const seconds = Number(/^slow=(\d+(?:\.\d+)?)$/.exec(text)?.[1]);
  if (seconds <= SLOW_SECONDS_MAX) {
    return { kind: 'slow', delayMs: seconds * 1000 };
  }
  const message =
    "Invalid value for 'x-easel-test': expected moderation_blocked, rate_limited, " +
    'upstream_error, upstream_timeout, die_mid_payload or slow=<seconds>.';
  throw new Failure('invalid_value', { param: 'x-easel-test', message });
}

/** The provider as it is, but for the fault that was asked for. */
export function withTestFault(provider: Provider, fault: TestFault): Provider {
  return {
    ...provider,
    generate: (task, context) => generateWithFault(provider, fault, { task, context }),
  };
}

async function* generateWithFault(
  provider: Provider,
  fault: TestFault,
  { task, context }: { readonly task: ImageTask; readonly context: ProviderContext },
): AsyncGenerator<ProviderEvent, Receipt, void> {
  switch (fault.kind) {
    case 'fail':
      throw new Failure(fault.name, { internal: 'asked for by x-easel-test' });
    case 'slow':
      await wait(fault.delayMs, undefined, { signal: context.signal });
      return yield* provider.generate(task, context);
    case 'die_mid_payload':
      for await (const event of provider.generate(task, context)) {
        if (event.type === 'image') {
          yield { ...event, payload: dyingPayload(event.payload) };
          break;
        }
        yield event;
      }
      throw new Failure('upstream_error', { internal: 'died in mid-payload, by x-easel-test' });
  }
}

/** The first half of a payload, then a broken connection. */
function dyingPayload(payload: Payload): Payload {
  return {
    form: payload.form,
    peek: payload.peek,
    async *chunks() {
      for await (const chunk of payload.chunks()) {
        yield chunk.subarray(0, Math.ceil(chunk.length / 2));
        throw new Error('the upstream closed the connection in mid-payload');
      }
    },
  };
}

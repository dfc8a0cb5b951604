import { z } from 'zod';
import { PROVIDER_KINDS } from './account.ts';
import { upstreamKey, upstreamUrl } from './values.ts';

/** A number of seconds between two. */
export const seconds = (least: number, most: number): z.ZodNumber =>
  z.number().min(least).max(most);

/** A text that one of the readers of `values.ts` takes. */
const text = (parse: (text: string) => string): z.ZodType<string, string> =>
  z
    .string()
    .trim()
    .min(1, 'it must not be blank')
    .transform((value, context) => {
      try {
        return parse(value);
      } catch (error) {
        context.addIssue(error instanceof Error ? error.message : String(error));
        return z.NEVER;
      }
    });

/** An entry of `providers`. What is left out comes from the environment or from its kind. */
export const account = z.strictObject({
  /** The entry's own name, where that is one of the kinds. */
  kind: z.enum(PROVIDER_KINDS).optional(),
  api_key: text(upstreamKey).optional(),
  /** The environment variable that holds the key, so that this file need not. */
  api_key_env: text(variableName).optional(),
  base_url: text(upstreamUrl).optional(),
  /** Whatever the adapter of the kind knows; it checks them itself. */
  settings: z.record(z.string(), z.unknown()).default({}),
  time: z
    .strictObject({
      connect_seconds: seconds(0.1, 600).optional(),
      first_byte_seconds: seconds(0.1, 3600).optional(),
      idle_seconds: seconds(0.1, 3600).optional(),
      /** All of one call: of a job its submission, every look at it, and its pictures. */
      total_seconds: seconds(0.1, 3600).optional(),
    })
    .default({}),
  /** The most calls that it takes at once; the others wait in a fair queue. */
  max_in_flight: z.int().min(1).max(100_000).optional(),
  /** true: requests carry the context of the trace, so that the upstream's spans join it. */
  trace_context: z.boolean().default(false),
  queue: z
    .strictObject({
      /** The most calls that wait; the next is refused. */
      max_waiting: z.int().min(0).max(1_000_000).default(1000),
      max_wait_seconds: seconds(0.1, 3600).default(300),
    })
    .prefault({}),
  /** On list prices; the catalogue's, which reads it anew whenever the file changes. */
  markup: z.unknown().optional(),
});

/** A key is a secret, a variable's name is not: this refuses a key in the name's place. */
function variableName(name: string): string {
  if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) {
    throw new Error('it is not the name of an environment variable');
  }
  return name;
}

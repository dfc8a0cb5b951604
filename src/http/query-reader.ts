import type { z } from 'zod';
import { Failure } from '../base/errors.ts';
import { validate } from '../contract/validate.ts';

/**
 * A route's validator for its query, in which all is text: what cannot be read as it should is a
 * wrong value, not a wrong type.
 */
export function queryReader(
  schema: z.ZodType,
): (query: unknown) => { value: unknown } | { error: Error } {
  return (query) => {
    try {
      return { value: validate(schema, query) };
    } catch (error) {
      const { errorName, message, param } = error as Failure;
      if (errorName !== 'invalid_type' || param === null) {
        return { error: error as Error };
      }
      const said = message.replace('Invalid type', 'Invalid value');
      return { error: new Failure('invalid_value', { param, message: said }) };
    }
  };
}

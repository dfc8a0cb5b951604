import { Failure } from '../base/errors.ts';
import type { Admitted } from '../catalog/admitted.ts';
import type { Catalog } from '../catalog/catalog.ts';
import type { ImageCall } from '../contract/call.ts';
import { type AdmitScope, admit } from './admit.ts';

/**
 * The call against the card that serves, at its own price, while the admitted one's upstreams
 * cannot. Undefined when there is none, or it does not take this call. Test keys have none: what
 * paints for them is always there.
 */
export function admitFallback(
  catalog: Catalog,
  call: ImageCall,
  admitted: Admitted,
  scope: AdmitScope,
): Admitted | undefined {
  const { card, requestedModel } = admitted;
  if (card.fallback === undefined || scope.mode === 'test') {
    return undefined;
  }
  try {
    const other = admit(catalog, { ...call, model: card.fallback }, scope);
    const message = `${card.id} could not be reached: ${other.card.id} served, at its own price.`;
    const warnings = [
      { param: 'model', code: 'model_redirected' as const, message },
      ...other.warnings.filter(({ code }) => code !== 'model_redirected'),
    ];
    return { ...other, requestedModel, warnings };
  } catch (error) {
    if (error instanceof Failure) {
      return undefined;
    }
    throw error;
  }
}

import type { Catalog } from '../catalog/catalog.ts';
import { type Quote, quote } from '../catalog/price.ts';
import type { ImageCall, Warning } from '../contract/call.ts';
import { type AdmitScope, admit } from './admit.ts';

/** The price of a call, admitted exactly as if it were to be painted. Throws what admit throws. */
export function quoteCall(
  catalog: Catalog,
  call: ImageCall,
  scope: AdmitScope,
): Quote & { readonly warnings: readonly Warning[] } {
  const admitted = admit(catalog, call, scope);
  const { estimated, max, lines } = quote(admitted.card, admitted, scope.nowMs);
  return { estimated, max, lines, warnings: admitted.warnings };
}

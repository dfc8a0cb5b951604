import type { Nanousd } from '../base/money.ts';
import type { Admitted } from '../catalog/admitted.ts';
import type { Catalog } from '../catalog/catalog.ts';
import { type Quote, quote } from '../catalog/price.ts';
import type { ImageCall, Warning } from '../contract/call.ts';
import { type AdmitScope, admit } from './admit.ts';
import { admitFallback } from './fallback.ts';

/**
 * The price of a call, admitted exactly as if it were to be painted; at most that of its fallback,
 * where that is dearer. Throws what admit throws.
 */
export function quoteCall(
  catalog: Catalog,
  call: ImageCall,
  scope: AdmitScope,
): Quote & { readonly warnings: readonly Warning[] } {
  const admitted = admit(catalog, call, scope);
  const { estimated, lines } = quote(admitted.card, admitted, scope.nowMs);
  const fallback = admitFallback(catalog, call, admitted, scope);
  const max = mostOf([admitted, fallback], scope.nowMs);
  return { estimated, max, lines, warnings: admitted.warnings };
}

/** What is held: the dearest that one of these calls may become. */
export function mostOf(calls: readonly (Admitted | undefined)[], nowMs: number): Nanousd {
  const bounds = calls.flatMap((call) =>
    call === undefined ? [] : [quote(call.card, call, nowMs).max],
  );
  return bounds.reduce((most, bound) => (bound > most ? bound : most), 0n);
}

import type { Caller } from '../access/authenticate.ts';
import type { Card } from '../catalog/card.ts';
import type { AdmitScope } from './admit.ts';

export type IsConfigured = (provider: string) => boolean;

/** What this caller may use, as `admit` takes it. Without a caller: the whole catalogue. */
export function scopeOf(
  caller: Caller | undefined,
  isConfigured: IsConfigured,
  nowMs: number,
): AdmitScope {
  return {
    mode: caller?.mode ?? 'test',
    isConfigured,
    nowMs,
    ...(caller?.allowedModels === undefined ? {} : { allowedModels: [...caller.allowedModels] }),
  };
}

/** Whether the list of this caller shows the card: the same rule that `admit` applies. */
export function isInScope(card: Card, scope: AdmitScope): boolean {
  const isReachable =
    scope.mode === 'test' || card.routes.some(({ provider }) => scope.isConfigured(provider));
  return isReachable && (scope.allowedModels?.includes(card.id) ?? true);
}

import { Failure } from '../base/errors.ts';
import type { ImageFormat, PixelSize } from '../base/image.ts';
import type { Admitted } from '../catalog/admitted.ts';
import type { Card } from '../catalog/card.ts';
import type { Catalog } from '../catalog/catalog.ts';
import type { Parameters } from '../catalog/parameter.ts';
import { validateParameters } from '../catalog/parameters.ts';
import { priceAt } from '../catalog/price.ts';
import { pixelsOf } from '../catalog/sizing.ts';
import { codePoints } from '../catalog/values.ts';
import type { ImageCall, Warning } from '../contract/call.ts';

/** Who asks, and what is known about the world when they do. */
export interface AdmitScope {
  readonly mode: 'test' | 'live';
  /** The only models that this key may use; all when absent. */
  readonly allowedModels?: readonly string[];
  /** Whether a provider can be reached: it has its credential. */
  readonly isConfigured: (provider: string) => boolean;
  readonly nowMs: number;
  /** Sizes of the references that have been read, in order: an edit follows the first. */
  readonly referenceSizes?: readonly PixelSize[];
}

/**
 * Step 3 of a request: the call against its model's card. Returns what every later step needs, with
 * a warning for each thing that was changed or ignored; throws the Failure of the first thing that
 * the model does not take.
 */
export function admit(catalog: Catalog, call: ImageCall, scope: AdmitScope): Admitted {
  const requested = findCard(catalog, call, scope);
  const card = servingCard(catalog, requested, scope.nowMs);
  checkReachable(card, scope);
  // A retired card has its successor's parameters, and the old names of their values besides.
  const rules = requested.successor === card.id && requested.retiredAt ? requested : card;
  checkPrompt(rules, call);
  checkCount(rules, call);
  checkEdit(rules, call);
  const referenceSizes = scope.referenceSizes ?? [];
  const [referenceSize] = referenceSizes;
  const validated = validateParameters(rules, call, referenceSize ? { referenceSize } : {});
  const { seed, partial_images, output_compression, ...parameters } = validated.parameters;
  const format = chooseFormat(rules, call, parameters);
  const partials = countPartials(call, partial_images);
  const compression = chooseCompression(format.outputFormat, output_compression);
  return {
    call,
    card,
    requestedModel: call.model,
    prompt: call.prompt,
    n: call.n,
    parameters,
    passthrough: validated.passthrough,
    ...(typeof seed === 'number' ? { seed } : {}),
    outputFormat: format.outputFormat,
    nativeFormat: format.nativeFormat,
    formatRequested: call.outputFormat !== undefined,
    ...(compression.value === undefined ? {} : { compression: compression.value }),
    partialImages: partials.count,
    expectedSize: pixelsOf(card, parameters),
    referenceCount: call.referenceCount,
    referenceSizes,
    warnings: [
      ...redirection(requested, card),
      ...validated.warnings,
      ...format.warnings,
      ...compression.warnings,
      ...partials.warnings,
      ...delivery(call),
    ],
    priceVersion: priceAt(card, scope.nowMs).version,
  };
}

function findCard(catalog: Catalog, call: ImageCall, scope: AdmitScope): Card {
  const card = catalog.find(call.model);
  if (card === undefined) {
    throw new Failure('model_not_found');
  }
  if (scope.allowedModels !== undefined && !scope.allowedModels.includes(card.id)) {
    throw new Failure('model_forbidden');
  }
  return card;
}

/** The card itself, or the successor that has taken over by now. */
function servingCard(catalog: Catalog, requested: Card, nowMs: number): Card {
  let card = requested;
  // Cards may point at each other; no chain is longer than the catalogue.
  for (let steps = catalog.list().length; steps > 0; steps -= 1) {
    const { retiredAt, shutdownAt, successor } = card;
    const hasEnded = retiredAt !== undefined || Date.parse(shutdownAt ?? '') <= nowMs;
    const next = hasEnded && successor !== undefined ? catalog.find(successor) : undefined;
    if (next === undefined) {
      return card;
    }
    card = next;
  }
  return card;
}

function checkReachable(card: Card, scope: AdmitScope): void {
  const isReachable = card.routes.some(({ provider }) => scope.isConfigured(provider));
  if (scope.mode === 'live' && !isReachable) {
    const internal = `no route of ${card.id} has a credential (${card.provider})`;
    throw new Failure('model_not_found', { internal });
  }
}

function checkPrompt(card: Card, call: ImageCall): void {
  const { promptMaxLength } = card;
  // Code points are never more than UTF-16 units, which are known without counting.
  const length = call.prompt.length <= promptMaxLength ? 0 : codePoints(call.prompt);
  if (length > promptMaxLength) {
    const message = `The prompt has ${length} characters; ${card.id} takes ${promptMaxLength}.`;
    throw new Failure('prompt_too_long', { param: 'prompt', message });
  }
}

function checkCount(card: Card, call: ImageCall): void {
  if (call.n > card.maxN) {
    const message = `n must be at most ${card.maxN} for ${card.id}, not ${call.n}.`;
    throw new Failure('invalid_value', { param: 'n', message });
  }
}

function checkEdit(card: Card, call: ImageCall): void {
  if (call.operation !== 'edit') {
    return;
  }
  if (card.edit === false) {
    const message = `${card.id} paints from text only: it does not edit pictures.`;
    throw new Failure('edit_not_supported', { param: 'model', message });
  }
  const { maxReferenceImages, mask } = card.edit;
  if (call.referenceCount > maxReferenceImages) {
    const message =
      `${card.id} takes at most ${maxReferenceImages} reference images, ` +
      `not ${call.referenceCount}.`;
    throw new Failure('too_many_images', { param: 'image', message });
  }
  if (call.hasMask && !mask) {
    const message = `${card.id} takes no mask.`;
    throw new Failure('mask_not_supported', { param: 'mask', message });
  }
}

interface ChosenFormat {
  readonly outputFormat: ImageFormat;
  readonly nativeFormat: ImageFormat;
  readonly warnings: readonly Warning[];
}

function chooseFormat(card: Card, call: ImageCall, parameters: Parameters): ChosenFormat {
  const { native, default: fallback } = card.formats;
  const outputFormat = call.outputFormat ?? fallback;
  // A jpeg has no transparency: OpenAI refuses the pair, and a flattened picture would still be
  // charged as what was asked for.
  if (parameters['background'] === 'transparent' && outputFormat === 'jpeg') {
    const message = 'A transparent background needs output_format png or webp, not jpeg.';
    throw new Failure('invalid_value', { param: 'background', message });
  }
  if (native.includes(outputFormat)) {
    return { outputFormat, nativeFormat: outputFormat, warnings: [] };
  }
  const message = `${card.id} gives ${native.join(' or ')}: converted to ${outputFormat}.`;
  return {
    outputFormat,
    nativeFormat: fallback,
    warnings: [{ param: 'output_format', code: 'converted', message }],
  };
}

interface Chosen<T> {
  readonly value: T;
  readonly warnings: readonly Warning[];
}

function chooseCompression(
  format: ImageFormat,
  sent: Parameters[string] | undefined,
): Chosen<number | undefined> {
  if (typeof sent !== 'number') {
    return { value: undefined, warnings: [] };
  }
  if (format !== 'png') {
    return { value: sent, warnings: [] };
  }
  const message = 'output_compression is for jpeg and webp; a png is not compressed with loss.';
  const warning: Warning = { param: 'output_compression', code: 'ignored', message };
  return { value: undefined, warnings: [warning] };
}

function countPartials(
  call: ImageCall,
  sent: Parameters[string] | undefined,
): { readonly count: number; readonly warnings: readonly Warning[] } {
  const count = typeof sent === 'number' ? sent : 0;
  if (count === 0 || (call.stream && call.n === 1)) {
    return { count, warnings: [] };
  }
  // Upstreams' partial pictures do not say which of several they belong to.
  const message = call.stream
    ? 'partial_images come only with n 1: with more they were ignored.'
    : 'partial_images come only in a stream: without stream they were ignored.';
  const warning: Warning = { param: 'partial_images', code: 'ignored', message };
  return { count: 0, warnings: [warning] };
}

function redirection(requested: Card, card: Card): Warning[] {
  if (requested.id === card.id) {
    return [];
  }
  const since = requested.retiredAt ?? requested.shutdownAt;
  const message = `${requested.id} was retired on ${since}: ${card.id} served this request.`;
  return [{ param: 'model', code: 'model_redirected', message }];
}

function delivery(call: ImageCall): Warning[] {
  if (!call.stream || call.responseFormat !== 'url') {
    return [];
  }
  const message = 'A stream always carries b64_json: response_format url was ignored.';
  return [{ param: 'response_format', code: 'ignored', message }];
}

import type { Failure } from '../base/errors.ts';
import type { SpanAttributes } from '../base/trace.ts';
import { inputTokens, outputTokens } from '../base/usage.ts';
import type { Outcome } from '../requests/job.ts';
import type { Telemetry } from '../telemetry/telemetry.ts';
import type { Painted } from './paint.ts';
import type { HeldRequest } from './record.ts';

/** The spans of the steps, by the marks of their ends; each begins where the one before ended. */
const STEPS = [
  ['admit', 'admitted'],
  ['hold', 'held'],
  ['generate', 'painted'],
  ['store', 'stored'],
  ['settle', 'settled'],
] as const;

/** Counts a request that was settled, and adds its steps to its trace. */
export function tellSettled(
  telemetry: Telemetry,
  request: HeldRequest,
  { outcome, painted }: { readonly outcome: Outcome; readonly painted: Painted },
): void {
  const { admitted, caller, watch } = request;
  const { receipt, tokens } = painted;
  watch.mark('settled');
  telemetry.requestEnded({
    model: admitted.card.id,
    mode: caller.mode,
    status: 'completed',
    durationMs: watch.elapsedMs,
    images: outcome.images.length,
    pixels: outcome.images.reduce((sum, { width, height }) => sum + width * height, 0),
    charged: outcome.cost,
    upstreamCost: receipt.upstreamCost ?? 0n,
    warnings: outcome.warnings.map(({ code }) => code),
    isOverrun: outcome.cost > request.amount,
  });
  traceSteps(request, {
    'gen_ai.provider.name': receipt.account ?? request.provider,
    'gen_ai.response.model': receipt.servedModel ?? admitted.card.upstreamModel,
    'gen_ai.usage.input_tokens': tokens && inputTokens(tokens),
    'gen_ai.usage.output_tokens': tokens && outputTokens(tokens),
  });
}

/** The same of one that failed. */
export function tellReleased(telemetry: Telemetry, request: HeldRequest, failure: Failure): void {
  const { admitted, caller, watch } = request;
  telemetry.requestEnded({
    model: admitted.card.id,
    mode: caller.mode,
    status: failure.errorName === 'request_cancelled' ? 'cancelled' : 'failed',
    durationMs: watch.elapsedMs,
    images: 0,
    pixels: 0,
    charged: 0n,
    upstreamCost: 0n,
    warnings: [],
    isOverrun: false,
  });
  traceSteps(request, { 'gen_ai.provider.name': request.provider }, failure.errorName);
}

function traceSteps(request: HeldRequest, more: SpanAttributes, error?: string): void {
  const { trace, watch, admitted } = request;
  if (trace === undefined) {
    return;
  }
  const { steps, startedAtMs } = watch;
  const attributes: SpanAttributes = {
    'gen_ai.operation.name': 'generate_content',
    'gen_ai.output.type': 'image',
    'gen_ai.request.model': admitted.requestedModel,
    'gen_ai.request.choice.count': admitted.n,
    'gen_ai.response.id': request.id,
    ...more,
  };
  let begunMs = 0;
  for (const [name, mark] of STEPS) {
    const endedMs = steps[mark] ?? (error === undefined ? undefined : steps['failed']);
    if (endedMs === undefined) {
      continue;
    }
    trace.span({
      name,
      startMs: startedAtMs + begunMs,
      endMs: startedAtMs + endedMs,
      ...(name === 'generate' ? { attributes } : {}),
      ...(steps[mark] === undefined ? { error } : {}),
    });
    begunMs = endedMs;
    if (steps[mark] === undefined) {
      return;
    }
  }
}

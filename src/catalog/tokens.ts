import { type PixelSize, formatSize } from '../base/image.ts';
import type { TokenUsage } from '../base/usage.ts';
import type { PricedCall } from './admitted.ts';
import type { Parameters } from './parameter.ts';
import type { OutputTokenRule, TokenTariff } from './tariff.ts';

/** Image tokens that made-up usage counts for a reference: a round figure, no vendor's. */
const MADE_UP_TOKENS_PER_REFERENCE = 1000;

/**
 * Image output tokens that one picture is expected to take. Good for holds, quotes and made-up
 * usage only: a settlement reads the upstream's own count.
 */
export function expectedOutputTokens(
  rule: OutputTokenRule,
  parameters: Parameters,
  size: PixelSize,
): number {
  const value = String(parameters[rule.parameter]);
  switch (rule.rule) {
    case 'axis': {
      const factor = rule.factors[value];
      if (factor === undefined) {
        throw new Error(`no output token factor for ${rule.parameter} ${value}`);
      }
      return axisTokens(factor, size);
    }
    case 'table': {
      const tokens = rule.tokens[formatSize(size)]?.[value];
      if (tokens === undefined) {
        throw new Error(`no output tokens for ${formatSize(size)} at ${rule.parameter} ${value}`);
      }
      return tokens;
    }
  }
}

/** Usage by rule: what a test picture, or an upstream that reports none, is taken to have used. */
export function formulaUsage(tariff: TokenTariff, call: PricedCall, images: number): TokenUsage {
  const perImage =
    expectedOutputTokens(tariff.outputTokens, call.parameters, call.expectedSize) +
    tariff.partialImageTokens * call.partialImages;
  return {
    textInput: Math.ceil(Buffer.byteLength(call.prompt) / 4),
    imageInput: call.referenceCount * MADE_UP_TOKENS_PER_REFERENCE,
    cachedTextInput: 0,
    cachedImageInput: 0,
    textOutput: 0,
    imageOutput: perImage * images,
    reasoningOutput: 0,
  };
}

/** OpenAI's calculator since gpt-image-2, for any size: community.openai.com thread 1382699. */
function axisTokens(factor: number, size: PixelSize): number {
  const long = Math.max(size.width, size.height);
  const short = Math.min(size.width, size.height);
  const cross = Math.round((factor * short) / long);
  return Math.ceil((factor * cross * (2_000_000 + size.width * size.height)) / 4_000_000);
}

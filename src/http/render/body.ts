import { formatSize } from '../../base/image.ts';
import { type Nanousd, usdNumber } from '../../base/money.ts';
import { inputTokens, outputTokens, type TokenUsage } from '../../base/usage.ts';
import type { ImageFacts, JobFacts, Outcome } from '../../requests/job.ts';

/** What a JSON answer says before its pictures. */
export function answerHead(facts: JobFacts): Record<string, unknown> {
  return {
    id: facts.id,
    created: createdSeconds(facts),
    model: facts.model,
    ...(facts.test ? { test: true } : {}),
  };
}

/** What a JSON answer says after its pictures: all that is known only when they are whole. */
export function answerTail(outcome: Outcome): Record<string, unknown> {
  const [first] = outcome.images;
  return {
    ...(first === undefined ? {} : pictureFields(first)),
    ...drawingFields(outcome),
    usage: usageBody(outcome.cost, outcome.tokens),
    ...warningsField(outcome),
  };
}

/** What a stream's last event says beside its payload; `type` stands last. */
export function completedEvent(
  facts: JobFacts,
  image: ImageFacts,
  outcome: Outcome | undefined,
): Record<string, unknown> {
  return {
    ...pictureFields(image),
    ...(outcome === undefined ? {} : drawingFields(outcome)),
    created_at: createdSeconds(facts),
    model: facts.model,
    id: facts.id,
    ...(facts.test ? { test: true } : {}),
    index: image.index,
    ...(image.revisedPrompt === undefined ? {} : { revised_prompt: image.revisedPrompt }),
    ...(outcome === undefined ? {} : warningsField(outcome)),
    ...(outcome === undefined ? {} : { usage: usageBody(outcome.cost, outcome.tokens) }),
    type: 'image_generation.completed',
  };
}

/** Tokens, where they are known, in both dialects; and always the charge. */
export function usageBody(cost: Nanousd, tokens: TokenUsage | undefined): Record<string, unknown> {
  return {
    ...(tokens === undefined ? {} : tokenFields(tokens)),
    cost: { total_cost: usdNumber(cost) },
  };
}

function tokenFields(tokens: TokenUsage): Record<string, unknown> {
  const cached = tokens.cachedTextInput + tokens.cachedImageInput;
  const input = inputTokens(tokens);
  const output = outputTokens(tokens);
  return {
    prompt_tokens: input,
    prompt_tokens_details: {
      cached_tokens: cached,
      cached_read_tokens: cached,
      image_tokens: tokens.imageInput,
    },
    completion_tokens: output,
    completion_tokens_details: {
      reasoning_tokens: tokens.reasoningOutput,
      image_tokens: tokens.imageOutput,
    },
    input_tokens: input,
    input_tokens_details: { text_tokens: tokens.textInput, image_tokens: tokens.imageInput },
    output_tokens: output,
    output_tokens_details: {
      text_tokens: tokens.textOutput + tokens.reasoningOutput,
      image_tokens: tokens.imageOutput,
    },
    total_tokens: input + output,
  };
}

function pictureFields(image: ImageFacts): Record<string, unknown> {
  return {
    size: formatSize(image),
    output_format: image.format,
    ...(image.seed === undefined ? {} : { seed: image.seed }),
  };
}

function drawingFields(outcome: Outcome): Record<string, unknown> {
  const { quality, background } = outcome;
  return {
    ...(quality === undefined ? {} : { quality }),
    ...(background === undefined ? {} : { background }),
  };
}

function warningsField(outcome: Outcome): Record<string, unknown> {
  return outcome.warnings.length === 0 ? {} : { warnings: outcome.warnings };
}

function createdSeconds(facts: JobFacts): number {
  return Math.floor(facts.createdAtMs / 1000);
}

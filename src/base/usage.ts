/**
 * Tokens that a request used, by what they were. Cached counts are part of the input counts they
 * stand beside; every other count stands by itself.
 */
export interface TokenUsage {
  readonly textInput: number;
  readonly imageInput: number;
  readonly cachedTextInput: number;
  readonly cachedImageInput: number;
  readonly textOutput: number;
  readonly imageOutput: number;
  /** Thinking that the model did before it painted; billed as text output. */
  readonly reasoningOutput: number;
}

export function inputTokens(usage: TokenUsage): number {
  return usage.textInput + usage.imageInput;
}

export function outputTokens(usage: TokenUsage): number {
  return usage.textOutput + usage.imageOutput + usage.reasoningOutput;
}

export function addUsage(first: TokenUsage, second: TokenUsage): TokenUsage {
  return {
    textInput: first.textInput + second.textInput,
    imageInput: first.imageInput + second.imageInput,
    cachedTextInput: first.cachedTextInput + second.cachedTextInput,
    cachedImageInput: first.cachedImageInput + second.cachedImageInput,
    textOutput: first.textOutput + second.textOutput,
    imageOutput: first.imageOutput + second.imageOutput,
    reasoningOutput: first.reasoningOutput + second.reasoningOutput,
  };
}

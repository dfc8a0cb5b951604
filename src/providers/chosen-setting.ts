import type { ProviderAccount } from './account.ts';

/** A setting that is one of a few words; throws, in words, when it is something else. */
export function chosenSetting<Choice extends string>(
  { name, settings }: ProviderAccount,
  setting: string,
  choices: readonly [Choice, ...Choice[]],
): Choice {
  const [fallback] = choices;
  const value = settings[setting] ?? fallback;
  const chosen = choices.find((choice) => choice === value);
  if (chosen === undefined) {
    throw new Error(`${name}: ${setting} must be one of ${choices.join(', ')}`);
  }
  return chosen;
}

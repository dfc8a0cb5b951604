/**
 * Money is an integer of nano-dollars (1e-9 USD), everywhere and always. No float ever holds money:
 * floats are made only at the very edge, by `usdNumber`, for JSON answers.
 */
export type Nanousd = bigint;

const NANOS_PER_USD = 1_000_000_000n;
const DECIMAL_PATTERN = /^(-?)(\d+)(?:\.(\d{1,9}))?$/;

/**
 * Reads a decimal amount of dollars exactly: `"0.0336"` is 33_600_000 nano-dollars. Numbers are
 * taken by their shortest decimal form, so a price written `0.1` in YAML is exactly ten cents.
 * Throws a RangeError on anything that has no exact value in nano-dollars.
 */
export function parseUsd(text: string | number): Nanousd {
  const match = DECIMAL_PATTERN.exec(typeof text === 'number' ? plainDecimal(text) : text.trim());
  if (match === null) {
    throw new RangeError(`${text} is not an amount in USD with at most nine decimals`);
  }
  const [, sign, whole = '0', fraction = ''] = match;
  const nanos = BigInt(whole) * NANOS_PER_USD + BigInt(fraction.padEnd(9, '0'));
  return sign === '-' ? -nanos : nanos;
}

/** The shortest exact decimal: 10_000_000n is `"0.01"`, 0n is `"0"`. */
export function formatUsd(amount: Nanousd): string {
  const digits = (amount < 0n ? -amount : amount).toString().padStart(10, '0');
  const fraction = digits.slice(-9).replace(/0+$/, '');
  const whole = digits.slice(0, -9);
  return (amount < 0n ? '-' : '') + (fraction === '' ? whole : `${whole}.${fraction}`);
}

/**
 * The amount as a JSON number. Its shortest decimal form is exact to the nano-dollar for every
 * amount below a million dollars (fifteen significant digits survive a double).
 */
export function usdNumber(amount: Nanousd): number {
  return Number(formatUsd(amount));
}

/** Division rounded up, for amounts that are not negative: the one rounding of a price. */
export function divideRoundingUp(numerator: bigint, denominator: bigint): bigint {
  return (numerator + denominator - 1n) / denominator;
}

function plainDecimal(value: number): string {
  if (!Number.isFinite(value)) {
    return 'not a number';
  }
  const text = String(value);
  if (!text.includes('e')) {
    return text;
  }
  // Small numbers print as 1e-7. What nine decimals cannot hold must be refused, not rounded.
  const decimal = value.toFixed(9);
  return Number(decimal) === value ? decimal : text;
}

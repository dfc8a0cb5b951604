/** A colour as #rrggbb. */
export type Hex = `#${string}`;

type Triple = readonly [red: number, green: number, blue: number];

/** From `first` (amount 0) to `second` (amount 1). */
export function mix(first: Hex, second: Hex, amount: number): Hex {
  const [red, green, blue] = channels(first);
  const [otherRed, otherGreen, otherBlue] = channels(second);
  return toHex([
    red + (otherRed - red) * amount,
    green + (otherGreen - green) * amount,
    blue + (otherBlue - blue) * amount,
  ]);
}

/** The colour as seen in light of another colour. */
export function underLight(colour: Hex, light: Hex): Hex {
  const [red, green, blue] = channels(colour);
  const [lightRed, lightGreen, lightBlue] = channels(light);
  return toHex([(red * lightRed) / 255, (green * lightGreen) / 255, (blue * lightBlue) / 255]);
}

/** Lighter (amount above 0, 1 is white) or darker (below 0, -1 is nearly black, a little blue). */
export function shift(colour: Hex, amount: number): Hex {
  return amount >= 0 ? mix(colour, '#fffaf0', amount) : mix(colour, '#0c0a1e', -amount);
}

/** Turns the hue by degrees and multiplies the saturation. */
export function turnHue(colour: Hex, degrees: number, saturation = 1): Hex {
  const [hue, level, lightness] = toHsl(channels(colour));
  return fromHsl(hue + degrees, Math.min(1, level * saturation), lightness);
}

/** Hue in degrees (any), saturation and lightness 0 to 1. */
export function fromHsl(hue: number, saturation: number, lightness: number): Hex {
  const reach = saturation * Math.min(lightness, 1 - lightness);
  const channel = (offset: number): number => {
    const sector = (((offset + hue / 30) % 12) + 12) % 12;
    return 255 * (lightness - reach * Math.max(-1, Math.min(sector - 3, 9 - sector, 1)));
  };
  return toHex([channel(0), channel(8), channel(4)]);
}

/** 0 (black) to 1 (white), as the eye weighs it. */
export function luminance(colour: Hex): number {
  const [red, green, blue] = channels(colour);
  return (0.299 * red + 0.587 * green + 0.114 * blue) / 255;
}

function channels(colour: Hex): Triple {
  const value = Number.parseInt(colour.slice(1), 16);
  return [(value >> 16) & 255, (value >> 8) & 255, value & 255];
}

function toHex(triple: Triple): Hex {
  const digits = triple.map((value) =>
    Math.max(0, Math.min(255, Math.round(value)))
      .toString(16)
      .padStart(2, '0'),
  );
  return `#${digits.join('')}`;
}

function toHsl(triple: Triple): Triple {
  const [red, green, blue] = [triple[0] / 255, triple[1] / 255, triple[2] / 255];
  const most = Math.max(red, green, blue);
  const least = Math.min(red, green, blue);
  const spread = most - least;
  const lightness = (most + least) / 2;
  if (spread === 0) return [0, 0, lightness];
  const saturation = spread / (1 - Math.abs(2 * lightness - 1));
  if (most === red) return [60 * ((green - blue) / spread), saturation, lightness];
  if (most === green) return [60 * ((blue - red) / spread + 2), saturation, lightness];
  return [60 * ((red - green) / spread + 4), saturation, lightness];
}

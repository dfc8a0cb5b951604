import type { Place } from '../scene.ts';

export type Verb = 'add' | 'remove' | 'replace' | 'make' | 'combine' | 'keep';

export type Position = 'left' | 'right' | 'top' | 'bottom' | 'centre' | 'background' | 'foreground';

/** A change of tone that words ask for without naming a colour. */
export type Adjustment =
  | 'darker'
  | 'brighter'
  | 'warmer'
  | 'cooler'
  | 'colourful'
  | 'muted'
  | 'contrast'
  | 'sepia'
  | 'invert'
  | 'blur'
  | 'sharpen';

const WORDS_OF_VERBS: Readonly<Record<Verb, string>> = {
  add: 'add put place insert include draw introduce adding',
  remove: 'remove delete erase rid take hide eliminate removing removed exclude omit',
  replace: 'replace swap exchange substitute',
  make:
    'make turn change convert transform render redraw repaint paint colour color recolour ' +
    'recolor tint dye set shift adjust cover fill apply restyle edit give',
  combine: 'combine merge blend mix unite join fuse collage',
  keep: 'keep preserve leave never retain maintain',
};

export const VERBS: Readonly<Record<string, Verb>> = Object.fromEntries(
  Object.entries(WORDS_OF_VERBS).flatMap(([verb, words]) =>
    words.split(' ').map((word) => [word, verb as Verb]),
  ),
);

/** Words that are a verb only where a clause opens: "colour it red", but "change the colour". */
export const WEAK_VERBS: ReadonlySet<string> = new Set(
  'colour color paint tint place set cover shift mix collage blend fill edit'.split(' '),
);

const WORDS_OF_POSITIONS: Readonly<Record<Position, string>> = {
  left: 'left',
  right: 'right',
  top: 'top upper above',
  bottom: 'bottom lower below',
  centre: 'centre center middle central',
  background: 'background behind distance',
  foreground: 'foreground front',
};

export const POSITIONS: ReadonlyMap<string, Position> = new Map(
  Object.entries(WORDS_OF_POSITIONS).flatMap(([position, words]) =>
    words.split(' ').map((word) => [word, position as Position]),
  ),
);

const WORDS_OF_ADJUSTMENTS: Readonly<Record<Adjustment, string>> = {
  darker: 'darker dark dim dimmer darken gloomy',
  brighter: 'brighter bright brighten lighter lighten',
  warmer: 'warmer warm cosy cozy',
  cooler: 'cooler cool colder cold',
  colourful: 'colourful colorful vivid vibrant saturated saturate vibrance',
  muted: 'muted desaturated desaturate faded pale dull pastel',
  contrast: 'contrast dramatic cinematic crisp hdr',
  sepia: 'sepia vintage retro nostalgic antique',
  invert: 'invert inverted negative',
  blur: 'blur blurred blurry soften softer bokeh',
  sharpen: 'sharpen sharper sharp',
};

export const ADJUSTMENTS: ReadonlyMap<string, Adjustment> = new Map(
  Object.entries(WORDS_OF_ADJUSTMENTS).flatMap(([adjustment, words]) =>
    words.split(' ').map((word) => [word, adjustment as Adjustment]),
  ),
);

/** Places of which the green is meant when a colour is given to them. */
export const GREEN_PLACES: ReadonlySet<Place> = new Set<Place>([
  'field',
  'hills',
  'forest',
  'garden',
]);

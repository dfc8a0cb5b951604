import type { Hex } from './colour.ts';

export type Time = 'dawn' | 'day' | 'sunset' | 'dusk' | 'night';

export type Weather = 'clear' | 'cloudy' | 'rain' | 'storm' | 'snow' | 'fog';

export type Season = 'spring' | 'summer' | 'autumn' | 'winter';

export type Place =
  | 'sea'
  | 'beach'
  | 'lake'
  | 'river'
  | 'canal'
  | 'mountains'
  | 'hills'
  | 'desert'
  | 'forest'
  | 'city'
  | 'street'
  | 'village'
  | 'field'
  | 'garden'
  | 'room'
  | 'table'
  | 'space'
  | 'underwater'
  | 'abstract';

export type Style =
  | 'painting'
  | 'watercolour'
  | 'oil'
  | 'pixel'
  | 'line'
  | 'poster'
  | 'black-and-white';

/** A thing to be drawn, by its name in the table of subjects. */
export interface Mention {
  readonly subject: string;
  readonly count: number;
  /** 1 unless the prompt says big or small. */
  readonly scale: number;
  /** The colour that the prompt gives this thing. */
  readonly colour?: Hex;
}

/** What the painter understood of a prompt. */
export interface Scene {
  readonly time: Time;
  readonly weather: Weather;
  readonly season: Season;
  /** In the order of the prompt; empty when it names none. */
  readonly places: readonly Place[];
  readonly style: Style;
  /** In the order of the prompt, each subject and colour once. */
  readonly mentions: readonly Mention[];
  readonly placeColour?: Hex;
  readonly skyColour?: Hex;
  /** Colours that belong to no thing. */
  readonly palette: readonly Hex[];
  /** Sun, moon or stars that the prompt asks for by name. */
  readonly heavens: readonly ('sun' | 'moon' | 'stars' | 'rainbow' | 'aurora')[];
  /** Whether the time was named; rooms and space choose their own otherwise. */
  readonly timeNamed: boolean;
  /** Words without a meaning here: they still steer the composition. */
  readonly unknownWords: readonly string[];
}

import { type Hex, luminance, turnHue } from '../colour.ts';
import { boxBlur } from './box-blur.ts';
import { followEdges } from './matte.ts';
import { type Matte, type Picture, blend, coverage, develop, reshape } from './picture.ts';
import { findThing } from './salience.ts';
import type { Part } from './instruction.ts';
import type { Adjustment } from './verbs.ts';
import type { Work } from './work.ts';

type Row = [number, number, number];

/** Three rows for the red, green and blue that come out. */
export type Mixing = [Row, Row, Row];

const WEIGHTS = [0.299, 0.587, 0.114] as const;

/** Less or more colour, less or more light, and all of it in light of a colour. */
export function tinted(form: {
  readonly saturation: number;
  readonly gain: number;
  readonly colour: Hex;
  /** 0 leaves the colours, 1 is the full light of the colour. */
  readonly share: number;
}): Mixing {
  const { saturation, gain, colour, share } = form;
  const light = luminance(colour);
  const row = (channel: 0 | 1 | 2): Row => {
    const value = Number.parseInt(colour.slice(1 + channel * 2, 3 + channel * 2), 16) / 255;
    // The colour of the light without its darkness, which is in the gain.
    const cast = (1 + (value / Math.max(0.05, light) - 1) * share) * gain;
    const weigh = (from: 0 | 1 | 2): number =>
      (WEIGHTS[from] * (1 - saturation) + (from === channel ? saturation : 0)) * cast;
    return [weigh(0), weigh(1), weigh(2)];
  };
  return [row(0), row(1), row(2)];
}

/** Gives a part of the picture a colour and keeps its light and shade. */
export async function tintPart(
  work: Work,
  picture: Picture,
  { part, colour }: { readonly part: Part; readonly colour: Hex },
): Promise<Picture> {
  const matte = await partMatte(work, picture, part);
  const whole = matte === undefined;
  const vivid = turnHue(colour, 0, 1.05);
  const mean = whole ? work.survey.brightness : await meanLight(work, part);
  const light = Math.max(0.12, luminance(vivid));
  // The part takes the colour's own light halfway: a black thing asked to be yellow is yellow.
  const gain = Math.max(
    0.45,
    Math.min(2.6, ((light * 255) / Math.max(20, mean)) ** (whole ? 0.2 : 0.7)),
  );
  const tintedWhole = await develop(work.open, picture, (image) =>
    image.recomb(
      tinted({ saturation: whole ? 0.35 : 0.12, gain, colour: vivid, share: whole ? 0.8 : 1 }),
    ),
  );
  return matte === undefined ? tintedWhole : blend(picture, tintedWhole, matte);
}

/** One change of tone, of all the picture or of a part. */
export async function adjust(
  work: Work,
  picture: Picture,
  { part, adjustment }: { readonly part: Part; readonly adjustment: Adjustment },
): Promise<Picture> {
  const changed = await adjustAll(work, picture, adjustment);
  const matte = await partMatte(work, picture, part);
  return matte === undefined ? changed : blend(picture, changed, matte);
}

function adjustAll(work: Work, picture: Picture, adjustment: Adjustment): Promise<Picture> {
  const { open } = work;
  const white: Hex = '#ffffff';
  const cast = (colour: Hex, gain = 1): Promise<Picture> =>
    develop(open, picture, (image) =>
      image.recomb(tinted({ saturation: 1, gain, colour, share: 1 })),
    );
  switch (adjustment) {
    case 'darker':
      return develop(open, picture, (image) => image.linear(0.62, -4));
    case 'brighter':
      return develop(open, picture, (image) => image.linear(1.22, 20));
    case 'warmer':
      return cast('#ffdcb0', 1.02);
    case 'cooler':
      return cast('#c4dcff', 1.02);
    case 'colourful':
      return develop(open, picture, (image) =>
        image.recomb(tinted({ saturation: 1.6, gain: 1.02, colour: white, share: 0 })),
      );
    case 'muted':
      return develop(open, picture, (image) =>
        image
          .recomb(tinted({ saturation: 0.42, gain: 0.92, colour: white, share: 0 }))
          .linear(1, 18),
      );
    case 'contrast':
      return develop(open, picture, (image) => image.linear(1.35, -42));
    case 'sepia':
      return develop(open, picture, (image) =>
        image
          .recomb(tinted({ saturation: 0, gain: 0.98, colour: '#e6c79c', share: 1 }))
          .linear(0.92, 12),
      );
    case 'invert':
      return develop(open, picture, (image) => image.negate({ alpha: false }));
    case 'blur':
      return develop(open, picture, (image) =>
        image.blur(Math.max(1, Math.min(picture.width, picture.height) / 120)),
      );
    case 'sharpen':
      return develop(open, picture, (image) => image.sharpen({ sigma: 1.4, m1: 1.2, m2: 3 }));
  }
}

/** Where a part is, at the size of the picture; nothing means everywhere. */
export async function partMatte(
  work: Work,
  picture: Picture,
  part: Part,
): Promise<Matte | undefined> {
  const { survey } = work;
  switch (part) {
    case 'all':
      return undefined;
    case 'sky':
      return (await work.sky()) ?? followEdges(survey, upperPart(work), picture);
    case 'ground': {
      const sky = survey.sky ?? upperPart(work);
      return followEdges(
        survey,
        reshape(sky, (share) => 1 - share),
        picture,
      );
    }
    case 'greenery': {
      const matte = greenery(work);
      return coverage(matte) < 0.03
        ? partMatte(work, picture, 'ground')
        : followEdges(survey, matte, picture);
    }
    case 'thing':
      return followEdges(survey, await findThing(survey, []), picture);
    case 'background': {
      const thing = await findThing(survey, []);
      return followEdges(
        survey,
        reshape(thing, (share) => 1 - share),
        picture,
      );
    }
  }
}

async function meanLight(work: Work, part: Part): Promise<number> {
  const { survey } = work;
  const small: Picture = { ...survey };
  const matte = await partMatte({ ...work, sky: () => Promise.resolve(survey.sky) }, small, part);
  let sum = 0;
  let weight = 1;
  for (let pixel = 0; pixel < survey.light.length; pixel += 1) {
    const share = matte?.data[pixel] ?? 255;
    sum += (survey.light[pixel] ?? 0) * share;
    weight += share;
  }
  return sum / weight;
}

/** A picture without a sky has at least an upper part. */
function upperPart({ survey }: Work): Matte {
  const empty: Matte = { ...survey, data: Buffer.alloc(survey.light.length) };
  return reshape(empty, (_, row) => Math.max(0, Math.min(1, (survey.horizon - row) * 6 + 0.5)));
}

function greenery({ survey }: Work): Matte {
  const data = Buffer.alloc(survey.light.length);
  for (let pixel = 0; pixel < data.length; pixel += 1) {
    const red = survey.colour[pixel * 3] ?? 0;
    const green = survey.colour[pixel * 3 + 1] ?? 0;
    const blue = survey.colour[pixel * 3 + 2] ?? 0;
    data[pixel] = Math.max(0, Math.min(255, (green - Math.max(red * 0.96, blue)) * 14));
  }
  const soft = boxBlur(Float32Array.from(data), survey, 1);
  return { ...survey, data: Buffer.from(soft.map((share) => Math.round(share))) };
}

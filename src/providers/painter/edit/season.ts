import type { Hex } from '../colour.ts';
import type { Season } from '../scene.ts';
import { ellipse, round } from '../svg.ts';
import { layer, openView } from './drawing.ts';
import { type Picture, develop, eachRow, layOver } from './picture.ts';
import { tinted } from './tones.ts';
import type { Work } from './work.ts';
import { parsePrompt } from '../parse.ts';

/** Gives the picture the look of a season: snow on the ground, or other leaves. */
export async function changeSeason(work: Work, picture: Picture, season: Season): Promise<Picture> {
  switch (season) {
    case 'winter':
      return coverWithSnow(work, picture);
    case 'autumn': {
      const turned = await recolourLeaves(work, picture, autumnLeaf);
      return scatter(work, turned, ['#c8541e', '#e39a2c', '#a8391c', '#e6bf45']);
    }
    case 'spring': {
      const fresh = await recolourLeaves(work, picture, springLeaf);
      const light = await develop(work.open, fresh, (image) => image.linear(1.05, 8));
      return scatter(work, light, ['#f7b6cb', '#ffffff', '#f4cfe0', '#e9a0d0']);
    }
    case 'summer':
      return develop(work.open, picture, (image) =>
        image.recomb(tinted({ saturation: 1.3, gain: 1.08, colour: '#fff0cf', share: 0.7 })),
      );
  }
}

/** White over grass and earth and under upper edges, and a colder light on the rest. */
async function coverWithSnow(work: Work, picture: Picture): Promise<Picture> {
  const { width, height, colour } = picture;
  const sky = await work.sky();
  const result = Buffer.from(colour);
  const reach = Math.max(1, Math.round(height / 180)) * width;
  const lightAt = (pixel: number): number =>
    0.299 * (colour[pixel * 3] ?? 0) +
    0.587 * (colour[pixel * 3 + 1] ?? 0) +
    0.114 * (colour[pixel * 3 + 2] ?? 0);
  await eachRow(picture, (first, end, row) => {
    const lower = clamp((row / height - work.survey.horizon + 0.12) * 5);
    for (let pixel = first; pixel < end; pixel += 1) {
      const red = colour[pixel * 3] ?? 0;
      const green = colour[pixel * 3 + 1] ?? 0;
      const blue = colour[pixel * 3 + 2] ?? 0;
      const light = lightAt(pixel);
      const grounded = 1 - (sky?.data[pixel] ?? 0) / 255;
      const leafy = leafiness(red, green, blue) * (0.5 + clamp(light / 130) * 0.5);
      // Brown and sand, not what is red.
      const brown = clamp((red - blue - 14) / 40) * clamp((green - red * 0.68) / 12);
      const earthy = brown * lower * clamp((light - 40) / 50) * 0.85;
      const step = pixel < reach ? 0 : Math.abs(light - lightAt(pixel - reach));
      const edge = clamp((step - 16) / 30) * 0.8;
      const snow = grounded * clamp(Math.max(leafy, earthy) + edge * clamp(1.2 - leafy));
      const pale = light + (255 - light) * 0.12;
      const white = Math.min(250, 176 + light * 0.42);
      result[pixel * 3] = toward(pale + (red - light) * 0.5 - 6, white - 4, snow);
      result[pixel * 3 + 1] = toward(pale + (green - light) * 0.5, white + 1, snow);
      result[pixel * 3 + 2] = toward(pale + (blue - light) * 0.5 + 10, white + 9, snow);
    }
  });
  return { ...picture, colour: result };
}

/** The new colour of a leaf; `low` is 1 near the lower edge, where it is rather grass. */
type Leaf = (form: {
  readonly light: number;
  readonly variety: number;
  readonly low: number;
}) => readonly [red: number, green: number, blue: number];

/** From red over orange to yellow in the trees, straw on the ground. */
const autumnLeaf: Leaf = ({ light, variety, low }) => [
  light * 1.15 + 46 - low * 22,
  light * (0.58 + variety * (0.34 - low * 0.22) + low * 0.2) + 14 + low * 8,
  light * (0.22 + low * 0.14) + 4,
];

const springLeaf: Leaf = ({ light, variety }) => [
  light * (0.82 + variety * 0.2) + 14,
  light * 1.12 + 34,
  light * 0.42 + 16,
];

/** Gives all that is green another colour, in patches. */
async function recolourLeaves(work: Work, picture: Picture, leaf: Leaf): Promise<Picture> {
  const { width, height, colour } = picture;
  const result = Buffer.from(colour);
  const random = work.random.fork('leaves');
  const cell = Math.max(3, Math.min(width, height) / 42);
  const columns = Math.ceil(width / cell) + 2;
  const patches = Float32Array.from({ length: columns * (Math.ceil(height / cell) + 2) }, () =>
    random.next(),
  );
  await eachRow(picture, (first, end, row) => {
    const down = row / cell;
    const above = Math.floor(down) * columns;
    const low = clamp((row / height - work.survey.horizon - 0.06) * 6);
    for (let pixel = first; pixel < end; pixel += 1) {
      const red = colour[pixel * 3] ?? 0;
      const green = colour[pixel * 3 + 1] ?? 0;
      const blue = colour[pixel * 3 + 2] ?? 0;
      const share = leafiness(red, green, blue);
      if (share === 0) continue;
      const across = (pixel - first) / cell;
      const left = above + Math.floor(across);
      const inCell = across - Math.floor(across);
      const upper = toward(patches[left] ?? 0, patches[left + 1] ?? 0, inCell, 1);
      const lower = toward(
        patches[left + columns] ?? 0,
        patches[left + columns + 1] ?? 0,
        inCell,
        1,
      );
      const variety = toward(upper, lower, down - Math.floor(down), 1);
      const light = 0.299 * red + 0.587 * green + 0.114 * blue;
      const [newRed, newGreen, newBlue] = leaf({ light, variety, low });
      result[pixel * 3] = toward(red, newRed, share);
      result[pixel * 3 + 1] = toward(green, newGreen, share);
      result[pixel * 3 + 2] = toward(blue, newBlue, share);
    }
  });
  const warmth = leaf === autumnLeaf ? 0.5 : 0.15;
  return develop(work.open, { ...picture, colour: result }, (image) =>
    image.recomb(tinted({ saturation: 1.05, gain: 1, colour: '#ffe2b8', share: warmth })),
  );
}

/** Leaves or petals in the air. */
function scatter(
  work: Work,
  picture: Picture,
  colours: readonly [Hex, ...Hex[]],
): Promise<Picture> {
  const random = work.random.fork('scatter');
  const view = openView(picture, { scene: parsePrompt(''), random });
  let drawn = '';
  for (let index = 0; index < 34; index += 1) {
    const [x, y] = [random.next() * view.width, random.next() * view.height];
    const size = random.between(5, 13);
    drawn += ellipse([x, y, size, size * 0.5], random.pick(colours), {
      transform: `rotate(${random.whole(0, 180)} ${round(x)} ${round(y)})`,
      opacity: 0.9,
    });
  }
  return layOver(work.open, picture, layer(view, drawn, picture));
}

/** How much a colour is that of leaves and grass; cream and olive are not. */
function leafiness(red: number, green: number, blue: number): number {
  return clamp((green - Math.max(red - 4, blue + 8)) / 20);
}

function clamp(value: number): number {
  return Math.max(0, Math.min(1, value));
}

function toward(from: number, to: number, share: number, most = 255): number {
  return Math.max(0, Math.min(most, from + (to - from) * share));
}

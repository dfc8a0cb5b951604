import { compose } from '../compose.ts';
import { drawInStyle } from '../finish.ts';
import { hash } from '../random.ts';
import type { Scene } from '../scene.ts';
import { cutOut } from './cut-out.ts';
import { fillHole } from './fill.ts';
import { addThings, frameAround } from './insert.ts';
import type { Instruction } from './instruction.ts';
import {
  type Matte,
  type Picture,
  blend,
  coverage,
  develop,
  openMatte,
  toColour,
  toGrey,
  widen,
} from './picture.ts';
import { addHeavens, addWeather, relight } from './relight.ts';
import { restyle } from './restyle.ts';
import { findThing } from './salience.ts';
import { changeSeason } from './season.ts';
import { adjust, partMatte, tintPart, tinted } from './tones.ts';
import { type Work, hourOf } from './work.ts';

export interface Task {
  readonly instruction: Instruction;
  readonly prompt: string;
  readonly seed: number;
  /** Where the edit may happen; everywhere when there is none. */
  readonly region: Matte | undefined;
  /** Whether something was done already: several pictures became one. */
  readonly begun: boolean;
}

/** Beyond this share of the picture, surroundings say too little about what to fill in. */
const MOST_FILLED = 0.45;

/** Does what the instruction asks, everywhere: the caller keeps it within the region. */
export async function carryOut(work: Work, base: Picture, task: Task): Promise<Picture> {
  const { instruction, region } = task;
  const { named } = instruction;
  if (region !== undefined && describesScene(instruction, region)) {
    return paintScene(work, base, task, region);
  }
  let picture = base;
  if (instruction.cutsOut) picture = await cutOut(work, picture);
  const replaces = region !== undefined && named.has('subject') && !instruction.adds;
  let frame = region === undefined ? undefined : await frameAround(region);
  if (instruction.removes || replaces) {
    const hole = region ?? (await holeOf(work, picture, instruction));
    picture = await fillHole(work.open, picture, hole, work.random.fork('fill'));
    if (instruction.replaces) frame ??= await frameAround(hole, 128);
  }
  if (instruction.repaints !== undefined) picture = await repaint(work, picture, task);
  for (const tint of tintsOf(instruction)) picture = await tintPart(work, picture, tint);
  picture = await changeLight(work, picture, instruction);
  if (named.has('subject') && instruction.repaints !== 'sky') {
    const { aloft, addAt } = instruction;
    const scene = sceneOf(work, instruction);
    const place = frame === undefined ? {} : { frame };
    picture = await addThings(work, picture, { scene, aloft, where: addAt, ...place });
  }
  if (changesWeather(instruction)) {
    picture = await addWeather(work, picture, sceneOf(work, instruction));
  }
  for (const change of instruction.adjustments) picture = await adjust(work, picture, change);
  if (named.has('style')) picture = await restyle(work, picture, instruction.scene.style);
  return picture === base && !task.begun ? regrade(work, picture, task.prompt) : picture;
}

/** Whether the words describe what should be in the region, with all that is around it. */
function describesScene(instruction: Instruction, region: Matte): boolean {
  const { named, adds, repaints } = instruction;
  if (adds || repaints !== undefined) return false;
  if (named.has('place')) return true;
  return named.has('subject') && coverage(region) > MOST_FILLED;
}

/** The painter's own picture of the words, as large as the region. */
async function paintScene(
  work: Work,
  base: Picture,
  { instruction, seed }: Task,
  region: Matte,
): Promise<Picture> {
  const frame = await frameAround(region);
  const { left, top, width, height } = frame;
  const composition = compose({ prompt: instruction.wanted, seed, width, height });
  const scene = await drawInStyle(work.open, composition, undefined);
  const colour = await toColour(scene);
  const raw = { width, height, channels: 3 } as const;
  const painted = await develop(work.open, base, (image) =>
    image.composite([{ input: colour, raw, left, top }]),
  );
  const { alpha: _, ...opaque } = painted;
  return opaque;
}

/** Where the thing that goes seems to be, with its rim. */
async function holeOf(
  work: Work,
  { width, height }: Picture,
  { removeAt }: Instruction,
): Promise<Matte> {
  const thing = await findThing(work.survey, removeAt);
  const wide = await widen(openMatte(work.open, thing), 2);
  const large = openMatte(work.open, { ...thing, data: wide })
    .resize(width, height, { fit: 'fill', kernel: 'cubic' })
    .linear(1.6, -20);
  return { width, height, data: await toGrey(large) };
}

/** Paints the wanted scene where the sky or the background is. */
async function repaint(
  work: Work,
  picture: Picture,
  { instruction, seed }: Task,
): Promise<Picture> {
  const { width, height } = picture;
  const composition = compose({ prompt: instruction.wanted, seed, width, height });
  const colour = await toColour(await drawInStyle(work.open, composition, undefined));
  const scene: Picture = { width, height, colour };
  if (instruction.repaints === 'sky') {
    const sky = await partMatte(work, picture, 'sky');
    return sky === undefined ? picture : blend(picture, scene, sky);
  }
  const { alpha } = await cutOut(work, picture);
  return alpha === undefined
    ? picture
    : blend(scene, opaque(picture), { width, height, data: alpha });
}

function opaque({ width, height, colour }: Picture): Picture {
  return { width, height, colour };
}

async function changeLight(work: Work, base: Picture, instruction: Instruction): Promise<Picture> {
  const { named } = instruction;
  const scene = sceneOf(work, instruction);
  let picture = base;
  if (named.has('season') && instruction.repaints === undefined) {
    picture = await changeSeason(work, picture, instruction.scene.season);
  }
  const changesTime = scene.time !== hourOf(work.survey) || instruction.scene.timeNamed;
  const weather = changesWeather(instruction);
  if ((changesTime && asksForTime(instruction)) || weather) {
    const conditions = { scene, changesTime: asksForTime(instruction), changesWeather: weather };
    return relight(work, picture, conditions);
  }
  return named.has('heaven') ? addHeavens(work, picture, scene) : picture;
}

/** Stars and northern lights need the night. */
function asksForTime({ scene }: Instruction): boolean {
  return scene.timeNamed || scene.heavens.some((heaven) => /stars|aurora/.test(heaven));
}

function changesWeather({ named, scene }: Instruction): boolean {
  return named.has('weather') || (named.has('season') && scene.weather === 'snow');
}

/** The scene that is wanted, in the hour that the picture shows when no other is asked for. */
function sceneOf(work: Work, instruction: Instruction): Scene {
  const { scene } = instruction;
  return asksForTime(instruction) ? scene : { ...scene, time: hourOf(work.survey) };
}

function tintsOf(instruction: Instruction): Instruction['tints'] {
  const { scene, tints, named } = instruction;
  const { skyColour, placeColour } = scene;
  const [loose] = named.has('subject') || tints.length > 0 ? [] : scene.palette;
  return [
    ...tints,
    ...(skyColour === undefined ? [] : [{ part: 'sky' as const, colour: skyColour }]),
    ...(placeColour === undefined ? [] : [{ part: 'ground' as const, colour: placeColour }]),
    ...(loose === undefined ? [] : [{ part: 'all' as const, colour: loose }]),
  ];
}

/** Words without a meaning here still choose a mood for the picture. */
async function regrade(work: Work, picture: Picture, words: string): Promise<Picture> {
  const random = work.random.fork(`mood ${hash(words)[0]}`);
  const colour = random.pick(['#ffe2b8', '#cfe0ff', '#ffd6e4', '#d8f0dc', '#fff0c4']);
  const saturation = random.between(1.15, 1.4);
  const painted = await restyle(work, picture, 'painting');
  return develop(work.open, painted, (image) =>
    image.recomb(tinted({ saturation, gain: 1.04, colour, share: 0.7 })),
  );
}

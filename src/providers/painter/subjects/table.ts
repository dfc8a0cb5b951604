import type { Subject } from './subject.ts';
import { BOATS } from './boats.ts';
import { BUILDINGS } from './buildings.ts';
import { CREATURES } from './creatures.ts';
import { FOOD } from './food.ts';
import { AIRCRAFT } from './aircraft.ts';
import { DISHES } from './dishes.ts';
import { LIGHTS } from './lights.ts';
import { FLYERS } from './flyers.ts';
import { PEOPLE } from './people.ts';
import { PETS } from './pets.ts';
import { PLANTS } from './plants.ts';
import { SWIMMERS } from './swimmers.ts';
import { THINGS } from './things.ts';
import { TREES } from './trees.ts';
import { VEHICLES } from './vehicles.ts';

/** Every thing that the painter can draw. To add one, add it to its file's list. */
export const SUBJECTS: readonly Subject[] = [
  ...AIRCRAFT,
  ...BOATS,
  ...BUILDINGS,
  ...CREATURES,
  ...DISHES,
  ...FLYERS,
  ...FOOD,
  ...LIGHTS,
  ...PEOPLE,
  ...PETS,
  ...PLANTS,
  ...SWIMMERS,
  ...THINGS,
  ...TREES,
  ...VEHICLES,
];

const BY_NAME: ReadonlyMap<string, Subject> = new Map(
  SUBJECTS.map((subject) => [subject.name, subject]),
);

export function findSubject(name: string): Subject | undefined {
  return BY_NAME.get(name);
}

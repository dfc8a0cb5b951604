import type { Random } from './random.ts';
import type { Mention, Place, Scene } from './scene.ts';
import { findSubject } from './subjects/table.ts';
import { drawAbstract } from './places/abstract.ts';
import { drawCanal } from './places/canal.ts';
import { drawSpace, drawUnderwater } from './places/elsewhere.ts';
import { drawRoom, drawTable } from './places/indoors.ts';
import { type Needs, drawOpen } from './places/open.ts';
import { drawStreet } from './places/street.ts';
import type { Backdrop, View } from './view.ts';

/** When a prompt names several places, the earlier here is where it plays; the rest lies behind. */
const PRIORITY: readonly Place[] = [
  'canal',
  'underwater',
  'space',
  'street',
  'table',
  'room',
  'village',
  'beach',
  'sea',
  'lake',
  'river',
  'desert',
  'city',
  'garden',
  'field',
  'forest',
  'mountains',
  'hills',
  'abstract',
];

const UNTOLD: readonly [Place, ...Place[]] = [
  'abstract',
  'hills',
  'sea',
  'abstract',
  'mountains',
  'lake',
  'desert',
  'forest',
];

/** Completes a scene: with a place where it names none, and what a place never lacks. */
export function choosePlace(scene: Scene, random: Random): { scene: Scene; place: Place } {
  const named = PRIORITY.find((place) => scene.places.includes(place));
  const place = indoors(scene, named ?? homeOf(scene.mentions) ?? random.pick(UNTOLD));
  const gondola: Mention = { subject: 'gondola', count: 1, scale: 1 };
  return {
    place,
    scene: {
      ...scene,
      places: [place, ...scene.places.filter((other) => other !== place)],
      mentions:
        place === 'canal' && !scene.mentions.some((mention) => floats(mention))
          ? [...scene.mentions, gondola]
          : scene.mentions,
    },
  };
}

/** Small things in a room lie on a table. */
function indoors(scene: Scene, place: Place): Place {
  const small =
    scene.mentions.length > 0 &&
    scene.mentions.every(({ subject }) => findSubject(subject)?.habitat === 'table');
  if (place === 'room' && small) return 'table';
  if (place === 'table' && scene.mentions.length > 0 && !small) {
    return scene.mentions.some(({ subject }) => findSubject(subject)?.habitat === 'table')
      ? 'table'
      : 'room';
  }
  return place;
}

/** The home of what floats, else of the first thing that is not small. */
function homeOf(mentions: readonly Mention[]): Place | undefined {
  const afloat = mentions.find((mention) => floats(mention));
  const large = mentions.find(({ subject }) => findSubject(subject)?.habitat !== 'table');
  const deciding = afloat ?? large ?? mentions[0];
  return deciding === undefined ? undefined : findSubject(deciding.subject)?.home;
}

function floats(mention: Mention): boolean {
  return findSubject(mention.subject)?.habitat === 'water';
}

/** Draws the place where the scene plays. */
export function drawPlace(view: View, place: Place): Backdrop {
  const habitats = view.scene.mentions.map(({ subject }) => findSubject(subject)?.habitat);
  const needs: Needs = {
    land: habitats.includes('land') || habitats.includes('table'),
    water: habitats.includes('water'),
  };
  switch (place) {
    case 'canal':
      return drawCanal(view);
    case 'street':
      return drawStreet(view);
    case 'room':
      return drawRoom(view);
    case 'table':
      return drawTable(view);
    case 'space':
      return drawSpace(view, needs.land || needs.water);
    case 'underwater':
      return drawUnderwater(view);
    case 'abstract':
      return drawAbstract(view);
    default:
      return drawOpen(view, place, needs);
  }
}

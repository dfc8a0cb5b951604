import { mix, shift } from '../colour.ts';
import type { Random } from '../random.ts';
import type { Place } from '../scene.ts';
import { stamp } from '../stamp.ts';
import { line, path, round } from '../svg.ts';
import type { View } from '../view.ts';
import { crown, leafColours } from './growth.ts';
import { groundColour } from './relief.ts';

/**
 * What makes open ground a landscape: a path, furrows, a fence, clumps of trees at its sides and
 * perhaps a far house. Chance chooses, and leaves the middle free for the subjects.
 */
export function furnish(view: View, place: Place, horizon: number): string {
  const random = view.random.fork('furnish');
  const parts: string[] = [];
  const furrowed = place === 'field' && random.chance(0.65);
  if (furrowed) parts.push(drawFurrows(view, horizon, random));
  else if (random.chance(0.6)) parts.push(drawPath(view, horizon, random));
  if (random.chance(0.4) && place !== 'mountains') parts.push(farHouse(view, horizon, random));
  parts.push(drawClumps(view, place, horizon, random));
  if (place !== 'mountains' && random.chance(0.4)) parts.push(drawFence(view, horizon, random));
  return parts.join('');
}

/** A path that winds from the lower edge to the horizon, ever narrower. */
export function drawPath(view: View, horizon: number, random: Random): string {
  const { width, height } = view;
  const start = width * random.between(0.3, 0.7);
  const end = width * random.between(0.3, 0.7);
  const top = horizon + 38;
  const sway = random.between(-0.24, 0.24) * Math.min(width, 1600);
  const left: string[] = [];
  const right: string[] = [];
  const steps = 16;
  for (let step = 0; step <= steps; step += 1) {
    const far = step / steps;
    const y = height + 10 - (height + 10 - top) * (1 - (1 - far) ** 2.2);
    const middle = start + (end - start) * far + Math.sin(far * 5.2) * sway * (1 - far);
    const half = 96 * (1 - far) ** 2.3 + 3;
    left.push(`${round(middle - half)} ${round(y)}`);
    right.unshift(`${round(middle + half)} ${round(y)}`);
  }
  const winter = view.scene.season === 'winter';
  const earth = view.tone(winter ? '#d3dcec' : mix('#d9bd8c', groundColour(view), 0.22));
  const fill = view.canvas.linear(
    [0, 0, 0, 1],
    [
      [0, mix(earth, view.light.haze, 0.3)],
      [1, shift(earth, -0.12)],
    ],
  );
  return path(`M${left.join('L')}L${right.join('L')}Z`, fill);
}

/** Rows of a crop, running to one point of the horizon. */
function drawFurrows(view: View, horizon: number, random: Random): string {
  const { width, height } = view;
  const goal = width * random.between(0.35, 0.65);
  const crop = random.pick(['#9a7fd0', '#e2b93c', '#8fb84a', '#c9a24a']);
  const autumn = view.scene.season === 'autumn';
  const colour = view.scene.season === 'winter' ? '#d5dfee' : autumn ? '#a8763a' : crop;
  const rows = 11;
  let furrows = '';
  for (let row = -rows; row <= rows; row += 1) {
    const foot = goal + row * width * 0.16;
    const half = width * 0.042;
    const far = goal + row * width * 0.021;
    furrows +=
      `M${round(foot - half)} ${height + 10}L${round(far - 2)} ${round(horizon + 58)}` +
      `h5L${round(foot + half)} ${height + 10}Z`;
  }
  const fill = view.canvas.linear(
    [0, 0, 0, 1],
    [
      [0, view.tone(colour, 0.35)],
      [1, view.tone(shift(colour, -0.12))],
    ],
  );
  return path(furrows, fill, { opacity: 0.85 });
}

function farHouse(view: View, horizon: number, random: Random): string {
  const left = random.chance(0.5);
  const x = view.width * (left ? random.between(0.08, 0.26) : random.between(0.74, 0.92));
  const place = { x, y: horizon + 40, size: 92, distance: 0.3 };
  const name = random.pick(['house', 'house', 'windmill', 'church']);
  return stamp(view, name, place, random);
}

/** Trees and bushes at both sides, the nearer ones larger. */
function drawClumps(view: View, place: Place, horizon: number, random: Random): string {
  const below = view.height - horizon;
  const name = place === 'mountains' || view.scene.season === 'winter' ? 'pine' : 'tree';
  const amount = random.whole(3, 6);
  const trees = Array.from({ length: amount }, () => {
    const depth = random.next() ** 1.6 * 0.5;
    const side = random.chance(0.5) ? random.between(-0.02, 0.2) : random.between(0.8, 1.02);
    return { x: view.width * side, depth, chance: random.next() };
  });
  return trees
    .toSorted((first, second) => first.depth - second.depth)
    .map(({ x, depth, chance }) => {
      const y = horizon + 40 + below * depth * 0.85;
      const distance = 0.3 * (1 - depth * 2);
      if (chance < 0.3) return bush(view, random, { x, y, size: 34 + depth * 90, distance });
      return stamp(view, name, { x, y, size: 130 + depth * 420, distance }, random);
    })
    .join('');
}

function bush(
  view: View,
  random: Random,
  form: {
    readonly x: number;
    readonly y: number;
    readonly size: number;
    readonly distance: number;
  },
): string {
  const { x, y, size, distance } = form;
  const leaf = leafColours(view, view.scene.season === 'winter')[0] ?? '#4f9a48';
  return (
    path(crown(random, x, y - size * 0.5, size), view.tone(shift(leaf, -0.2), distance)) +
    path(crown(random, x - size * 0.2, y - size * 0.75, size * 0.62), view.tone(leaf, distance))
  );
}

function drawFence(view: View, horizon: number, random: Random): string {
  const y = horizon + (view.height - horizon) * random.between(0.16, 0.26);
  const left = random.chance(0.5);
  const reach = view.width * random.between(0.26, 0.4);
  const start = left ? -20 : view.width - reach;
  const wood = view.tone(random.pick(['#f3ead8', '#8a6444']), 0.08);
  let posts = '';
  for (let x = start; x <= start + reach + 20; x += 46) {
    posts += `M${round(x)} ${round(y)}v-46`;
  }
  const rails = [14, 32].map((lift) => `M${round(start)} ${round(y - lift)}h${round(reach + 20)}`);
  return line(posts, shift(wood, -0.1), 8) + line(rails.join(''), wood, 6);
}

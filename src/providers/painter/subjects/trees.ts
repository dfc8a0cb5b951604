import type { Hex } from '../colour.ts';
import type { Random } from '../random.ts';
import { circle, disc, line, path, round } from '../svg.ts';
import type { Brush, Subject } from './subject.ts';

export const TREES: readonly Subject[] = [
  {
    name: 'tree',
    words: 'tree, oak, maple, birch, cherry tree, cherry blossom tree, apple tree, willow, bonsai',
    width: 84,
    height: 100,
    habitat: 'land',
    home: 'hills',
    share: 0.6,
    draw: drawTree,
  },
  {
    name: 'pine',
    words: 'pine, pine tree, fir, fir tree, spruce, evergreen, conifer, christmas tree',
    width: 56,
    height: 100,
    habitat: 'land',
    home: 'mountains',
    share: 0.58,
    draw: drawPine,
  },
  {
    name: 'palm',
    words: 'palm, palm tree, coconut tree',
    width: 80,
    height: 100,
    habitat: 'land',
    home: 'beach',
    share: 0.6,
    draw: drawPalm,
  },
  {
    name: 'cactus',
    words: 'cactus, cacti, saguaro, succulent',
    width: 58,
    height: 100,
    habitat: 'land',
    home: 'desert',
    share: 0.48,
    draw: drawCactus,
  },
];

const LEAVES: Readonly<Record<Brush['season'], readonly [Hex, ...Hex[]]>> = {
  spring: ['#f4b3c8', '#8cc45c', '#f4b3c8'],
  summer: ['#4f9a48', '#5aa352', '#3f8742'],
  autumn: ['#d9772b', '#c4452c', '#e3ad35'],
  winter: ['#e8eef6'],
};

/** Discs at random within a round crown. */
function foliage(random: Random, form: readonly [number, number, number], amount: number): string {
  const [x, y, radius] = form;
  let shape = '';
  for (let index = 0; index < amount; index += 1) {
    const angle = (index / amount) * Math.PI * 2 + random.between(-0.25, 0.25);
    const reach = radius * random.between(0.5, 0.66);
    const size = radius * random.between(0.42, 0.56);
    shape += disc(x + Math.cos(angle) * reach * 1.12, y + Math.sin(angle) * reach * 0.86, size);
  }
  return shape + disc(x, y, radius * 0.7);
}

function drawTree(brush: Brush): string {
  const { random } = brush;
  const leaf = brush.own(...LEAVES[brush.season]);
  const bark = brush.tone('#6b4a34');
  const trunk =
    path(
      'M-7 0Q-4 -12 -4 -30L-16 -48L-13 -50L-2 -38V-56H2V-36L13 -50L16 -48L5 -28Q4 -12 8 0Z',
      bark,
    ) + path('M2 -40V-36L13 -50L16 -48L5 -28Q4 -12 8 0H2Z', brush.tone('#6b4a34', -0.3));
  if (brush.snow) {
    const twigs =
      'M-2 -36L-26 -66M-16 -53L-34 -58M-20 -58L-20 -76M2 -40L24 -70M14 -55L34 -62M18 -62L16 -80' +
      'M0 -50L-4 -84M-2 -66L-14 -80M-2 -62L8 -82M-26 -66L-30 -78M24 -70L32 -80';
    return (
      trunk +
      line(twigs, bark, 2) +
      line(twigs, brush.tone('#ffffff'), 0.9, {
        transform: 'translate(-.5 -.8)',
      })
    );
  }
  let fallen = '';
  if (brush.season !== 'summer') {
    for (let index = 0; index < 12; index += 1) {
      fallen += circle(random.between(-36, 36), random.between(-4, 1), 1.4, brush.tone(leaf, 0.1));
    }
  }
  return (
    trunk +
    path(foliage(random, [0, -66, 33], 9), brush.tone(leaf, -0.22)) +
    path(foliage(random, [-4, -69, 27], 8), brush.tone(leaf)) +
    path(foliage(random, [-10, -76, 15], 6), brush.tone(leaf, 0.2)) +
    fallen
  );
}

function drawPine(brush: Brush): string {
  const colour = brush.own('#2f6b4f', '#2a6347', '#3b7a58');
  let tiers = '';
  for (let tier = 3; tier >= 0; tier -= 1) {
    const top = -100 + tier * 18;
    const base = top + 36;
    const half = 12 + tier * 5.2;
    const shape =
      `M0 ${top}L${half} ${base}Q${half * 0.6} ${base - 4} ${half * 0.4} ${base + 1}` +
      `Q0 ${base - 4} ${-half * 0.4} ${base + 1}Q${-half * 0.6} ${base - 4} ${-half} ${base}Z`;
    const right = `M0 ${top}L${half} ${base}Q${half * 0.6} ${base - 4} ${half * 0.4} ${base + 1}`;
    const shade = `${right}L0 ${base - 2}Z`;
    const snow =
      `M0 ${top}L${half * 0.62} ${top + 22}Q${half * 0.3} ${top + 17} ${half * 0.1} ${top + 22}` +
      `Q${-half * 0.2} ${top + 16} ${-half * 0.62} ${top + 22}Z`;
    tiers +=
      path(shape, brush.tone(colour, 0.03)) +
      path(shade, brush.tone(colour, -0.2)) +
      (brush.snow ? path(snow, brush.tone('#ffffff')) : '');
  }
  return pineTrunk(brush) + tiers;
}

function pineTrunk(brush: Brush): string {
  return path('M-3.5 0L-3 -14H3L3.5 0Z', brush.tone('#5f4230'));
}

function drawPalm(brush: Brush): string {
  const leaf = brush.own('#3f9150', '#4a9a4a', '#2f8a5a');
  const bark = brush.tone('#8f6a48');
  const fronds: readonly (readonly [number, number, number])[] = [
    [-38, -70, -0.2],
    [-36, -88, -0.2],
    [-18, -99, 0],
    [16, -99, 0],
    [38, -90, 0.2],
    [40, -72, 0.2],
    [26, -60, 0.3],
    [-24, -58, -0.3],
  ];
  let crown = '';
  for (const [index, [x, y, lean]] of fronds.entries()) {
    const tip = `${x} ${y + 8}`;
    const shape = `M6 -80Q${x * 0.6} ${y - 6} ${tip}Q${x * 0.5} ${y + 6 + lean} 6 -78Z`;
    crown += path(shape, brush.tone(leaf, index % 2 === 0 ? 0.06 : -0.16));
  }
  let rings = '';
  for (let ring = 1; ring < 9; ring += 1) {
    const y = -ring * 8.4;
    const x = -6 + 12 * (ring / 9) ** 1.6;
    rings += `M${round(x - 3)} ${y}q3 2 6 0`;
  }
  return (
    path('M-11 0Q-6 -40 3 -80H8Q3 -38 -2 0Z', bark) +
    line(rings, brush.tone('#8f6a48', -0.3), 1) +
    crown +
    circle(3, -77, 3.2, brush.tone('#6b4a30')) +
    circle(8.4, -76, 3.2, brush.tone('#7a5636')) +
    circle(5.4, -73, 3, brush.tone('#5f4028'))
  );
}

function drawCactus(brush: Brush): string {
  const colour = brush.own('#4f8f52', '#5a9a5a', '#3f8060');
  const body = brush.tone(colour);
  const rib = brush.tone(colour, -0.28);
  const flower = brush.random.pick(['#f06fa0', '#f6c445', '#ffffff'] as const);
  return (
    line('M-22 -66V-48Q-22 -38 -4 -38M23 -78V-56Q23 -46 4 -46', body, 11) +
    line('M0 -6V-90', body, 18) +
    path('M-9 0V-10H9V0Z', body) +
    line(
      'M-4 -2V-92M4 -2V-92M0 -2V-95M-22 -66V-48Q-22 -38 -12 -38M23 -78V-56Q23 -46 13 -46',
      rib,
      1.2,
    ) +
    line('M6.6 -4V-88', brush.tone(colour, 0.25), 1.6, { opacity: 0.7 }) +
    circle(0, -98, 3.6, brush.tone(flower)) +
    circle(-22, -72, 2.6, brush.tone(flower)) +
    circle(23, -84, 2.6, brush.tone(flower))
  );
}

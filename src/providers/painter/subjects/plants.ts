import type { Hex } from '../colour.ts';
import { circle, ellipse, line, path, round } from '../svg.ts';
import type { Brush, Subject } from './subject.ts';

export const PLANTS: readonly Subject[] = [
  {
    name: 'flower',
    words: 'flower, daisy, lily, poppy, wildflower, blossom branch, lotus, orchid, iris, peony',
    width: 62,
    height: 100,
    habitat: 'land',
    home: 'garden',
    share: 0.56,
    draw: drawFlower,
  },
  {
    name: 'tulip',
    words: 'tulip, crocus, daffodil',
    width: 54,
    height: 100,
    habitat: 'land',
    home: 'field',
    share: 0.54,
    draw: drawTulip,
  },
  {
    name: 'sunflower',
    words: 'sunflower',
    width: 66,
    height: 100,
    habitat: 'land',
    home: 'field',
    share: 0.62,
    draw: drawSunflower,
  },
  {
    name: 'rose',
    words: 'rose',
    width: 56,
    height: 100,
    habitat: 'land',
    home: 'garden',
    share: 0.58,
    draw: drawRose,
  },
  {
    name: 'mushroom',
    words: 'mushroom, toadstool, fungus',
    width: 90,
    height: 100,
    habitat: 'land',
    home: 'forest',
    share: 0.46,
    draw: drawMushroom,
  },
  {
    name: 'vase',
    words: 'vase, vase of flowers, bouquet of flowers, potted plant, plant, houseplant, flower pot',
    width: 78,
    height: 100,
    habitat: 'table',
    home: 'table',
    share: 0.56,
    draw: drawVase,
  },
];

function petals(
  place: readonly [number, number, number, number],
  amount: number,
  fill: Hex,
): string {
  const [x, y, reach, thick] = place;
  let drawn = '';
  for (let index = 0; index < amount; index += 1) {
    const angle = round((index * 360) / amount);
    drawn += ellipse([x, y - reach * 0.62, thick, reach * 0.44], fill, {
      transform: `rotate(${angle} ${x} ${y})`,
    });
  }
  return drawn;
}

function stem(brush: Brush, top: number): string {
  const green = brush.tone('#4f8f3f');
  return (
    line(`M0 ${top}Q-3 -30 0 0`, green, 4) +
    path(
      'M-1 -18Q-26 -20 -28 -40Q-8 -38 -1 -18ZM1 -26Q24 -30 27 -48Q8 -46 1 -26Z',
      brush.tone('#5aa048'),
    )
  );
}

function drawFlower(brush: Brush): string {
  const colour = brush.own('#f08fb4', '#ffffff', '#d6342c', '#8f6fd8', '#f6a02e');
  return (
    stem(brush, -70) +
    petals([0, -70, 30, 9.4], 8, brush.tone(colour, -0.16)) +
    petals([0, -70, 27, 7.6], 8, brush.tone(colour, 0.08)) +
    circle(0, -70, 9, brush.tone('#f6c12e')) +
    circle(0, -70, 5, brush.tone('#d98a1f'))
  );
}

function drawTulip(brush: Brush): string {
  const colour = brush.own('#e0453a', '#f6b62e', '#e87fb0', '#8a4fb0');
  return (
    line('M0 -58V0', brush.tone('#4f8f3f'), 4.4) +
    path('M-2 0Q-24 -22 -22 -58Q-6 -38 -2 0ZM2 0Q24 -18 25 -50Q8 -34 2 0Z', brush.tone('#5aa048')) +
    path(
      'M-22 -92Q-26 -58 0 -56Q26 -58 22 -92Q12 -86 8 -80Q4 -92 0 -98Q-4 -92 -8 -80' +
        'Q-12 -86 -22 -92Z',
      brush.tone(colour),
    ) +
    path('M0 -98Q-12 -78 -8 -58Q0 -55 8 -58Q12 -78 0 -98Z', brush.tone(colour, 0.2)) +
    path('M22 -92Q26 -58 4 -56Q16 -66 14 -86Z', brush.tone(colour, -0.2))
  );
}

function drawSunflower(brush: Brush): string {
  const colour = brush.own('#f8c020', '#f6b01f');
  let seeds = '';
  for (let index = 0; index < 40; index += 1) {
    const angle = index * 2.4;
    const reach = Math.sqrt(index / 40) * 13;
    seeds += `M${round(Math.cos(angle) * reach)} ${round(-68 + Math.sin(angle) * reach)}h.1`;
  }
  return (
    stem(brush, -66) +
    petals([0, -68, 34, 5.4], 18, brush.tone(colour, -0.2)) +
    petals([0, -68, 31, 5], 16, brush.tone(colour, 0.05)) +
    circle(0, -68, 15, brush.tone('#5a3418')) +
    line(seeds, brush.tone('#8a5a28'), 2)
  );
}

function drawRose(brush: Brush): string {
  const colour = brush.own('#c8202f', '#c8202f', '#f08fb0', '#f8e8d8');
  const dark = brush.tone(colour, -0.32);
  return (
    stem(brush, -62) +
    line('M0 -40L5 -43M-1 -12L-6 -15', brush.tone('#3f7a33'), 2) +
    path(
      'M-24 -58L-8 -62L0 -54L8 -62L24 -58Q12 -50 0 -48Q-12 -50 -24 -58Z',
      brush.tone('#4f8f3f'),
    ) +
    path(
      'M-26 -76Q-30 -58 -8 -54Q0 -52 8 -54Q30 -58 26 -76Q16 -72 0 -70Q-16 -72 -26 -76Z',
      brush.tone(colour, -0.12),
    ) +
    path('M-22 -84Q-28 -62 0 -58Q28 -62 22 -84Q10 -97 0 -96Q-10 -97 -22 -84Z', brush.tone(colour)) +
    path(
      'M-22 -84Q-12 -78 0 -77Q12 -78 22 -84Q20 -66 0 -62Q-20 -66 -22 -84Z',
      brush.tone(colour, 0.1),
    ) +
    line('M-14 -84Q-10 -93 2 -91Q13 -88 11 -81Q7 -75 0 -78Q-6 -82 -1 -86Q4 -88 6 -84', dark, 1.8) +
    line('M-22 -84Q-12 -70 0 -70Q12 -70 22 -84M-18 -70Q-8 -62 0 -62Q10 -62 18 -70', dark, 1.4)
  );
}

function drawMushroom(brush: Brush): string {
  const colour = brush.own('#d6392f', '#d6392f', '#b8703f');
  const cap = brush.fade('across', brush.tone(colour, 0.14), brush.tone(colour, -0.25));
  const pale = brush.tone('#fbf1de');
  return (
    path(
      'M-13 -48Q-12 -20 -19 -3Q0 4 19 -3Q12 -20 13 -48Z',
      brush.fade('across', pale, brush.tone('#d2bf9f')),
    ) +
    path('M-13 -40Q-24 -32 -22 -27Q0 -20 22 -27Q24 -32 13 -40Z', brush.tone('#efe0c6')) +
    path('M-45 -46Q-48 -98 0 -99Q48 -98 45 -46Q0 -34 -45 -46Z', cap) +
    path('M-45 -46Q0 -34 45 -46Q0 -40 -45 -46Z', brush.tone('#e6d3b4')) +
    ellipse([-18, -74, 9, 7.6], pale) +
    ellipse([14, -82, 7.6, 6], pale) +
    ellipse([30, -62, 6.4, 6], pale) +
    ellipse([4, -60, 6.6, 5.4], pale) +
    ellipse([-34, -56, 5, 5], pale) +
    ellipse([-6, -92, 5.4, 3.4], pale) +
    line('M-34 0Q-32 -9 -36 -13M-28 1Q-28 -8 -24 -12M30 1Q30 -7 34 -12', brush.tone('#4f8f3f'), 2)
  );
}

function drawVase(brush: Brush): string {
  const colour = brush.own('#5f8fb8', '#e8e2d8', '#c4734a', '#6a9a8a');
  const glaze = brush.fade('across', brush.tone(colour, 0.24), brush.tone(colour, -0.26));
  const { random } = brush;
  const blooms: readonly (readonly [number, number, number])[] = [
    [-22, -70, 10],
    [20, -72, 10],
    [0, -84, 12],
    [-12, -58, 8.4],
    [13, -57, 8.4],
    [-30, -54, 7],
    [30, -55, 7],
  ];
  let drawn = '';
  for (const [x, y, size] of blooms) {
    const petal = brush.tone(
      random.pick(['#f08fb4', '#f6c12e', '#ffffff', '#e0453a', '#a77bdc'] as const),
    );
    drawn +=
      petals([x, y, size * 1.25, size * 0.36], 7, petal) +
      circle(x, y, size * 0.34, brush.tone('#d98a1f'));
  }
  return (
    line(
      'M0 -38V-82M-3 -38L-22 -68M3 -38L20 -70M-2 -38L-30 -54M2 -38L30 -55',
      brush.tone('#4f8f3f'),
      2,
    ) +
    path(
      'M-4 -44Q-34 -40 -38 -62Q-16 -64 -4 -44ZM4 -44Q34 -38 38 -64Q16 -66 4 -44Z',
      brush.tone('#5aa048'),
    ) +
    drawn +
    path('M-12 -42H12Q10 -34 18 -26Q26 -14 14 0H-14Q-26 -14 -18 -26Q-10 -34 -12 -42Z', glaze) +
    ellipse([0, -42, 12, 2.6], brush.tone(colour, -0.35)) +
    line('M-20 -16Q0 -10 20 -16', brush.tone(colour, 0.45), 2)
  );
}

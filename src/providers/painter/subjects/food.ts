import { circle, ellipse, line, path, round } from '../svg.ts';
import type { Brush, Subject } from './subject.ts';

export const FOOD: readonly Subject[] = [
  {
    name: 'apple',
    words: 'apple, pear, peach, plum',
    width: 92,
    height: 100,
    habitat: 'table',
    home: 'table',
    share: 0.4,
    draw: drawApple,
  },
  {
    name: 'orange',
    words: 'orange fruit, mandarin, tangerine, clementine, grapefruit',
    width: 96,
    height: 100,
    habitat: 'table',
    home: 'table',
    share: 0.38,
    draw: drawOrange,
  },
  {
    name: 'banana',
    words: 'banana, plantain',
    width: 100,
    height: 72,
    habitat: 'table',
    home: 'table',
    share: 0.44,
    draw: drawBanana,
  },
  {
    name: 'lemon',
    words: 'lemon, citrus',
    width: 100,
    height: 72,
    habitat: 'table',
    home: 'table',
    share: 0.36,
    draw: drawLemon,
  },
  {
    name: 'strawberry',
    words: 'strawberry, berry, raspberry, cherry',
    width: 84,
    height: 100,
    habitat: 'table',
    home: 'table',
    share: 0.38,
    draw: drawStrawberry,
  },
  {
    name: 'pumpkin',
    words: 'pumpkin, jack o lantern, squash',
    width: 100,
    height: 86,
    habitat: 'table',
    home: 'table',
    share: 0.42,
    draw: drawPumpkin,
  },
];

function drawApple(brush: Brush): string {
  const colour = brush.own('#d6342c', '#d6342c', '#8fbf3f', '#e0a83a');
  const skin = brush.fade('across', brush.tone(colour, 0.2), brush.tone(colour, -0.3));
  return (
    path(
      'M0 -74C-14 -86 -45 -82 -45 -48C-45 -18 -24 2 -8 0Q0 -3 8 0C24 2 45 -18 45 -48' +
        'C45 -82 14 -86 0 -74Z',
      skin,
    ) +
    path('M-14 -77Q0 -66 14 -77Q4 -72 0 -73Q-4 -72 -14 -77Z', brush.tone(colour, -0.5)) +
    line('M0 -71Q0 -86 8 -96', brush.tone('#5a3c28'), 4) +
    path('M3 -84Q14 -100 34 -94Q26 -78 3 -84Z', brush.tone('#5a9a3f')) +
    line('M3 -84Q16 -88 30 -93', brush.tone('#3f7a2f'), 1.4) +
    ellipse([-24, -56, 7, 15], '#ffffff', { opacity: 0.4, transform: 'rotate(16 -24 -56)' })
  );
}

function drawOrange(brush: Brush): string {
  const colour = brush.own('#f28a1f');
  const skin = brush.fade('across', brush.tone(colour, 0.2), brush.tone(colour, -0.26));
  let pores = '';
  for (let index = 0; index < 34; index += 1) {
    const angle = index * 2.4;
    const reach = Math.sqrt(index / 34) * 38;
    const [x, y] = [Math.cos(angle) * reach, -44 + Math.sin(angle) * reach];
    pores += `M${round(x)} ${round(y)}h.1`;
  }
  return (
    circle(0, -44, 44, skin) +
    line(pores, brush.tone(colour, -0.22), 2, { opacity: 0.7 }) +
    ellipse([-17, -60, 8, 12], '#ffffff', { opacity: 0.35, transform: 'rotate(30 -17 -60)' }) +
    path('M-6 -85L0 -90L6 -85L2 -82H-2Z', brush.tone('#6b8a3a')) +
    path('M1 -87Q12 -103 34 -97Q26 -82 1 -87Z', brush.tone('#4f9440')) +
    line('M1 -87Q16 -92 30 -96', brush.tone('#35702c'), 1.3)
  );
}

function drawBanana(brush: Brush): string {
  const colour = brush.own('#f6cf3a');
  return (
    path(
      'M-44 -60Q-46 -68 -38 -70L-33 -66Q-26 -26 12 -20Q32 -18 44 -28L50 -24Q44 -2 10 0' +
        'Q-38 -4 -44 -60Z',
      brush.tone(colour),
    ) +
    path(
      'M-42 -48Q-34 -12 10 -8Q36 -8 48 -18Q42 -1 10 0Q-34 -4 -42 -48Z',
      brush.tone(colour, -0.2),
    ) +
    line('M-36 -62Q-28 -20 12 -14Q32 -12 46 -24', brush.tone(colour, -0.32), 1.6) +
    path('M-44 -60Q-46 -72 -39 -72Q-33 -72 -33 -64Z', brush.tone('#7a5a2c')) +
    path('M44 -28L50 -24L47 -16L41 -23Z', brush.tone('#5a4426'))
  );
}

function drawLemon(brush: Brush): string {
  const colour = brush.own('#f7dc3f');
  const skin = brush.fade('down', brush.tone(colour, 0.22), brush.tone(colour, -0.2));
  return (
    path(
      'M-50 -34Q-44 -40 -38 -44Q-24 -66 2 -66Q28 -64 40 -44Q44 -42 50 -32Q46 -26 40 -24' +
        'Q28 -2 2 0Q-26 -2 -38 -24Q-46 -28 -50 -34Z',
      skin,
    ) +
    ellipse([-10, -50, 16, 6], '#ffffff', { opacity: 0.4, transform: 'rotate(-14 -10 -50)' }) +
    path('M-42 -44Q-40 -66 -16 -72Q-18 -54 -38 -44Z', brush.tone('#5a9a3f'))
  );
}

function drawStrawberry(brush: Brush): string {
  const colour = brush.own('#dc2f3c');
  const skin = brush.fade('across', brush.tone(colour, 0.15), brush.tone(colour, -0.25));
  let seeds = '';
  for (const [x, y] of [
    [-22, -58],
    [-6, -60],
    [12, -58],
    [26, -56],
    [-16, -42],
    [2, -44],
    [19, -41],
    [-9, -27],
    [9, -26],
    [0, -12],
    [-29, -50],
    [30, -46],
  ] as const) {
    seeds += `M${x} ${y}l.6 2.4`;
  }
  return (
    path(
      'M0 0C-20 -10 -44 -44 -38 -66C-30 -82 -8 -76 0 -72C8 -76 30 -82 38 -66C44 -44 20 -10 0 0Z',
      skin,
    ) +
    line(seeds, brush.tone('#f8dc8a'), 2.6) +
    path(
      'M0 -72L-34 -72L-20 -79L-30 -92L-10 -84L0 -97L10 -84L30 -92L20 -79L34 -72Z',
      brush.tone('#4f9a3f'),
    ) +
    line('M0 -82V-99', brush.tone('#3f7a33'), 3) +
    ellipse([-22, -58, 4, 9], '#ffffff', { opacity: 0.35, transform: 'rotate(14 -22 -58)' })
  );
}

function drawPumpkin(brush: Brush): string {
  const colour = brush.own('#ec7f22', '#e8862e', '#e0702a');
  const lit = brush.lampsBurn ? '#ffe08a' : brush.tone('#7a3a10');
  const face = brush.lampsBurn
    ? path(
        'M-22 -46L-12 -34H-30ZM22 -46L30 -34H12ZM0 -34L5 -27H-5ZM-28 -22Q0 -10 28 -22' +
          'Q20 -8 0 -8Q-20 -8 -28 -22Z',
        lit,
      ) + circle(0, -30, 46, brush.halo('#ffb43a', 0.5), { class: 'glow' })
    : '';
  return (
    path('M-4 -64Q-6 -80 -14 -84L-4 -86Q6 -78 6 -64Z', brush.tone('#5f7a3a')) +
    ellipse([-30, -34, 20, 30], brush.tone(colour, -0.16)) +
    ellipse([30, -34, 20, 30], brush.tone(colour, -0.26)) +
    ellipse([-16, -34, 20, 33], brush.tone(colour, 0.02)) +
    ellipse([16, -34, 20, 33], brush.tone(colour, -0.12)) +
    ellipse([0, -34, 17, 34], brush.tone(colour, 0.1)) +
    face
  );
}

import { circle, ellipse, line, path } from '../svg.ts';
import type { Brush, Subject } from './subject.ts';

export const CREATURES: readonly Subject[] = [
  {
    name: 'horse',
    words: 'horse, pony, stallion, mare, unicorn, donkey, foal',
    width: 100,
    height: 96,
    habitat: 'land',
    home: 'field',
    share: 0.52,
    draw: drawHorse,
  },
  {
    name: 'cow',
    words: 'cow, bull, ox, cattle, calf, bison',
    width: 100,
    height: 72,
    habitat: 'land',
    home: 'field',
    share: 0.48,
    draw: drawCow,
  },
  {
    name: 'sheep',
    words: 'sheep, lamb, goat, ram, alpaca',
    width: 100,
    height: 82,
    habitat: 'land',
    home: 'field',
    share: 0.42,
    draw: drawSheep,
  },
  {
    name: 'deer',
    words: 'deer, stag, reindeer, elk, moose, fawn, antelope',
    width: 78,
    height: 100,
    habitat: 'land',
    home: 'forest',
    share: 0.52,
    draw: drawDeer,
  },
  {
    name: 'elephant',
    words: 'elephant, mammoth',
    width: 100,
    height: 80,
    habitat: 'land',
    home: 'field',
    share: 0.54,
    draw: drawElephant,
  },
  {
    name: 'camel',
    words: 'camel, dromedary, caravan, llama',
    width: 96,
    height: 100,
    habitat: 'land',
    home: 'desert',
    share: 0.5,
    draw: drawCamel,
  },
];

function drawHorse(brush: Brush): string {
  const colour = brush.own('#8a5232', '#5a3826', '#e6ddd2', '#b57a48');
  const coat = brush.fade('down', brush.tone(colour, 0.1), brush.tone(colour, -0.2));
  const far = brush.tone(colour, -0.38);
  const mane = brush.tone(colour, -0.55);
  return (
    path(
      'M-20 -40L-14 -22L-17 0H-12L-9 -22L-10 -40ZM10 -40L17 -22L24 -6L20 -2H26L29 -8' +
        'L22 -24L20 -40Z',
      far,
    ) +
    path('M-36 -52Q-50 -48 -48 -20Q-44 -14 -42 -22Q-42 -40 -33 -46Z', mane) +
    path(
      'M-38 -48Q-36 -60 -20 -60Q-4 -57 10 -61Q18 -66 22 -80Q25 -90 33 -91L35 -97L38 -90' +
        'Q46 -82 50 -71Q49 -65 44 -66Q38 -70 35 -70Q31 -56 26 -44Q22 -38 17 -36L19 -19' +
        'L18 -2L20 0H13L13.6 -19' +
        'L9 -35Q-8 -30 -22 -35L-27 -20L-25 -2L-23 0H-30L-32 -20Q-31 -30 -35 -38Z',
      coat,
    ) +
    path('M33 -91Q24 -90 20 -80Q16 -66 6 -60Q15 -58 19 -62Q25 -70 27 -80Q30 -84 36 -86Z', mane) +
    circle(38.6, -81, 1.7, '#1d171a') +
    circle(46.6, -69, 0.9, mane) +
    path('M-30 -4H-23V0H-30ZM13 -4H20V0H13Z', mane)
  );
}

function drawCow(brush: Brush): string {
  const colour = brush.own('#f6f0e6', '#f6f0e6', '#9a5a38');
  const coat = brush.fade('down', brush.tone(colour, 0.1), brush.tone(colour, -0.18));
  const patch = brush.tone('#3a3238');
  const legs = brush.tone(colour, -0.14);
  return (
    path('M-32 -28V0H-25V-26ZM-18 -26V-3H-12V-26ZM8 -26V-3H14V-26ZM20 -28V0H27V-30Z', legs) +
    path('M-32 -4H-25V0H-32ZM20 -4H27V0H20Z', patch) +
    ellipse([-8, -21, 8, 5], brush.tone('#f2b0ac')) +
    line('M-40 -48Q-48 -44 -46 -22', legs, 2.2) +
    path('M-41 -46Q-40 -58 -26 -58H16Q30 -57 31 -44V-32Q28 -22 12 -22H-28Q-41 -22 -41 -34Z', coat) +
    path(
      'M-30 -58H-10Q-6 -46 -16 -40Q-30 -40 -33 -50ZM6 -40Q14 -44 20 -36Q20 -24 10 -24Q0 -28 6 -40Z',
      patch,
    ) +
    path('M23 -62L16 -68L26 -66ZM40 -64L46 -71L36 -68Z', brush.tone('#e8dcc4')) +
    ellipse([19, -57, 6, 3.2], patch) +
    ellipse([46, -58, 5.4, 3], patch) +
    path('M22 -62Q32 -70 43 -62Q46 -50 42 -40H26Q20 -50 22 -62Z', coat) +
    ellipse([34, -39, 9.4, 6.4], brush.tone('#f2b8b0')) +
    circle(30.6, -39, 1.3, patch) +
    circle(37.4, -39, 1.3, patch) +
    circle(27.6, -54, 2, '#1d171a') +
    circle(39.4, -54, 2, '#1d171a')
  );
}

function drawSheep(brush: Brush): string {
  const colour = brush.own('#f8f4ea', '#f8f4ea', '#4a4248');
  const face = brush.tone('#3f373c');
  let wool = '';
  const puffs: readonly (readonly [number, number, number])[] = [
    [-32, -36, 15],
    [-22, -52, 16],
    [-4, -58, 17],
    [14, -52, 15],
    [22, -36, 15],
    [12, -26, 15],
    [-8, -24, 16],
    [-26, -26, 14],
    [-6, -40, 24],
  ];
  for (const [x, y, radius] of puffs) wool += circle(x, y, radius, brush.tone(colour, -0.1));
  for (const [x, y, radius] of puffs)
    wool += circle(x - 1, y - 2.5, radius * 0.86, brush.tone(colour, 0.06));
  return (
    line('M-24 -16V-2M-12 -16V-2M6 -16V-2M17 -16V-2', face, 5) +
    wool +
    ellipse([21, -55, 7, 3.6], face, { transform: 'rotate(-20 21 -55)' }) +
    ellipse([46, -55, 7, 3.6], face, { transform: 'rotate(24 46 -55)' }) +
    path('M23 -58Q33 -68 44 -58Q45 -42 34 -34Q23 -42 23 -58Z', face) +
    circle(27, -62, 6, brush.tone(colour, 0.06)) +
    circle(34, -65, 7, brush.tone(colour, 0.06)) +
    circle(40.6, -62, 6, brush.tone(colour, 0.06)) +
    circle(29, -52, 2.2, '#ffffff') +
    circle(39, -52, 2.2, '#ffffff') +
    circle(29.4, -51.6, 1.2, '#151015') +
    circle(38.6, -51.6, 1.2, '#151015')
  );
}

function drawDeer(brush: Brush): string {
  const colour = brush.own('#a8703f', '#96603a');
  const coat = brush.fade('down', brush.tone(colour, 0.1), brush.tone(colour, -0.18));
  const far = brush.tone(colour, -0.36);
  const pale = brush.tone('#f4e6cc');
  const antler = brush.tone('#e0c9a0');
  return (
    path(
      'M-20 -34L-16 -18L-18 0H-14.6L-11.6 -18L-12 -34ZM8 -34L12 -18L11 0H14.4L16 -18L15 -34Z',
      far,
    ) +
    line(
      'M19 -76Q10 -84 10 -98M12.4 -88L4 -92M25 -77Q34 -84 33 -99M32 -89L38 -94M11 -94L5 -99',
      antler,
      2,
    ) +
    path(
      'M-32 -44Q-30 -54 -18 -53Q0 -51 8 -54Q13 -60 15 -70Q17 -78 24 -77Q30 -74 36 -66' +
        'Q35 -61 30 -62' +
        'L24 -63Q23 -50 19 -40Q17 -35 14 -33L13 -17L14 0H9.6L8 -17L5 -32Q-8 -29 -19 -32' +
        'L-23 -18L-22 0H-26.6' +
        'L-28 -18Q-27 -28 -30 -34Z',
      coat,
    ) +
    path('M-32 -44Q-37 -46 -36 -37Q-33 -36 -31 -38Z', pale) +
    path('M19 -40Q23 -50 24 -60L20 -58Q18 -46 13 -36Z', pale) +
    ellipse([15, -76.6, 5.4, 2.4], coat, { transform: 'rotate(20 15 -76.6)' }) +
    circle(26, -70.6, 1.4, '#1d171a') +
    circle(35, -65, 1.2, '#1d171a') +
    circle(-20, -46, 1.3, pale) +
    circle(-13, -48, 1.3, pale) +
    circle(-15, -42, 1.3, pale) +
    circle(-7, -45, 1.3, pale)
  );
}

function drawElephant(brush: Brush): string {
  const colour = brush.own('#8f93a3', '#848a9c');
  const skin = brush.fade('down', brush.tone(colour, 0.12), brush.tone(colour, -0.2));
  const dark = brush.tone(colour, -0.28);
  return (
    path('M-26 -26V0H-13V-22ZM6 -26V0H18V-24Z', dark) +
    line('M-42 -48Q-49 -40 -45 -27', dark, 2) +
    path(
      'M-42 -40Q-42 -72 -10 -73Q6 -74 12 -70Q20 -78 32 -74Q43 -70 44 -56L45 -30Q45 -16 36 -17' +
        'Q33 -20 36 -24Q40 -24 39 -30L36 -44Q30 -38 22 -38V0H9V-22Q-6 -18 -20 -22' +
        'L-22 0H-35V-20Q-42 -28 -42 -40Z',
      skin,
    ) +
    path(
      'M16 -72Q-4 -78 -3 -56Q-1 -38 14 -38Q24 -44 23 -60Q22 -68 16 -72Z',
      brush.tone(colour, -0.13),
    ) +
    path('M14 -67Q2 -71 3 -56Q5 -44 14 -44Q19 -50 18 -60Z', brush.tone('#c99a9a', -0.1)) +
    path('M33 -44Q40 -36 48 -38Q42 -42 38 -48Z', brush.tone('#fbf4e4')) +
    circle(32, -60, 2, '#17131a') +
    circle(32.6, -60.6, 0.7, '#ffffff') +
    line('M-33 -2.4H-24M11 -2.4H20', brush.tone('#efe6da'), 1.8) +
    line('M39 -50L43 -51M39.6 -44L44 -45M40 -38L44.6 -38.6', dark, 0.9)
  );
}

function drawCamel(brush: Brush): string {
  const colour = brush.own('#c9995e', '#b98850');
  const coat = brush.fade('down', brush.tone(colour, 0.1), brush.tone(colour, -0.2));
  const far = brush.tone(colour, -0.34);
  return (
    path('M-20 -44L-16 -22L-18 0H-13L-11 -22L-10 -44ZM6 -44L11 -22L10 0H15L16 -22L15 -44Z', far) +
    line('M-33 -56Q-40 -50 -38 -36', far, 2.2) +
    path(
      'M-35 -50Q-34 -62 -26 -66Q-22 -84 -15 -84Q-9 -84 -6 -70Q-2 -66 2 -70Q5 -82 10 -80' +
        'Q15 -78 16 -64' +
        'Q22 -56 26 -66Q28 -84 33 -91Q39 -97 45 -91L48 -86Q48 -82 43 -82L37 -82' +
        'Q36 -60 28 -49Q22 -44 16 -44' +
        'L16 -22L15 0H8L8 -22L5 -42Q-8 -36 -20 -42L-24 -22L-23 0H-30L-30 -22Q-30 -36 -35 -42Z',
      coat,
    ) +
    path('M-18 -66Q-6 -60 8 -66L10 -48Q-4 -44 -18 -48Z', brush.tone('#b83a34')) +
    line('M-18 -52Q-4 -48 10 -52', brush.tone('#f0c45a'), 2) +
    circle(40, -89, 1.4, '#1d171a') +
    path('M33 -92L32 -97L36 -94Z', far)
  );
}

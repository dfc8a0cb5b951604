import type { Hex } from '../colour.ts';
import { box, circle, ellipse, line, path } from '../svg.ts';
import type { Brush, Subject } from './subject.ts';

export const FLYERS: readonly Subject[] = [
  {
    name: 'bird',
    words: 'bird, robin, sparrow, songbird, parrot, bluebird, cardinal, hummingbird, crow, raven',
    width: 100,
    height: 92,
    habitat: 'land',
    home: 'garden',
    share: 0.4,
    draw: drawBird,
  },
  {
    name: 'seagull',
    words: 'seagull, gull, eagle, hawk, falcon, dove, crane, heron, phoenix, albatross, swallow',
    width: 100,
    height: 48,
    habitat: 'air',
    home: 'sea',
    share: 0.46,
    draw: drawGull,
  },
  {
    name: 'owl',
    words: 'owl, owlet',
    width: 68,
    height: 100,
    habitat: 'land',
    home: 'forest',
    share: 0.46,
    draw: drawOwl,
  },
  {
    name: 'butterfly',
    words: 'butterfly, moth, dragonfly',
    width: 100,
    height: 84,
    habitat: 'air',
    home: 'garden',
    share: 0.42,
    draw: drawButterfly,
  },
  {
    name: 'hot-air balloon',
    words: 'hot air balloon, balloon, hot-air balloon, air balloon, airship, zeppelin',
    width: 74,
    height: 100,
    habitat: 'air',
    home: 'hills',
    share: 0.56,
    draw: drawBalloon,
  },
  {
    name: 'rocket',
    words: 'rocket, spaceship, spacecraft, rocket ship, space shuttle, starship',
    width: 52,
    height: 100,
    habitat: 'air',
    home: 'space',
    share: 0.56,
    draw: drawRocket,
  },
  {
    name: 'aeroplane',
    words: 'aeroplane, airplane, plane, aircraft, jet, biplane',
    width: 100,
    height: 46,
    habitat: 'air',
    home: 'hills',
    share: 0.56,
    draw: drawPlane,
  },
  {
    name: 'kite',
    words: 'kite, paper kite',
    width: 60,
    height: 100,
    habitat: 'air',
    home: 'field',
    share: 0.46,
    draw: drawKite,
  },
  {
    name: 'ufo',
    words: 'ufo, flying saucer, alien ship, alien',
    width: 100,
    height: 62,
    habitat: 'air',
    home: 'field',
    share: 0.44,
    draw: drawUfo,
  },
];

function drawBird(brush: Brush): string {
  const colour = brush.own('#3f7fc4', '#d8493a', '#e0a52f', '#4a9a6a');
  const body = brush.fade('down', brush.tone(colour, 0.12), brush.tone(colour, -0.12));
  const breast = brush.tone('#f6d9b0');
  return (
    line('M-48 -3Q0 3 48 -5', brush.tone('#6b4a34'), 5) +
    path('M38 -5Q44 -18 50 -12Q48 -4 38 -5Z', brush.tone('#5a9a4a')) +
    line('M-4 -14V-3M4 -14V-3', brush.tone('#d98a2f'), 2.2) +
    path('M-16 -34L-48 -20L-40 -14L-12 -22Z', brush.tone(colour, -0.3)) +
    path(
      'M-26 -36Q-24 -56 -4 -66Q4 -90 22 -90Q40 -88 40 -68Q42 -40 26 -22Q10 -8 -8 -14Q-24 -20 -26 -36Z',
      body,
    ) +
    path('M38 -58Q38 -36 24 -22Q10 -9 -4 -13Q18 -24 22 -46Q26 -58 38 -58Z', breast) +
    path(
      'M-28 -32Q-20 -54 2 -54Q12 -44 2 -30Q-12 -18 -36 -20Q-28 -24 -28 -32Z',
      brush.tone(colour, -0.24),
    ) +
    line('M-22 -28Q-10 -28 0 -40M-16 -23Q-6 -24 2 -32', brush.tone(colour, 0.2), 1.4) +
    path('M39 -76L53 -71L39 -65Z', brush.tone('#f0a030')) +
    circle(28, -74, 4, '#17131a') +
    circle(29.4, -75.6, 1.4, '#ffffff')
  );
}

function drawGull(brush: Brush): string {
  const colour = brush.own('#fbf8f2');
  const grey = brush.tone('#b8c0cc');
  return (
    path('M-2 -20Q-14 -44 -50 -46Q-40 -38 -34 -32Q-20 -24 -8 -14Z', grey) +
    path('M-50 -46Q-42 -44 -36 -42L-34 -36Q-44 -40 -50 -46Z', brush.tone('#3a3a44')) +
    path('M4 -20Q18 -46 50 -42Q40 -36 34 -30Q22 -22 12 -14Z', brush.tone(colour)) +
    path('M50 -42Q42 -41 37 -39L34 -33Q44 -36 50 -42Z', brush.tone('#3a3a44')) +
    path(
      'M-26 -4L-16 -14Q-6 -22 8 -22Q18 -22 22 -16Q18 -6 4 -5Q-10 -4 -18 -8Z',
      brush.tone(colour),
    ) +
    path('M-16 -9Q0 -2 18 -11Q12 -4 2 -4Q-10 -3 -16 -9Z', brush.tone(colour, -0.14)) +
    path('M21 -18L29 -14.6L21 -12.6Z', brush.tone('#f0a030')) +
    circle(16, -17, 1.4, '#17131a')
  );
}

function drawOwl(brush: Brush): string {
  const colour = brush.own('#8a6242', '#77604f', '#a07a54');
  const body = brush.fade('across', brush.tone(colour, 0.1), brush.tone(colour, -0.18));
  const pale = brush.tone('#f0dfc0');
  const iris = brush.shine('#f6b52e');
  let feathers = '';
  for (let row = 0; row < 4; row += 1) {
    for (let column = 0; column < 4 - (row % 2); column += 1) {
      const x = -13.5 + column * 9 + (row % 2) * 4.5;
      feathers += `M${x - 3.6} ${-40 + row * 7}q3.6 5 7.2 0`;
    }
  }
  return (
    path('M-26 -84L-30 -99L-10 -93H10L30 -99L26 -84Z', body) +
    path('M-30 -40Q-34 -94 0 -95Q34 -94 30 -40Q28 -4 0 -3Q-28 -4 -30 -40Z', body) +
    path('M-18 -44Q-20 -8 0 -7Q20 -8 18 -44Q0 -54 -18 -44Z', pale) +
    line(feathers, brush.tone(colour), 1.4) +
    path(
      'M-30 -56Q-38 -24 -22 -12Q-18 -34 -24 -52ZM30 -56Q38 -24 22 -12Q18 -34 24 -52Z',
      brush.tone(colour, -0.25),
    ) +
    circle(-13, -70, 14, pale) +
    circle(13, -70, 14, pale) +
    circle(-13, -70, 9.4, iris) +
    circle(13, -70, 9.4, iris) +
    circle(-13, -70, 5.4, '#17131a') +
    circle(13, -70, 5.4, '#17131a') +
    circle(-11, -72.4, 1.9, '#ffffff') +
    circle(15, -72.4, 1.9, '#ffffff') +
    path('M-4 -64H4L0 -54Z', brush.tone('#e89a2e')) +
    line('M-12 -3V1M-8 -3V1M8 -3V1M12 -3V1', brush.tone('#e89a2e'), 2.4)
  );
}

function drawButterfly(brush: Brush): string {
  const colour = brush.own('#e8802a', '#3f8fd8', '#c44a9a', '#f0b02e');
  const wing = (hand: number): string =>
    `<g transform="scale(${hand} 1)">` +
    path('M2 -44Q10 -84 42 -84Q54 -70 44 -52Q30 -38 2 -42Z', brush.tone('#2a2430')) +
    path('M5 -45Q13 -78 40 -79Q48 -68 40 -54Q28 -43 5 -45Z', brush.tone(colour, 0.06)) +
    path('M2 -40Q34 -42 36 -22Q34 -4 20 -3Q8 -10 2 -36Z', brush.tone('#2a2430')) +
    path('M4 -37Q30 -38 31.6 -22Q30 -9 20 -8Q10 -14 4 -37Z', brush.tone(colour, -0.1)) +
    line(
      'M5 -45Q22 -60 38 -76M5 -44Q26 -52 42 -60M5 -37Q18 -28 26 -12',
      brush.tone('#2a2430'),
      1.2,
    ) +
    circle(37, -70, 2.6, brush.tone('#fff6e0')) +
    circle(40, -61, 1.8, brush.tone('#fff6e0')) +
    circle(25, -17, 2.6, brush.tone('#fff6e0')) +
    '</g>';
  return (
    wing(-1) +
    wing(1) +
    ellipse([0, -42, 2.8, 20], '#241f28') +
    circle(0, -63, 3.4, '#241f28') +
    line('M-1 -66Q-6 -78 -12 -82M1 -66Q6 -78 12 -82', '#241f28', 1.1)
  );
}

function drawBalloon(brush: Brush): string {
  const colour = brush.own('#d8413a', '#e8862e', '#3f7fc4', '#7a4fb0', '#2f9a86');
  const second = brush.random.pick(['#f8d66a', '#fdf2dc', '#f6b84a'] as const);
  const envelope =
    'M0 -100C-26 -100 -37 -80 -36 -66C-35 -48 -16 -36 -8 -24H8C16 -36 35 -48 36 -66C37 -80 26 -100 0 -100Z';
  const panel = (outer: number, inner: number, fill: Hex, amount: number): string => {
    const tone = brush.tone(fill, amount);
    return path(
      `M0 -100C${outer * 0.72} -100 ${outer} -80 ${outer} -66C${outer} -48 ${outer * 0.44} -36 ${outer * 0.22} -24` +
        `H${inner * 0.22}C${inner * 0.44} -36 ${inner} -48 ${inner} -66C${inner} -80 ${inner * 0.72} -100 0 -100Z`,
      tone,
    );
  };
  const flame = brush.lampsBurn
    ? circle(0, -50, 46, brush.halo('#ffcf6b', 0.75), { class: 'glow' })
    : '';
  return (
    path(envelope, brush.tone(colour)) +
    panel(-36, -25, colour, 0.12) +
    panel(-25, -12, second, 0.05) +
    panel(-12, 0, colour, 0.03) +
    panel(0, 12, second, -0.04) +
    panel(12, 25, colour, -0.12) +
    panel(25, 36, second, -0.24) +
    path('M-35.6 -70Q0 -58 35.6 -70L35.8 -64Q0 -51 -35.8 -64Z', brush.tone('#fffaf0'), {
      opacity: 0.85,
    }) +
    ellipse([-17, -82, 6, 11], '#ffffff', {
      opacity: 0.3,
      class: 'glow',
      transform: 'rotate(24 -17 -82)',
    }) +
    flame +
    line('M-8 -24L-6 -11M8 -24L6 -11M-3 -24L-2.4 -11M3 -24L2.4 -11', brush.tone('#5a4232'), 0.8) +
    path('M-3 -20Q0 -28 3 -20Q2 -17 0 -17Q-2 -17 -3 -20Z', '#ffb43a') +
    path('M-8 -11H8L6.6 0H-6.6Z', brush.tone('#a8743f')) +
    line('M-7.6 -7.6H7.6M-7.2 -4H7.2', brush.tone('#a8743f', -0.3), 0.8) +
    box([-8.6, -12.4, 17.2, 2.6, 1.3], brush.tone('#6b4630'))
  );
}

function drawRocket(brush: Brush): string {
  const colour = brush.own('#e0453a', '#2f6fd0', '#f08a2a');
  const hull = brush.fade('across', brush.tone('#ffffff'), brush.tone('#b8c2d4'));
  return (
    `<g transform="rotate(18 0 -50)">` +
    circle(0, -8, 26, brush.halo('#ffb43a', 0.9), { class: 'glow' }) +
    path('M-9 -24Q-12 -10 0 4Q12 -10 9 -24Z', '#ff8a2a') +
    path('M-5 -24Q-7 -14 0 -5Q7 -14 5 -24Z', '#fff0a0') +
    path(
      'M-14 -44Q-26 -34 -24 -16L-12 -26ZM14 -44Q26 -34 24 -16L12 -26Z',
      brush.tone(colour, -0.1),
    ) +
    path('M0 -98Q-18 -78 -16 -48Q-15 -34 -10 -24H10Q15 -34 16 -48Q18 -78 0 -98Z', hull) +
    path('M0 -98Q-11 -86 -14.6 -72H14.6Q11 -86 0 -98Z', brush.tone(colour)) +
    path('M-14 -32Q0 -28 14 -32L10 -24H-10Z', brush.tone(colour, -0.15)) +
    circle(0, -56, 8, brush.tone('#5a6478')) +
    circle(0, -56, 6, brush.shine('#7fd4f0')) +
    path('M-4 -58Q-3 -61 1 -61Q-2 -59 -3 -56Z', '#ffffff') +
    path('M-2 -36L0 -18L2 -36Z', brush.tone(colour)) +
    '</g>'
  );
}

function drawPlane(brush: Brush): string {
  const colour = brush.own('#d8413a', '#2f6fd0', '#f0a52e');
  const body = brush.fade('down', brush.tone('#ffffff'), brush.tone('#c2cad8'));
  let windows = '';
  for (let index = 0; index < 7; index += 1)
    windows += circle(-18 + index * 7, -23, 1.7, brush.tone('#4f7fa8'));
  return (
    path('M-40 -24L-50 -46H-41L-26 -26Z', brush.tone(colour)) +
    path('M-6 -26L-2 -41H4L12 -26Z', brush.tone(colour, -0.25)) +
    path(
      'M-44 -22Q-30 -31 10 -30Q36 -30 47 -22Q50 -18 44 -15Q30 -11 -6 -12Q-34 -13 -44 -22Z',
      body,
    ) +
    line('M-40 -19.4Q0 -15 46 -17.4', brush.tone(colour), 2) +
    windows +
    path('M34 -27.4Q42 -25 44.6 -22H34Z', brush.tone('#3f6f96')) +
    path('M-4 -17L-22 0H-13L14 -16Z', brush.tone(colour, -0.05)) +
    path('M-40 -21L-49 -15H-42L-32 -19Z', brush.tone(colour, -0.15)) +
    box([-8, -12, 11, 5, 2.5], brush.tone('#8a94a6'))
  );
}

function drawKite(brush: Brush): string {
  const colour = brush.own('#d8413a', '#7a4fb0', '#2f8fd0');
  const bow = (x: number, y: number): string =>
    path(`M${x} ${y}l-5 -3v6ZM${x} ${y}l5 -3v6Z`, brush.tone('#f2b63a'));
  return (
    line('M4 -44Q-4 -30 6 -20Q14 -10 2 0', brush.tone('#f6efe0'), 1) +
    bow(1, -34) +
    bow(5, -22) +
    bow(8, -10) +
    path('M4 -100L-26 -72L4 -72Z', brush.tone(colour)) +
    path('M4 -100L30 -72H4Z', brush.tone('#f6c445')) +
    path('M-26 -72L4 -44V-72Z', brush.tone('#3f9a7a')) +
    path('M30 -72L4 -44V-72Z', brush.tone('#3f7fc4')) +
    line('M4 -100V-44M-26 -72H30', brush.tone('#5a4232'), 1)
  );
}

function drawUfo(brush: Brush): string {
  const colour = brush.own('#a8b4c8', '#9aa8b8');
  const hull = brush.fade('down', brush.tone(colour, 0.4), brush.tone(colour, -0.35));
  let lights = '';
  for (const [x, y] of [
    [-36, -25],
    [-19, -20.6],
    [0, -19],
    [19, -20.6],
    [36, -25],
  ] as const) {
    lights +=
      circle(x, y, 5, '#fff08a', { opacity: 0.4, class: 'glow' }) + circle(x, y, 2.6, '#fff6b0');
  }
  return (
    path('M-14 -22L-40 44H40L14 -22Z', brush.fade('down', '#d8ffb0', '#d8ffb0'), {
      opacity: 0.3,
      class: 'glow',
    }) +
    path('M-22 -34Q-22 -60 0 -61Q22 -60 22 -34Z', brush.shine('#9fe8e0')) +
    ellipse([-8, -50, 4, 7], '#ffffff', { opacity: 0.6, class: 'glow' }) +
    circle(0, -41, 8, brush.tone('#6fbf5a')) +
    ellipse([-3.2, -42, 1.7, 2.6], '#17131a') +
    ellipse([3.2, -42, 1.7, 2.6], '#17131a') +
    ellipse([0, -28, 50, 13], hull) +
    ellipse([0, -33, 26, 5.4], brush.tone(colour, -0.2)) +
    lights
  );
}

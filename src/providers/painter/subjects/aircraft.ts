import type { Hex } from '../colour.ts';
import { box, circle, ellipse, line, path } from '../svg.ts';
import type { Brush, Subject } from './subject.ts';

export const AIRCRAFT: readonly Subject[] = [
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

function drawBalloon(brush: Brush): string {
  const colour = brush.own('#d8413a', '#e8862e', '#3f7fc4', '#7a4fb0', '#2f9a86');
  const second = brush.random.pick(['#f8d66a', '#fdf2dc', '#f6b84a'] as const);
  const envelope =
    'M0 -100C-26 -100 -37 -80 -36 -66C-35 -48 -16 -36 -8 -24H8C16 -36 35 -48 36 -66' +
    'C37 -80 26 -100 0 -100Z';
  const panel = (outer: number, inner: number, fill: Hex, amount: number): string => {
    const tone = brush.tone(fill, amount);
    return path(
      `M0 -100C${outer * 0.72} -100 ${outer} -80 ${outer} -66` +
        `C${outer} -48 ${outer * 0.44} -36 ${outer * 0.22} -24H${inner * 0.22}` +
        `C${inner * 0.44} -36 ${inner} -48 ${inner} -66C${inner} -80 ${inner * 0.72} -100 0 -100Z`,
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

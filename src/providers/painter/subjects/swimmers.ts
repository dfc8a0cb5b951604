import { circle, ellipse, line, path } from '../svg.ts';
import type { Brush, Subject } from './subject.ts';

export const SWIMMERS: readonly Subject[] = [
  {
    name: 'fish',
    words: 'fish, goldfish, koi, tropical fish, clownfish, salmon',
    width: 100,
    height: 62,
    habitat: 'swimming',
    home: 'underwater',
    share: 0.44,
    draw: drawFish,
  },
  {
    name: 'whale',
    words: 'whale, humpback, orca, dolphin',
    width: 100,
    height: 82,
    habitat: 'swimming',
    home: 'sea',
    share: 0.58,
    draw: drawWhale,
  },
  {
    name: 'duck',
    words: 'duck, duckling, rubber duck, goose, mallard',
    width: 100,
    height: 84,
    habitat: 'water',
    home: 'lake',
    share: 0.42,
    draw: drawDuck,
  },
  {
    name: 'swan',
    words: 'swan, flamingo',
    width: 100,
    height: 92,
    habitat: 'water',
    home: 'lake',
    share: 0.46,
    draw: drawSwan,
  },
  {
    name: 'turtle',
    words: 'turtle, sea turtle, tortoise',
    width: 100,
    height: 60,
    habitat: 'swimming',
    home: 'underwater',
    share: 0.44,
    draw: drawTurtle,
  },
  {
    name: 'octopus',
    words: 'octopus, squid, jellyfish, kraken',
    width: 92,
    height: 100,
    habitat: 'swimming',
    home: 'underwater',
    share: 0.5,
    draw: drawOctopus,
  },
  {
    name: 'penguin',
    words: 'penguin, puffin',
    width: 64,
    height: 100,
    habitat: 'land',
    home: 'beach',
    share: 0.46,
    draw: drawPenguin,
  },
];

function drawFish(brush: Brush): string {
  const colour = brush.own('#f08a2a', '#f6c03a', '#e8506a', '#3f8fd8');
  const body = brush.fade('down', brush.tone(colour, 0.2), brush.tone(colour, -0.12));
  const fin = brush.tone(colour, -0.14);
  return (
    path('M-24 -31Q-42 -46 -50 -52Q-44 -31 -50 -10Q-40 -16 -24 -31Z', fin) +
    path('M-12 -50Q0 -66 20 -60Q24 -54 22 -48ZM-4 -12Q2 0 14 -2Q16 -8 14 -14Z', fin) +
    path('M-28 -31Q-8 -56 20 -54Q44 -50 50 -33Q44 -14 20 -9Q-8 -7 -28 -31Z', body) +
    path(
      'M12 -53.6Q26 -32 12 -9.4L3 -11Q14 -32 3 -52ZM-10 -47Q-2 -32 -10 -15L-17 -20' +
        'Q-11 -31 -17 -42Z',
      '#ffffff',
      {
        opacity: 0.85,
      },
    ) +
    path('M10 -30Q0 -20 -4 -22Q-4 -32 10 -34Z', fin) +
    circle(34, -38, 5.6, '#ffffff') +
    circle(35.4, -38, 3.3, '#17131a') +
    circle(36.6, -39.4, 1.1, '#ffffff') +
    line('M49 -29Q44 -27 42 -29', brush.tone(colour, -0.5), 1.4)
  );
}

function drawWhale(brush: Brush): string {
  const colour = brush.own('#3f6f9a', '#4a6f8f', '#35608f');
  const body = brush.fade('down', brush.tone(colour, 0.12), brush.tone(colour, -0.12));
  const spray = brush.tone('#eaf6fb');
  return (
    line('M18 -58Q16 -72 6 -76M20 -58Q22 -74 34 -78M19 -58Q18 -74 20 -81', spray, 2.6) +
    path(
      'M-34 -22Q-46 -34 -50 -54Q-42 -48 -36 -50Q-32 -54 -24 -56Q-26 -40 -22 -30Z',
      brush.tone(colour, -0.1),
    ) +
    path(
      'M-38 -26Q-20 -30 -6 -46Q10 -58 30 -54Q50 -48 50 -24Q48 -4 26 0H-4Q-32 -4 -38 -26Z',
      body,
    ) +
    path('M50 -22Q48 -4 26 0H-4Q-14 -2 -22 -8Q6 -8 22 -16Q36 -20 50 -22Z', brush.tone('#e6eef2')) +
    line('M44 -15Q30 -10 24 -2M36 -16Q22 -10 14 -1M28 -15Q16 -9 4 -1', brush.tone('#a8bccb'), 1) +
    path('M4 -14Q-8 -2 -18 2Q-12 -12 -4 -18Z', brush.tone(colour, -0.2)) +
    circle(36, -30, 2.6, '#17131a') +
    circle(36.8, -31, 0.9, '#ffffff')
  );
}

function drawDuck(brush: Brush): string {
  const colour = brush.own('#f6c92e', '#f6c92e', '#f4efe4');
  const body = brush.fade('down', brush.tone(colour, 0.15), brush.tone(colour, -0.14));
  return (
    path(
      'M-46 -40Q-38 -30 -20 -32Q4 -34 8 -42Q12 -54 22 -52H40Q44 -20 28 -6Q18 0 -12 0' +
        'Q-42 -2 -46 -40Z',
      body,
    ) +
    circle(22, -60, 22, body) +
    path('M40 -64Q52 -62 50 -56Q46 -52 38 -53Z', brush.tone('#ee8a2a')) +
    path('M40 -57Q46 -57 50 -56Q46 -51 38 -53Z', brush.tone('#d8701f')) +
    path('M-30 -28Q-10 -34 10 -26Q6 -10 -12 -10Q-26 -12 -30 -28Z', brush.tone(colour, -0.16)) +
    circle(28, -66, 4, '#17131a') +
    circle(29.4, -67.4, 1.4, '#ffffff')
  );
}

function drawSwan(brush: Brush): string {
  const colour = brush.own('#fdfaf4', '#fdfaf4', '#2f2c34');
  const body = brush.fade('down', brush.tone(colour, 0.1), brush.tone(colour, -0.14));
  return (
    line('M22 -14Q44 -30 28 -52Q14 -72 26 -82Q36 -86 38 -78', brush.tone(colour), 8) +
    path('M-48 -34Q-30 -30 -8 -30Q22 -32 34 -18Q36 -4 22 0H-24Q-44 -8 -48 -34Z', body) +
    path(
      'M-44 -44Q-24 -40 0 -38Q18 -34 20 -22Q8 -8 -14 -12Q-38 -20 -44 -44Z',
      brush.tone(colour, -0.08),
    ) +
    line('M-34 -34Q-14 -26 8 -26M-26 -24Q-10 -18 6 -19', brush.tone(colour, -0.25), 1.2) +
    path('M35 -84Q44 -80 49 -73L37 -75Z', brush.tone('#ee8a2a')) +
    path('M34 -83L39 -80L36.6 -77Z', '#201a20') +
    circle(33, -81, 1.4, '#17131a')
  );
}

function drawTurtle(brush: Brush): string {
  const colour = brush.own('#5a9a5a', '#6f9a4a', '#4a8a7a');
  const shell = brush.fade('down', brush.tone('#8a6a3f', 0.1), brush.tone('#6b4a2c'));
  return (
    path(
      'M14 -18Q34 -8 30 6Q20 2 6 -10ZM-26 -16Q-40 -8 -46 2Q-34 2 -18 -10Z',
      brush.tone(colour, -0.1),
    ) +
    path('M26 -26Q44 -40 50 -28Q52 -16 40 -14Q32 -14 26 -18Z', brush.tone(colour, 0.1)) +
    path('M-36 -14Q-34 -52 0 -54Q32 -52 34 -16Q0 -6 -36 -14Z', shell) +
    line(
      'M-14 -50L-18 -12M12 -51L16 -12M-32 -34Q0 -42 31 -34M-36 -14Q0 -6 34 -16',
      brush.tone('#d9b878'),
      1.6,
    ) +
    circle(42.6, -27, 2.2, '#17131a') +
    circle(43.2, -27.8, 0.8, '#ffffff')
  );
}

function drawOctopus(brush: Brush): string {
  const colour = brush.own('#d8506a', '#9a5ac4', '#e8803a');
  const skin = brush.fade('down', brush.tone(colour, 0.16), brush.tone(colour, -0.12));
  const arms =
    'M-14 -44Q-40 -40 -42 -14Q-42 -4 -36 -6M-12 -40Q-28 -28 -26 -8Q-24 0 -18 -4' +
    'M-5 -38Q-10 -18 -8 -2' +
    'M14 -44Q40 -40 42 -14Q42 -4 36 -6M12 -40Q28 -28 26 -8Q24 0 18 -4M5 -38Q10 -18 8 -2';
  return (
    line(arms, brush.tone(colour, -0.08), 9) +
    line(arms, brush.tone(colour, 0.4), 1.6, { 'stroke-dasharray': '0.1 5' }) +
    path('M-30 -66Q-32 -100 0 -100Q32 -100 30 -66Q28 -48 18 -38H-18Q-28 -48 -30 -66Z', skin) +
    circle(-11, -62, 7.4, '#ffffff') +
    circle(11, -62, 7.4, '#ffffff') +
    circle(-10, -61, 4, '#17131a') +
    circle(10, -61, 4, '#17131a') +
    line('M-5 -49Q0 -45 5 -49', brush.tone(colour, -0.5), 1.6) +
    circle(-16, -86, 3, brush.tone(colour, 0.35)) +
    circle(-8, -92, 2, brush.tone(colour, 0.35))
  );
}

function drawPenguin(brush: Brush): string {
  const colour = brush.own('#2c3140', '#2c3140', '#3a4660');
  const body = brush.fade('across', brush.tone(colour, 0.14), brush.tone(colour, -0.12));
  const white = brush.tone('#fdfaf2');
  return (
    ellipse([-11, -2, 11, 4], brush.tone('#f0942a')) +
    ellipse([11, -2, 11, 4], brush.tone('#f0942a')) +
    path('M-26 -60Q-36 -40 -31 -20Q-24 -26 -22 -40ZM26 -60Q36 -40 31 -20Q24 -26 22 -40Z', body) +
    path('M-27 -34Q-30 -100 0 -100Q30 -100 27 -34Q26 -3 0 -2Q-26 -3 -27 -34Z', body) +
    path(
      'M-19 -30Q-22 -60 -10 -64Q-22 -72 -17 -84Q-8 -92 0 -82Q8 -92 17 -84Q22 -72 10 -64' +
        'Q22 -60 19 -30Q18 -6 0 -5Q-18 -6 -19 -30Z',
      white,
    ) +
    circle(-8.6, -78, 3.4, '#17131a') +
    circle(8.6, -78, 3.4, '#17131a') +
    circle(-7.6, -79.2, 1.1, '#ffffff') +
    circle(9.6, -79.2, 1.1, '#ffffff') +
    path('M-5 -74H5L0 -66Z', brush.tone('#f0942a')) +
    circle(-13, -71, 3, brush.tone('#f4a8a0'), { opacity: 0.7 }) +
    circle(13, -71, 3, brush.tone('#f4a8a0'), { opacity: 0.7 })
  );
}

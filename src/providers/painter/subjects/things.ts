import { box, circle, ellipse, line, path, round } from '../svg.ts';
import type { Brush, Subject } from './subject.ts';

export const THINGS: readonly Subject[] = [
  {
    name: 'mug',
    words: 'mug, cup, coffee, coffee cup, cup of coffee, tea, cup of tea, teacup, coffee mug',
    width: 88,
    height: 100,
    habitat: 'table',
    home: 'table',
    share: 0.42,
    draw: drawMug,
  },
  {
    name: 'teapot',
    words: 'teapot, kettle, coffee pot',
    width: 100,
    height: 80,
    habitat: 'table',
    home: 'table',
    share: 0.46,
    draw: drawTeapot,
  },
  {
    name: 'umbrella',
    words: 'umbrella, parasol, sunshade',
    width: 100,
    height: 98,
    habitat: 'land',
    home: 'beach',
    share: 0.5,
    draw: drawUmbrella,
  },
  {
    name: 'book',
    words: 'book, notebook, novel, diary, magazine',
    width: 100,
    height: 52,
    habitat: 'table',
    home: 'table',
    share: 0.5,
    draw: drawBook,
  },
  {
    name: 'clock',
    words: 'clock, alarm clock, watch, pocket watch',
    width: 82,
    height: 100,
    habitat: 'table',
    home: 'table',
    share: 0.42,
    draw: drawClock,
  },
  {
    name: 'bottle',
    words: 'bottle, wine, wine bottle, bottle of wine, perfume, potion',
    width: 40,
    height: 100,
    habitat: 'table',
    home: 'table',
    share: 0.52,
    draw: drawBottle,
  },
  {
    name: 'chair',
    words: 'chair, stool, bench',
    width: 64,
    height: 100,
    habitat: 'land',
    home: 'room',
    share: 0.5,
    draw: drawChair,
  },
  {
    name: 'guitar',
    words: 'guitar, violin, cello, ukulele',
    width: 44,
    height: 100,
    habitat: 'land',
    home: 'room',
    share: 0.52,
    draw: drawGuitar,
  },
  {
    name: 'heart',
    words: 'heart, love',
    width: 100,
    height: 92,
    habitat: 'air',
    home: 'abstract',
    share: 0.5,
    draw: drawHeart,
  },
];

function drawMug(brush: Brush): string {
  const colour = brush.own('#e0603f', '#3f86b0', '#f2ead8', '#5f9a7a', '#e8b03a');
  const glaze = brush.fade('across', brush.tone(colour, 0.22), brush.tone(colour, -0.24));
  const steam = brush.tone('#ffffff');
  return (
    line(
      'M-18 -76Q-26 -84 -18 -90Q-12 -95 -17 -100M0 -76Q-8 -85 0 -91Q6 -96 1 -102M16 -76' +
        'Q8 -84 15 -90Q21 -95 16 -100',
      steam,
      3,
      {
        opacity: 0.65,
      },
    ) +
    circle(30, -34, 15, 'none', { stroke: brush.tone(colour, -0.16), 'stroke-width': 8 }) +
    path('M-34 -64H30Q31 -26 26 -8Q24 0 14 0H-18Q-28 0 -30 -8Q-35 -26 -34 -64Z', glaze) +
    ellipse([-2, -64, 32, 7.4], brush.tone(colour, 0.3)) +
    ellipse([-2, -63.4, 27.6, 5.4], brush.tone('#4a2c1c')) +
    ellipse([-6, -64, 12, 2], brush.tone('#8a5a38')) +
    path('M-24 -52Q-25 -28 -20 -12', 'none', {
      stroke: '#ffffff',
      'stroke-width': 4,
      'stroke-linecap': 'round',
      opacity: 0.4,
    })
  );
}

function drawTeapot(brush: Brush): string {
  const colour = brush.own('#4f86b0', '#d8604a', '#f0e6d4', '#5f9a7a');
  const glaze = brush.fade('across', brush.tone(colour, 0.22), brush.tone(colour, -0.24));
  return (
    path('M24 -44Q38 -44 42 -62L50 -66Q48 -30 26 -16Z', brush.tone(colour, -0.16)) +
    line('M-30 -50Q-50 -52 -46 -32Q-42 -18 -26 -16', brush.tone(colour, -0.1), 6) +
    ellipse([-2, -31, 33, 31], glaze) +
    path('M-20 -3H16L19 0H-23Z', brush.tone(colour, -0.35)) +
    path('M-20 -58Q-2 -72 16 -58Q-2 -53 -20 -58Z', brush.tone(colour, 0.2)) +
    circle(-2, -70, 5, brush.tone(colour, 0.1)) +
    line('M-34 -32Q-2 -22 30 -32', brush.tone(colour, 0.5), 2.4) +
    ellipse([-17, -44, 5, 9], '#ffffff', { opacity: 0.4, transform: 'rotate(24 -17 -44)' })
  );
}

function drawUmbrella(brush: Brush): string {
  const colour = brush.own('#d8392f', '#2f6fd0', '#f2b632', '#8a4fb0');
  const other = brush.tone('#fbf3e2');
  const main = brush.tone(colour);
  return (
    line('M0 -90V-10Q0 -1 8 -1Q15 -1 15 -9', brush.tone('#6b4630'), 3.4) +
    path('M0 -95Q-42 -92 -50 -48Q-42 -56 -33 -50Q-24 -86 0 -95Z', main) +
    path('M0 -95Q-24 -86 -33 -50Q-22 -57 -11 -50Q-10 -84 0 -95Z', other) +
    path('M0 -95Q-10 -84 -11 -50Q0 -57 11 -50Q10 -84 0 -95Z', brush.tone(colour, -0.06)) +
    path('M0 -95Q24 -86 33 -50Q22 -57 11 -50Q10 -84 0 -95Z', brush.tone('#e6dccb')) +
    path('M0 -95Q42 -92 50 -48Q42 -56 33 -50Q24 -86 0 -95Z', brush.tone(colour, -0.18)) +
    line('M0 -95V-98', brush.tone('#6b4630'), 3)
  );
}

function drawBook(brush: Brush): string {
  const colour = brush.own('#a8342c', '#2f5f8f', '#3f7a5a', '#7a4fa0');
  const page = brush.tone('#fbf4e2');
  const ink = brush.tone('#b8ab98');
  return (
    path('M-50 -44L-48 -2L0 0L48 -2L50 -44L0 -36Z', brush.tone(colour, -0.1)) +
    path('M0 -42Q-22 -56 -47 -47L-45 -7Q-22 -14 0 -3Z', page) +
    path('M0 -42Q22 -56 47 -47L45 -7Q22 -14 0 -3Z', brush.tone('#fbf4e2', -0.1)) +
    line('M0 -42V-3', brush.tone('#c9b896'), 1.6) +
    line(
      'M-40 -40Q-24 -45 -7 -37M-40 -33Q-24 -38 -7 -30M-39 -26Q-24 -31 -7 -23M-39 -19' +
        'Q-24 -23 -7 -16' +
        'M40 -40Q24 -45 7 -37M40 -33Q24 -38 7 -30M39 -26Q24 -31 7 -23M39 -19Q24 -23 7 -16',
      ink,
      1.4,
    ) +
    path('M30 -49L36 -49.4V-22L33 -26L30 -22Z', brush.tone('#d8423f'))
  );
}

function drawClock(brush: Brush): string {
  const colour = brush.own('#c8423a', '#3f86b0', '#e0a83a');
  const body = brush.fade('across', brush.tone(colour, 0.2), brush.tone(colour, -0.2));
  let marks = '';
  for (let hour = 0; hour < 12; hour += 1) {
    const angle = (hour * Math.PI) / 6;
    const [x, y] = [Math.sin(angle), -Math.cos(angle)];
    marks += `M${round(x * 23)} ${round(-42 + y * 23)}L${round(x * 26)} ${round(-42 + y * 26)}`;
  }
  const turn = brush.random.whole(0, 11) * 30;
  return (
    line('M-22 -12L-32 0M22 -12L32 0M0 -84V-92', brush.tone('#5a4a42'), 5) +
    path('M-36 -76Q-36 -92 -14 -88ZM36 -76Q36 -92 14 -88Z', body) +
    circle(0, -92, 4, body) +
    circle(0, -42, 38, body) +
    circle(0, -42, 31, brush.tone('#fdf8ea')) +
    line(marks, brush.tone('#4a4048'), 2) +
    line('M0 -42V-60', brush.tone('#2c262e'), 3.4, { transform: `rotate(${turn} 0 -42)` }) +
    line('M0 -42V-65', brush.tone('#2c262e'), 2.4, {
      transform: `rotate(${turn * 2 + 60} 0 -42)`,
    }) +
    circle(0, -42, 3, brush.tone(colour))
  );
}

function drawBottle(brush: Brush): string {
  const colour = brush.own('#2f6a4a', '#5a2a3a', '#3f6f9a');
  const glass = brush.fade('across', brush.tone(colour, 0.35), brush.tone(colour, -0.25));
  return (
    path('M-6 -98H6V-70Q18 -62 18 -50V-4Q18 0 14 0H-14Q-18 0 -18 -4V-50Q-18 -62 -6 -70Z', glass) +
    box([-7.4, -99, 14.8, 7, 2], brush.tone('#a8342c')) +
    box([-18, -44, 36, 28], brush.tone('#f6ecd6')) +
    line('M-10 -36H10M-8 -30H8M-10 -24H10', brush.tone('#a8342c'), 1.8) +
    line('M-13 -54V-48M-13 -12V-6', '#ffffff', 2.4, { opacity: 0.5 })
  );
}

function drawChair(brush: Brush): string {
  const colour = brush.own('#b8733f', '#3f86a0', '#c8503f', '#e0b24a');
  const wood = brush.tone(colour);
  const dark = brush.tone(colour, -0.28);
  return (
    line('M-16 -42V-4M26 -42L29 -6', dark, 5) +
    line('M-24 -98L-22 -42L-26 0M16 -98L18 -42L20 0', wood, 6) +
    line('M-23 -88H16M-22.6 -74H17M-22 -60H17.4', wood, 6) +
    path('M-27 -46H22L32 -36H-20Z', brush.tone(colour, 0.16)) +
    path('M-20 -36H32V-31H-20Z', dark) +
    line('M-24 -18H20', dark, 3)
  );
}

function drawGuitar(brush: Brush): string {
  const colour = brush.own('#c9803a', '#a8502c', '#d8a04a');
  const wood = brush.fade('across', brush.tone(colour, 0.2), brush.tone(colour, -0.22));
  const dark = brush.tone('#3a261c');
  return (
    path(
      'M-10 -48Q-20 -46 -15 -36Q-12 -30 -19 -24Q-26 -2 0 0Q26 -2 19 -24Q12 -30 15 -36' +
        'Q20 -46 10 -48Q0 -52 -10 -48Z',
      wood,
    ) +
    circle(0, -28, 6.4, dark) +
    box([-2.6, -86, 5.2, 56], dark) +
    path('M-4.6 -100H4.6L3.4 -85H-3.4Z', brush.tone('#5a3826')) +
    box([-9, -12, 18, 3.4, 1], dark) +
    line('M-1.4 -86V-11M0 -86V-11M1.4 -86V-11', brush.tone('#f0e6d0'), 0.4) +
    circle(-5.6, -97, 1.3, brush.tone('#e8d9b0')) +
    circle(-5.2, -91, 1.3, brush.tone('#e8d9b0')) +
    circle(5.6, -97, 1.3, brush.tone('#e8d9b0')) +
    circle(5.2, -91, 1.3, brush.tone('#e8d9b0'))
  );
}

function drawHeart(brush: Brush): string {
  const colour = brush.own('#e0354a', '#e87fa0');
  const fill = brush.fade('across', brush.tone(colour, 0.16), brush.tone(colour, -0.2));
  return (
    path(
      'M0 0C-22 -18 -50 -38 -50 -64C-50 -86 -36 -92 -26 -92C-12 -92 -3 -83 0 -74' +
        'C3 -83 12 -92 26 -92C36 -92 50 -86 50 -64C50 -38 22 -18 0 0Z',
      fill,
    ) + ellipse([-27, -72, 7, 11], '#ffffff', { opacity: 0.4, transform: 'rotate(34 -27 -72)' })
  );
}

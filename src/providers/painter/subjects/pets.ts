import type { Hex } from '../colour.ts';
import { box, circle, ellipse, line, path } from '../svg.ts';
import type { Brush, Subject } from './subject.ts';

export const PETS: readonly Subject[] = [
  {
    name: 'cat',
    words: 'cat, kitten, kitty, tabby, tomcat',
    width: 70,
    height: 100,
    habitat: 'land',
    home: 'room',
    share: 0.5,
    draw: drawCat,
  },
  {
    name: 'dog',
    words: 'dog, puppy, corgi, hound, retriever, labrador, terrier, poodle, wolf',
    width: 70,
    height: 100,
    habitat: 'land',
    home: 'garden',
    share: 0.48,
    draw: drawDog,
  },
  {
    name: 'rabbit',
    words: 'rabbit, bunny, hare',
    width: 60,
    height: 100,
    habitat: 'land',
    home: 'field',
    share: 0.4,
    draw: drawRabbit,
  },
  {
    name: 'fox',
    words: 'fox, vixen, red panda',
    width: 92,
    height: 100,
    habitat: 'land',
    home: 'forest',
    share: 0.46,
    draw: drawFox,
  },
  {
    name: 'bear',
    words: 'bear, teddy bear, teddy, panda, polar bear',
    width: 78,
    height: 100,
    habitat: 'land',
    home: 'forest',
    share: 0.48,
    draw: drawBear,
  },
];

function eyes(brush: Brush, place: readonly [number, number, number], iris: Hex): string {
  const [apart, y, size] = place;
  return [-apart, apart]
    .map(
      (x) =>
        ellipse([x, y, size, size * 1.08], iris) +
        ellipse([x, y, size * 0.42, size * 0.92], '#17141c') +
        circle(x + size * 0.3, y - size * 0.4, size * 0.26, '#ffffff'),
    )
    .join('');
}

function drawCat(brush: Brush): string {
  const colour = brush.own('#d98a3d', '#6f6a72', '#3b3740', '#e9dcc8', '#b58a5e');
  const fur = brush.fade('across', brush.tone(colour, 0.12), brush.tone(colour, -0.14));
  const dark = brush.tone(colour, -0.34);
  const pale = brush.tone(colour, 0.55);
  const pink = brush.tone('#e89a94');
  const iris = brush.random.pick(['#7fc25a', '#e8c23a', '#63b8c8'] as const);
  return (
    line('M20 -8Q40 -4 33 -24Q29 -36 34 -42', brush.tone(colour, -0.08), 8) +
    line('M34 -42L33.6 -39', dark, 8) +
    path('M-24 0Q-30 -26 -15 -50H15Q30 -26 24 0Q12 3 0 2Q-12 3 -24 0Z', fur) +
    path('M-9 -46Q0 -40 9 -46Q13 -24 8 -10H-8Q-13 -24 -9 -46Z', pale) +
    line('M-22 -26L-14 -25M-23.6 -19L-16 -19M22 -26L14 -25M23.6 -19L16 -19', dark, 2.2) +
    path('M-11 -28V-3Q-11 2 -5 2H-1V-28ZM11 -28V-3Q11 2 5 2H1V-28Z', brush.tone(colour, 0.06)) +
    line('M-1 -24V1M1 -24V1', dark, 0.9) +
    ellipse([-6, -1, 7, 3.6], pale) +
    ellipse([6, -1, 7, 3.6], pale) +
    path('M-24 -72L-25 -99Q-14 -95 -7 -87ZM24 -72L25 -99Q14 -95 7 -87Z', fur) +
    path('M-20.6 -80L-22 -93Q-16 -91 -12 -86ZM20.6 -80L22 -93Q16 -91 12 -86Z', pink) +
    path('M-27 -66Q-27 -89 0 -89Q27 -89 27 -66Q25 -47 0 -46Q-25 -47 -27 -66Z', fur) +
    line('M0 -88V-79M-6 -87L-5 -80M6 -87L5 -80M-26 -64L-19 -63M26 -64L19 -63', dark, 2.2) +
    ellipse([-5, -54.6, 6.8, 5.6], pale) +
    ellipse([5, -54.6, 6.8, 5.6], pale) +
    eyes(brush, [11, -68, 5.6], iris) +
    path('M-3 -60H3L0 -56.6Z', pink) +
    line('M0 -56.6V-54Q-3 -51 -6 -53M0 -54Q3 -51 6 -53', dark, 1) +
    line('M-10 -56L-32 -60M-10 -54L-31 -52M10 -56L32 -60M10 -54L31 -52', brush.tone('#fbf6ee'), 0.7)
  );
}

function drawDog(brush: Brush): string {
  const colour = brush.own('#c98d4f', '#8a5a38', '#e3c79a', '#4a4048');
  const fur = brush.fade('across', brush.tone(colour, 0.1), brush.tone(colour, -0.14));
  const dark = brush.tone(colour, -0.4);
  const pale = brush.tone('#fbf2e2');
  const collar = brush.random.pick(['#d8423f', '#2f6fd0', '#2f9a6a'] as const);
  return (
    line('M22 -10Q38 -16 33 -34', brush.tone(colour, -0.06), 7) +
    path('M-23 0Q-29 -26 -15 -48H15Q29 -26 23 0Q10 3 0 2Q-10 3 -23 0Z', fur) +
    path('M-9 -46H9Q13 -24 7 -8H-7Q-13 -24 -9 -46Z', pale) +
    path('M-12 -28V-3Q-12 2 -6 2H-2V-28ZM12 -28V-3Q12 2 6 2H2V-28Z', brush.tone(colour, 0.06)) +
    line('M-2 -22V1M2 -22V1', dark, 0.9) +
    ellipse([-7, -1, 7, 3.8], pale) +
    ellipse([7, -1, 7, 3.8], pale) +
    path('M-22 -72Q-22 -94 0 -95Q22 -94 22 -72Q23 -54 11 -47H-11Q-23 -54 -22 -72Z', fur) +
    path('M-19 -86Q-35 -88 -33 -66Q-32 -52 -26 -52Q-20 -54 -18 -72Z', brush.tone(colour, -0.28)) +
    path('M19 -86Q35 -88 33 -66Q32 -52 26 -52Q20 -54 18 -72Z', brush.tone(colour, -0.28)) +
    path('M-4 -92H4L6 -66H-6Z', pale) +
    path('M-13 -60Q-13 -68 0 -68Q13 -68 13 -60Q14 -46 0 -45Q-14 -46 -13 -60Z', pale) +
    ellipse([0, -64, 5.4, 3.8], '#26212a') +
    ellipse([-1.4, -65.4, 1.6, 0.9], '#8a8590') +
    path('M-4 -54H4V-46Q0 -40 -4 -46Z', brush.tone('#ee7f86')) +
    line('M0 -60V-55Q-4 -51 -9 -54M0 -55Q4 -51 9 -54', '#3a2c30', 1.2) +
    circle(-10, -75, 3.4, '#231c22') +
    circle(10, -75, 3.4, '#231c22') +
    circle(-9, -76.2, 1.1, '#ffffff') +
    circle(11, -76.2, 1.1, '#ffffff') +
    box([-14, -46, 28, 5.4, 2.7], brush.tone(collar)) +
    circle(0, -39, 3.4, brush.tone('#f0c040'))
  );
}

function drawRabbit(brush: Brush): string {
  const colour = brush.own('#f2ece4', '#a8998c', '#c9a27c', '#8d8790');
  const fur = brush.fade('across', brush.tone(colour, 0.1), brush.tone(colour, -0.14));
  const pink = brush.tone('#f0a8a8');
  const pale = brush.tone('#fffaf2');
  return (
    circle(22, -9, 7.5, pale) +
    path('M-21 0Q-27 -22 -13 -38H13Q27 -22 21 0Q10 2 0 2Q-10 2 -21 0Z', fur) +
    ellipse([0, -17, 11, 15], pale) +
    ellipse([-12, -1, 11, 4.6], brush.tone(colour, 0.2)) +
    ellipse([12, -1, 11, 4.6], brush.tone(colour, 0.2)) +
    ellipse([-10, -78, 6.6, 21], fur, { transform: 'rotate(-9 -10 -78)' }) +
    ellipse([10, -78, 6.6, 21], fur, { transform: 'rotate(9 10 -78)' }) +
    ellipse([-10, -77, 3.2, 16], pink, { transform: 'rotate(-9 -10 -77)' }) +
    ellipse([10, -77, 3.2, 16], pink, { transform: 'rotate(9 10 -77)' }) +
    ellipse([0, -49, 20, 17], fur) +
    ellipse([-5, -42, 6.5, 5], pale) +
    ellipse([5, -42, 6.5, 5], pale) +
    circle(-9, -52, 3.6, '#231c22') +
    circle(9, -52, 3.6, '#231c22') +
    circle(-8, -53.4, 1.2, '#ffffff') +
    circle(10, -53.4, 1.2, '#ffffff') +
    path('M-2.6 -47H2.6L0 -44Z', pink) +
    line(
      'M0 -44V-41M-12 -42L-26 -45M-12 -40L-25 -38M12 -42L26 -45M12 -40L25 -38',
      brush.tone('#6a5f62'),
      0.7,
    ) +
    box([-2.4, -40, 4.8, 4, 1], '#ffffff')
  );
}

function drawFox(brush: Brush): string {
  const colour = brush.own('#dd6f2a', '#d9612a', '#c98a4a');
  const fur = brush.fade('across', brush.tone(colour, 0.12), brush.tone(colour, -0.12));
  const pale = brush.tone('#fff4e4');
  const dark = brush.tone('#3a2a2c');
  return (
    path('M14 -6Q52 0 46 -32Q42 -48 34 -52Q38 -30 16 -22Z', brush.tone(colour, -0.06)) +
    path('M46 -32Q42 -48 34 -52Q36 -42 34.4 -36Q40 -36 46 -32Z', pale) +
    path('M-20 0Q-26 -24 -13 -46H13Q26 -24 20 0Q10 2 0 2Q-10 2 -20 0Z', fur) +
    path('M-9 -46H9Q12 -26 0 -14Q-12 -26 -9 -46Z', pale) +
    path('M-11 -26V-2Q-11 2 -6 2H-2V-24ZM11 -26V-2Q11 2 6 2H2V-24Z', brush.tone(colour, 0.05)) +
    path('M-11 -10V-2Q-11 2 -6 2H-2V-10ZM11 -10V-2Q11 2 6 2H2V-10Z', dark) +
    path('M-26 -70L-24 -99Q-12 -92 -6 -84ZM26 -70L24 -99Q12 -92 6 -84Z', fur) +
    path('M-21.4 -78L-21.4 -92Q-15 -88 -11.4 -84ZM21.4 -78L21.4 -92Q15 -88 11.4 -84Z', dark) +
    path('M-30 -62Q-24 -88 0 -88Q24 -88 30 -62Q16 -56 0 -42Q-16 -56 -30 -62Z', fur) +
    path(
      'M-30 -62Q-20 -66 -12 -64Q-4 -62 0 -54Q4 -62 12 -64Q20 -66 30 -62Q16 -56 0 -42' +
        'Q-16 -56 -30 -62Z',
      pale,
    ) +
    ellipse([0, -45.6, 4, 3.2], '#201a20') +
    path('M-14 -70Q-10 -74 -6 -69Q-10 -67 -14 -70ZM14 -70Q10 -74 6 -69Q10 -67 14 -70Z', '#201a20') +
    circle(-9.4, -70.6, 0.9, '#ffffff') +
    circle(10.2, -70.6, 0.9, '#ffffff')
  );
}

function drawBear(brush: Brush): string {
  const colour = brush.own('#8a5a38', '#6f4a34', '#a8744a');
  const fur = brush.fade('across', brush.tone(colour, 0.12), brush.tone(colour, -0.16));
  const pale = brush.tone(colour, 0.5);
  return (
    circle(-22, -88, 10, fur) +
    circle(22, -88, 10, fur) +
    circle(-22, -88, 5.4, pale) +
    circle(22, -88, 5.4, pale) +
    ellipse([-30, -34, 9, 17], fur, { transform: 'rotate(22 -30 -34)' }) +
    ellipse([30, -34, 9, 17], fur, { transform: 'rotate(-22 30 -34)' }) +
    ellipse([0, -26, 29, 27], fur) +
    ellipse([0, -24, 17, 18], pale) +
    ellipse([-19, -6, 12, 8], fur) +
    ellipse([19, -6, 12, 8], fur) +
    ellipse([-19, -5, 6, 4.4], pale) +
    ellipse([19, -5, 6, 4.4], pale) +
    ellipse([0, -71, 31, 26], fur) +
    ellipse([0, -62, 13.5, 10.5], pale) +
    ellipse([0, -67, 5.4, 4], '#231c22') +
    line('M0 -63V-59Q-4 -55 -8 -58M0 -59Q4 -55 8 -58', '#3a2c30', 1.2) +
    circle(-13, -76, 3.4, '#231c22') +
    circle(13, -76, 3.4, '#231c22') +
    circle(-12, -77.2, 1.1, '#ffffff') +
    circle(14, -77.2, 1.1, '#ffffff')
  );
}

import { box, circle, ellipse, line, path } from '../svg.ts';
import type { Brush, Subject } from './subject.ts';

export const PEOPLE: readonly Subject[] = [
  {
    name: 'person',
    words:
      'person, man, woman, girl, boy, child, kid, lady, guy, hiker, traveler, traveller, farmer, ' +
      'fisherman, wanderer, dancer, monk, painter, artist, wizard, knight, princess',
    width: 40,
    height: 100,
    habitat: 'land',
    home: 'hills',
    share: 0.5,
    draw: drawPerson,
  },
  {
    name: 'astronaut',
    words: 'astronaut, cosmonaut, spaceman',
    width: 62,
    height: 100,
    habitat: 'land',
    home: 'space',
    share: 0.52,
    draw: drawAstronaut,
  },
  {
    name: 'snowman',
    words: 'snowman, snow man',
    width: 72,
    height: 100,
    habitat: 'land',
    home: 'mountains',
    share: 0.5,
    draw: drawSnowman,
  },
  {
    name: 'robot',
    words: 'robot, android, droid, cyborg, mech, automaton',
    width: 80,
    height: 100,
    habitat: 'land',
    home: 'city',
    share: 0.54,
    draw: drawRobot,
  },
];

function drawPerson(brush: Brush): string {
  const { random } = brush;
  const shirt = brush.own('#d8493a', '#2f6fb0', '#e0a52f', '#3f8a6a', '#8a4fa0');
  const skin = brush.tone(random.pick(['#f2c9a4', '#d8a07a', '#a8714a', '#7a4c32'] as const));
  const hair = brush.tone(random.pick(['#2c2226', '#5a3826', '#c98d3f', '#8a3a26'] as const));
  const trousers = brush.tone(random.pick(['#34466b', '#4a4048', '#6b5a48'] as const));
  const long = random.chance(0.5);
  return (
    line('M-4.6 -40L-6 -4M4.6 -40L6 -4', trousers, 7.4) +
    path('M-12 -3Q-10 -6 -3 -5V0H-12ZM3 -5Q10 -6 13 -3V0H3Z', brush.tone('#4a3028')) +
    (long ? path('M-10 -82Q-13 -66 -9 -60H9Q13 -66 10 -82Z', hair) : '') +
    line('M-9 -66L-15 -50L-12 -40', brush.tone(shirt, -0.12), 5) +
    line('M9 -66L16 -51L14 -40', brush.tone(shirt, -0.2), 5) +
    circle(-12, -38, 2.8, skin) +
    circle(14, -38, 2.8, skin) +
    path('M-10 -70Q0 -75 10 -70Q11 -54 10 -36H-10Q-11 -54 -10 -70Z', brush.tone(shirt)) +
    path('M2 -72Q8 -72 10 -70Q11 -54 10 -36H4Q7 -54 2 -72Z', brush.tone(shirt, -0.16)) +
    box([-2.6, -76, 5.2, 6], skin) +
    ellipse([0, -84, 9, 10.4], skin) +
    path('M-9.6 -83Q-12 -97 0 -97Q12 -97 9.6 -83Q8 -90 3 -91Q-4 -88 -8 -90Z', hair) +
    circle(-3.4, -83.6, 1.2, '#241c20') +
    circle(3.4, -83.6, 1.2, '#241c20') +
    line('M-2.6 -78.6Q0 -76.6 2.6 -78.6', '#8a4038', 0.9)
  );
}

function drawAstronaut(brush: Brush): string {
  const colour = brush.own('#f4f2ee');
  const suit = brush.fade('across', brush.tone(colour), brush.tone(colour, -0.22));
  const seam = brush.tone('#9aa2b4');
  return (
    box([-19, -66, 38, 36, 7], brush.tone('#a8b0c0')) +
    line('M-15 -58L-27 -44L-23 -32', brush.tone(colour, -0.08), 12) +
    line('M15 -58L28 -50L30 -66', brush.tone(colour, -0.14), 12) +
    circle(-23, -31, 5.6, brush.tone('#e0803a')) +
    circle(30, -69, 5.6, brush.tone('#e0803a')) +
    line('M-8 -28L-10 -8M8 -28L11 -8', brush.tone(colour, -0.1), 14) +
    path('M-18 -7H-2V0H-20ZM3 -7H19L21 0H3Z', brush.tone('#7a8296')) +
    box([-17, -66, 34, 42, 11], suit) +
    box([-9, -52, 18, 12, 2], brush.tone('#cfd6e2')) +
    circle(-4, -46, 2, '#e0453a') +
    circle(2.4, -46, 2, '#3f9ad8') +
    line('M-17 -33H17', seam, 1.6) +
    circle(0, -80, 19, suit) +
    ellipse([0, -79, 14.6, 12.4], brush.tone('#2a3458')) +
    ellipse([0, -79, 13, 11], brush.fade('across', '#f6b84a', '#6a3f9a')) +
    path('M-9 -82Q-7 -88 0 -88.4Q-5 -85 -6 -79Z', '#ffffff', { opacity: 0.8 }) +
    box([9, -63, 6, 4], '#d8423f')
  );
}

function drawSnowman(brush: Brush): string {
  const scarf = brush.own('#d8423f', '#2f6fd0', '#2f9a5a');
  const snow = brush.fade('across', brush.tone('#ffffff'), brush.tone('#c8d6ec'));
  const coal = '#2a262e';
  return (
    circle(0, -22, 24, snow) +
    circle(0, -54, 17, snow) +
    line('M-15 -56L-34 -68M-27 -64L-33 -60M15 -56L34 -70M28 -66L35 -62', brush.tone('#6b4630'), 2) +
    circle(0, -78, 13, snow) +
    circle(0, -52, 1.7, coal) +
    circle(0, -44, 1.7, coal) +
    circle(0, -30, 1.7, coal) +
    path('M-13 -70Q0 -63 13 -70L14 -65Q0 -58 -14 -65Z', brush.tone(scarf)) +
    path('M6 -64L14 -65L17 -46L9 -45Z', brush.tone(scarf, -0.15)) +
    circle(-4.6, -81, 1.8, coal) +
    circle(4.6, -81, 1.8, coal) +
    path('M0 -79L14 -75L0 -75Z', '#f08a2a') +
    line('M-5 -73Q0 -70 5 -73', coal, 1.2) +
    box([-15, -91, 30, 3.4, 1.5], coal) +
    box([-9.6, -106, 19.2, 16, 1], coal) +
    box([-9.6, -95, 19.2, 4], brush.tone(scarf))
  );
}

function drawRobot(brush: Brush): string {
  const colour = brush.own('#8fa6b8', '#e0a03a', '#5fa8a0', '#d8604a', '#9a8fc4');
  const metal = brush.fade('across', brush.tone(colour, 0.22), brush.tone(colour, -0.2));
  const dark = brush.tone('#3a4252');
  const glow = brush.shine('#6fe8f4');
  return (
    line('M-21 -56Q-36 -52 -33 -34M21 -56Q36 -56 35 -72', dark, 6) +
    path('M-39 -34Q-40 -24 -35 -23L-34 -29H-31L-30 -23Q-26 -26 -28 -34Z', metal) +
    path('M29 -72Q28 -82 33 -83L34 -77H37L38 -83Q43 -80 41 -72Z', metal) +
    box([-15, -22, 10, 18], dark) +
    box([5, -22, 10, 18], dark) +
    box([-20, -8, 18, 8, 3], metal) +
    box([2, -8, 18, 8, 3], metal) +
    box([-22, -60, 44, 42, 6], metal) +
    box([-14, -53, 28, 18, 3], dark) +
    circle(-7, -44, 3.4, '#f4604a') +
    line('M0 -47H10M0 -43H8M0 -39H10', glow, 1.6) +
    circle(-10, -27, 2.2, brush.tone('#f6c445')) +
    circle(0, -27, 2.2, brush.tone('#4fc46a')) +
    circle(10, -27, 2.2, brush.tone('#e0453a')) +
    box([-6, -65, 12, 6], dark) +
    line('M0 -90V-97', dark, 2) +
    circle(0, -97, 3, '#f4604a') +
    circle(0, -97, 10, brush.halo('#f4604a', 0.5), { class: 'glow' }) +
    box([-24, -91, 48, 28, 8], metal) +
    box([-29, -83, 6, 12, 2], dark) +
    box([23, -83, 6, 12, 2], dark) +
    box([-19, -86, 38, 18, 6], dark) +
    circle(-9, -77, 9, brush.halo('#6fe8f4', 0.6), { class: 'glow' }) +
    circle(9, -77, 9, brush.halo('#6fe8f4', 0.6), { class: 'glow' }) +
    circle(-9, -77, 5, glow) +
    circle(9, -77, 5, glow) +
    circle(-7.6, -78.6, 1.5, '#ffffff') +
    circle(10.4, -78.6, 1.5, '#ffffff') +
    line('M-6 -65.4H6', brush.tone('#dfe8f0'), 1)
  );
}

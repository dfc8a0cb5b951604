import { box, circle, ellipse, line, path, round } from '../svg.ts';
import type { Brush, Subject } from './subject.ts';

export const VEHICLES: readonly Subject[] = [
  {
    name: 'car',
    words: 'car, automobile, taxi, cab, vintage car, sports car, beetle, convertible',
    width: 100,
    height: 50,
    habitat: 'land',
    home: 'hills',
    share: 0.54,
    draw: drawCar,
  },
  {
    name: 'van',
    words: 'van, campervan, camper, bus, truck, lorry, tram, ice cream truck',
    width: 100,
    height: 60,
    habitat: 'land',
    home: 'hills',
    share: 0.54,
    draw: drawVan,
  },
  {
    name: 'bicycle',
    words: 'bicycle, bike, cycle, motorcycle, motorbike, scooter, vespa',
    width: 100,
    height: 66,
    habitat: 'land',
    home: 'garden',
    share: 0.54,
    draw: drawBicycle,
  },
  {
    name: 'train',
    words: 'train, locomotive, steam train, steam engine, railway',
    width: 100,
    height: 48,
    habitat: 'land',
    home: 'hills',
    share: 0.76,
    draw: drawTrain,
  },
];

function wheel(brush: Brush, x: number, radius: number): string {
  return (
    circle(x, -radius, radius, '#22212a') +
    circle(x, -radius, radius * 0.58, brush.tone('#c4c9d2')) +
    circle(x, -radius, radius * 0.24, brush.tone('#6a707c'))
  );
}

function lamps(brush: Brush, x: number, y: number): string {
  const beam = brush.lampsBurn
    ? circle(x, y, 20, brush.halo('#fff0a8', 0.9), { class: 'glow' })
    : '';
  return beam + ellipse([x, y, 2.6, 3.4], brush.lampsBurn ? '#fff6cc' : brush.tone('#fdf4d0'));
}

function drawCar(brush: Brush): string {
  const colour = brush.own('#d8392f', '#2f7fc4', '#f2b632', '#3fa08a', '#e87f4a');
  const paint = brush.fade('down', brush.tone(colour, 0.16), brush.tone(colour, -0.16));
  const glass = brush.lampsBurn ? '#ffe9ae' : brush.tone('#a8d0e2');
  return (
    path('M-28 -28Q-22 -48 -8 -49H8Q22 -48 32 -28Z', paint) +
    path('M-22 -28Q-18 -43 -8 -44.4H-2V-28Z', glass) +
    path('M2 -44.4H8Q18 -43 25 -28H2Z', glass) +
    path('M-48 -10Q-52 -26 -40 -28Q-20 -31 0 -30H30Q46 -27 49 -18Q51 -10 46 -9H-44Z', paint) +
    line('M0 -29V-11M4 -24H9', brush.tone(colour, -0.35), 1.3) +
    line('M-46 -18H47', brush.tone(colour, 0.35), 1.2) +
    circle(-28, -10, 11.4, brush.tone(colour, -0.5)) +
    circle(28, -10, 11.4, brush.tone(colour, -0.5)) +
    wheel(brush, -28, 9.6) +
    wheel(brush, 28, 9.6) +
    box([-50, -13, 8, 3.4, 1.6], brush.tone('#dfe3e8')) +
    box([43, -13, 8, 3.4, 1.6], brush.tone('#dfe3e8')) +
    ellipse([-47, -20, 1.8, 3], '#f4604a') +
    lamps(brush, 46.6, -20)
  );
}

function drawVan(brush: Brush): string {
  const colour = brush.own('#3f9ac4', '#e8743a', '#5fa86a', '#e8b83a');
  const paint = brush.fade('down', brush.tone(colour, 0.12), brush.tone(colour, -0.18));
  const glass = brush.lampsBurn ? '#ffe9ae' : brush.tone('#b8dcea');
  const cream = brush.tone('#fbf3e0');
  return (
    path('M-48 -30Q-48 -58 -38 -59H28Q40 -58 48 -32V-28H-48Z', cream) +
    box([-42, -51, 17, 15, 3], glass) +
    box([-21, -51, 17, 15, 3], glass) +
    box([0, -51, 17, 15, 3], glass) +
    path('M21 -51H29Q36 -49 40 -36H21Z', glass) +
    path('M-49 -10V-31H48Q51 -22 49 -10Z', paint) +
    line('M-49 -31H48', brush.tone(colour, 0.5), 1.6) +
    line('M19 -50V-11M-2 -33V-11', brush.tone(colour, -0.35), 1) +
    wheel(brush, -27, 10) +
    wheel(brush, 27, 10) +
    box([-51, -12, 9, 3.4, 1.6], brush.tone('#dfe3e8')) +
    box([43, -12, 8, 3.4, 1.6], brush.tone('#dfe3e8')) +
    lamps(brush, 47, -21)
  );
}

function drawBicycle(brush: Brush): string {
  const colour = brush.own('#d8493a', '#2f8fb0', '#3f9a6a', '#e0a02e');
  const tyre = brush.tone('#2b2a33');
  const chrome = brush.tone('#c8ced8');
  const spokes = (x: number): string => {
    let drawn = '';
    for (let index = 0; index < 8; index += 1) {
      const angle = (index * Math.PI) / 8;
      const [across, up] = [Math.cos(angle) * 19, Math.sin(angle) * 19];
      drawn += `M${round(x - across)} ${round(-21 - up)}L${round(x + across)} ${round(-21 + up)}`;
    }
    return line(drawn, chrome, 0.6);
  };
  const ring = (x: number): string =>
    circle(x, -21, 19.4, 'none', { stroke: tyre, 'stroke-width': 3.2 }) +
    spokes(x) +
    circle(x, -21, 2.2, chrome);
  const frame = brush.tone(colour);
  return (
    ring(-28) +
    ring(28) +
    line('M-28 -21L-2 -20L20 -48L-13 -47L-28 -21M-16 -54L-2 -20M18 -56L28 -21', frame, 3.4) +
    line('M18 -56L16 -62H8M16 -62Q26 -63 25 -58', tyre, 2.4) +
    path('M-26 -57Q-16 -61 -7 -57Q-12 -53 -26 -54Z', tyre) +
    circle(-2, -20, 5.4, chrome) +
    circle(-2, -20, 2.4, tyre) +
    line('M-2 -20L4 -12M1 -11H8M-28 -18L-2 -15', tyre, 1.4) +
    path('M20 -56H38L36 -44H22Z', brush.tone('#b8864a')) +
    line('M21 -52H37M22 -48H36', brush.tone('#8a5f30'), 0.9) +
    circle(24, -58, 3.4, brush.tone('#f08fb4')) +
    circle(30, -59, 3.6, brush.tone('#f6c12e')) +
    circle(35, -57, 3, brush.tone('#ffffff'))
  );
}

function drawTrain(brush: Brush): string {
  const colour = brush.own('#b8342f', '#2f5f8f', '#2f6f52', '#3a3f4a');
  const paint = brush.fade('down', brush.tone(colour, 0.16), brush.tone(colour, -0.2));
  const dark = brush.tone('#2a2830');
  const gold = brush.tone('#e0b24a');
  const glass = brush.lampsBurn ? '#ffe29a' : brush.tone('#b8d8e6');
  const smoke = brush.tone('#eef0f2');
  const wheels = [-44, -33, -21, -10]
    .map((x) => circle(x, -4, 3.6, dark) + circle(x, -4, 1.5, brush.tone('#a8aeb8')))
    .join('');
  const carriage = (x: number): string =>
    box([x, -29, 23, 22, 2], paint) +
    box([x + 2.6, -25, 7.6, 8, 1], glass) +
    box([x + 12.8, -25, 7.6, 8, 1], glass) +
    box([x - 0.6, -31, 24.2, 3.4, 1.6], dark);
  return (
    circle(30, -45, 4.4, smoke, { opacity: 0.85, class: 'glow' }) +
    circle(23, -50, 6, smoke, { opacity: 0.7, class: 'glow' }) +
    circle(13, -55, 7.6, smoke, { opacity: 0.55, class: 'glow' }) +
    circle(0, -59, 9, smoke, { opacity: 0.4, class: 'glow' }) +
    line('M-50 -0.4H50', brush.tone('#6a5a50'), 1.6) +
    carriage(-49) +
    carriage(-24.4) +
    box([1.6, -34, 16, 27, 2], paint) +
    box([4, -30, 11, 10, 1.4], glass) +
    box([-0.4, -37, 20, 4, 2], dark) +
    box([16, -25, 29, 16, 6], paint) +
    line('M24 -25V-9M34 -25V-9', gold, 1.4) +
    path('M35 -25L33.4 -37H42.6L41 -25Z', dark) +
    box([32, -39, 12, 3, 1], gold) +
    path('M24 -25Q24 -31 27 -31Q30 -31 30 -25Z', gold) +
    box([0, -9, 47, 4], dark) +
    path('M45 -8L50 -1H42Z', dark) +
    lamps(brush, 45.6, -18) +
    wheels +
    circle(8, -5.4, 5.2, dark) +
    circle(8, -5.4, 2.2, gold) +
    circle(21, -5.4, 5.2, dark) +
    circle(21, -5.4, 2.2, gold) +
    circle(34, -4.4, 4.2, dark) +
    circle(34, -4.4, 1.6, gold) +
    line('M8 -5.4H34', brush.tone('#c8ced8'), 1.4)
  );
}

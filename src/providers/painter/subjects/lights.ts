import { box, circle, ellipse, line, path } from '../svg.ts';
import type { Brush, Subject } from './subject.ts';

export const LIGHTS: readonly Subject[] = [
  {
    name: 'lantern',
    words: 'lantern, oil lamp, candle lantern, paper lantern',
    width: 56,
    height: 100,
    habitat: 'table',
    home: 'table',
    share: 0.5,
    draw: drawLantern,
  },
  {
    name: 'lamp',
    words: 'lamp, desk lamp, table lamp, light bulb, bulb',
    width: 66,
    height: 100,
    habitat: 'table',
    home: 'table',
    share: 0.52,
    draw: drawLamp,
  },
  {
    name: 'candle',
    words: 'candle, candlelight',
    width: 40,
    height: 100,
    habitat: 'table',
    home: 'table',
    share: 0.46,
    draw: drawCandle,
  },
  {
    name: 'street lamp',
    words: 'street lamp, streetlamp, lamppost, lamp post, streetlight, street light',
    width: 26,
    height: 100,
    habitat: 'land',
    home: 'street',
    share: 0.6,
    draw: drawStreetLamp,
  },
];

function drawLantern(brush: Brush): string {
  const colour = brush.own('#2f3440', '#7a4a2c', '#a8342c');
  const metal = brush.tone(colour);
  const edge = brush.tone(colour, 0.3);
  return (
    circle(0, -38, 70, brush.halo('#ffc65a', brush.lampsBurn ? 0.85 : 0.45), { class: 'glow' }) +
    circle(0, -88, 9, 'none', { stroke: metal, 'stroke-width': 3 }) +
    path('M-22 -62L-8 -80H8L22 -62Z', metal) +
    box([-20, -62, 40, 52], '#ffe4a0') +
    circle(0, -32, 19, brush.halo('#ffffff', 0.9), { class: 'glow' }) +
    path('M0 -50Q11 -34 0 -26Q-11 -34 0 -50Z', '#ff9a2e') +
    path('M0 -42Q5 -33 0 -28Q-5 -33 0 -42Z', '#fff3b8') +
    box([-5, -27, 10, 15], brush.tone('#fbf4e4')) +
    line('M-20 -62V-10M20 -62V-10M-20 -36H20M-7 -62V-10M7 -62V-10', metal, 2.6) +
    path('M-26 0L-22 -11H22L26 0Z', metal) +
    line('M-22 -62H22M-22 -11H22', edge, 2)
  );
}

function drawLamp(brush: Brush): string {
  const colour = brush.own('#e0a03a', '#c8604a', '#5f9aa0', '#f0dcb8');
  return (
    ellipse([0, -52, 70, 56], brush.halo('#ffdf9a', 0.75), { class: 'glow' }) +
    path('M-20 -2Q0 -12 20 -2Q0 4 -20 -2Z', brush.tone('#6b4a34')) +
    path(
      'M-4 -50Q-12 -30 -5 -22Q-13 -12 -5 -4H5Q13 -12 5 -22Q12 -30 4 -50Z',
      brush.fade('across', brush.tone('#a8744a'), brush.tone('#6b4630')),
    ) +
    path(
      'M-16 -99H16L32 -50Q0 -42 -32 -50Z',
      brush.fade('down', brush.tone(colour, 0.15), '#ffe9b0'),
    ) +
    line('M-16 -98H16M-32 -50Q0 -42 32 -50', brush.tone(colour, -0.25), 2)
  );
}

function drawCandle(brush: Brush): string {
  const colour = brush.own('#f7efdd', '#d8493a', '#f2e2c0');
  return (
    circle(0, -82, 52, brush.halo('#ffc65a', 0.8), { class: 'glow' }) +
    ellipse([0, -3, 20, 5], brush.tone('#b8863a')) +
    path(
      'M-12 -4V-62Q-6 -58 0 -62Q6 -66 12 -62V-4Q0 1 -12 -4Z',
      brush.fade('across', brush.tone(colour, 0.2), brush.tone(colour, -0.2)),
    ) +
    path('M-12 -62Q-10 -44 -7 -50Q-5 -58 -2 -61Z', brush.tone(colour, 0.3)) +
    line('M0 -62V-70', '#3a2c28', 1.8) +
    path('M0 -98Q11 -78 0 -68Q-11 -78 0 -98Z', '#ff9a2e') +
    path('M0 -88Q5 -77 0 -70Q-5 -77 0 -88Z', '#fff3b8')
  );
}

function drawStreetLamp(brush: Brush): string {
  const iron = brush.tone(brush.own('#2c3038'));
  const lit = brush.lampsBurn;
  return (
    (lit ? circle(0, -87, 26, brush.halo('#ffdc8a', 0.9), { class: 'glow' }) : '') +
    path('M-5 0L-3.4 -8H3.4L5 0Z', iron) +
    line('M0 -4V-78', iron, 2.4) +
    line('M-6 -72H6', iron, 1.6) +
    path('M-4 -79L-6.4 -92H6.4L4 -79Z', lit ? '#fff0b8' : brush.tone('#dfe8ee')) +
    line('M-4 -79L-6.4 -92M4 -79L6.4 -92M0 -79V-92', iron, 0.9) +
    path('M-8 -92L0 -99L8 -92Z', iron)
  );
}

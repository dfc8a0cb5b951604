import { box, circle, line, path } from '../svg.ts';
import type { Brush, Subject } from './subject.ts';

/** Buildings with towers. */
export const CASTLES: readonly Subject[] = [
  {
    name: 'castle',
    words: 'castle, palace, fortress, citadel, fort',
    width: 100,
    height: 96,
    habitat: 'land',
    home: 'hills',
    share: 0.58,
    draw: drawCastle,
  },
  {
    name: 'tower',
    words: 'tower, turret, campanile, bell tower, watchtower, clock tower',
    width: 36,
    height: 100,
    habitat: 'land',
    home: 'hills',
    share: 0.62,
    draw: drawTower,
  },
  {
    name: 'eiffel tower',
    words: 'eiffel tower, eiffel',
    width: 54,
    height: 100,
    habitat: 'land',
    home: 'garden',
    share: 0.72,
    draw: drawEiffelTower,
  },
  {
    name: 'pagoda',
    words: 'pagoda, temple, shrine, torii, japanese temple',
    width: 78,
    height: 100,
    habitat: 'land',
    home: 'mountains',
    share: 0.58,
    draw: drawPagoda,
  },
  {
    name: 'pyramid',
    words: 'pyramid, sphinx',
    width: 100,
    height: 62,
    habitat: 'land',
    home: 'desert',
    share: 0.6,
    draw: drawPyramid,
  },
];

function crenels(x: number, y: number, wide: number): string {
  const step = wide / 7;
  let shape = `M${x} ${y}`;
  for (let index = 0; index < 7; index += 1) {
    shape += index % 2 === 0 ? `v-5h${step}v5` : `h${step}`;
  }
  return `${shape}Z`;
}

function drawCastle(brush: Brush): string {
  const colour = brush.own('#c9c0b4', '#b8b0b8', '#d8c4a4');
  const roofColour = brush.random.pick(['#3f5f8f', '#8f3f44', '#5a4a7a']);
  const stone = brush.fade('across', brush.tone(colour, 0.12), brush.tone(colour, -0.18));
  const roof = brush.fade('across', brush.tone(roofColour, 0.15), brush.tone(roofColour, -0.2));
  const pane = brush.lampsBurn ? '#ffd873' : brush.tone('#3f4358');
  const slit = (x: number, y: number): string =>
    path(`M${x - 1.8} ${y}V${y - 6}Q${x} ${y - 9} ${x + 1.8} ${y - 6}V${y}Z`, pane);
  const spire = (x: number, top: number, wide: number): string =>
    box([x - wide / 2, top, wide, -top], stone) +
    path(
      `M${x - wide / 2 - 2.4} ${top + 1}L${x} ${top - 24}L${x + wide / 2 + 2.4} ${top + 1}Z`,
      roof,
    ) +
    line(`M${x} ${top - 24}V${top - 31}`, brush.tone('#4a3a34'), 0.9) +
    path(`M${x} ${top - 31}L${x + 8} ${top - 28.6}L${x} ${top - 26}Z`, brush.tone('#d8423f'));
  return (
    spire(-12, -58, 15) +
    spire(15, -65, 17) +
    box([-34, -38, 68, 38], stone) +
    path(crenels(-34, -38, 68), brush.tone(colour, 0.05)) +
    spire(-38, -48, 19) +
    spire(39, -44, 19) +
    path('M-9 0V-15Q0 -27 9 -15V0Z', brush.tone('#4a3328')) +
    line('M-9 -15Q0 -27 9 -15M-4.5 0V-18M0 0V-21M4.5 0V-18', brush.tone(colour, -0.4), 1) +
    slit(-38, -28) +
    slit(39, -26) +
    slit(-20, -20) +
    slit(20, -20) +
    slit(-12, -45) +
    slit(15, -50) +
    slit(-38, -10) +
    slit(39, -9)
  );
}

function drawTower(brush: Brush): string {
  const colour = brush.own('#c9a58a', '#bfae98', '#b8704f');
  const stone = brush.fade('across', brush.tone(colour, 0.12), brush.tone(colour, -0.22));
  const pane = brush.lampsBurn ? '#ffd873' : brush.tone('#3f4358');
  const face = brush.lampsBurn ? '#fff0c4' : brush.tone('#fbf4e4');
  return (
    box([-12, -72, 24, 72], stone) +
    box([-15, -76, 30, 5], brush.tone(colour, 0.2)) +
    path('M-13 -76L0 -97L13 -76Z', brush.tone('#5f7f78')) +
    line('M0 -97V-100', brush.tone('#e0b24a'), 1.4) +
    circle(0, -60, 8, brush.tone('#5a4232')) +
    circle(0, -60, 6.6, face) +
    line('M0 -60V-64.6M0 -60L3.4 -58', '#3a3030', 1) +
    path('M-3 -34V-42Q0 -46 3 -42V-34ZM-3 -18V-26Q0 -30 3 -26V-18Z', pane) +
    path('M-4.5 0V-9Q0 -15 4.5 -9V0Z', brush.tone('#5a3c2c')) +
    line('M-12 -49H12M-12 -14H12', brush.tone(colour, -0.25), 1)
  );
}

function drawEiffelTower(brush: Brush): string {
  const colour = brush.own('#8a6a4c');
  const iron = brush.fade('across', brush.tone(colour, 0.14), brush.tone(colour, -0.24));
  const bars = brush.tone(colour, -0.34);
  const lit = brush.lampsBurn ? '#ffd98a' : brush.tone(colour, 0.35);
  return (
    path(
      'M-27 0Q-14 -20 -8 -46Q-4 -70 -1.6 -94H1.6Q4 -70 8 -46Q14 -20 27 0H15' +
        'Q10 -17 0 -17Q-10 -17 -15 0Z',
      iron,
    ) +
    line(
      'M-21 -9L-13 -20M-13 -9L-17 -20M21 -9L13 -20M13 -9L17 -20M-12 -29L8 -44M12 -29L-8 -44',
      bars,
      0.8,
    ) +
    line(
      'M-7 -50L5 -62M7 -50L-5 -62M-4 -64L3.4 -76M4 -64L-3.4 -76M-15 0Q-10 -17 0 -17' +
        'Q10 -17 15 0',
      bars,
      0.8,
    ) +
    box([-17.6, -27, 35.2, 4, 1], lit) +
    box([-10, -49.6, 20, 3.6, 1], lit) +
    box([-3, -95, 6, 3, 1], lit) +
    line('M0 -95V-100', bars, 1)
  );
}

function drawPagoda(brush: Brush): string {
  const colour = brush.own('#b8382f', '#b8382f', '#a8452f');
  const roof = brush.tone('#3a4a52');
  const pane = brush.lampsBurn ? '#ffd873' : brush.tone('#f2dfb8');
  let body = '';
  for (let tier = 0; tier < 4; tier += 1) {
    const y = -4 - tier * 21;
    const half = 24 - tier * 4.4;
    const eave = half + 13;
    body +=
      box([-half, y - 15, half * 2, 15], brush.tone(colour, -tier * 0.03)) +
      box([-half * 0.62, y - 11, half * 0.4, 9], pane) +
      box([-half * 0.2, y - 11, half * 0.4, 9], pane) +
      box([half * 0.22, y - 11, half * 0.4, 9], pane) +
      path(
        `M${-eave} ${y - 15}Q${-half * 0.8} ${y - 17} ${-half * 0.6} ${y - 24}H${half * 0.6}` +
          `Q${half * 0.8} ${y - 17} ${eave} ${y - 15}Q0 ${y - 11} ${-eave} ${y - 15}Z`,
        roof,
      ) +
      line(`M${-eave} ${y - 15}Q0 ${y - 11} ${eave} ${y - 15}`, brush.tone('#e0b24a'), 0.9);
  }
  return (
    box([-32, -5, 64, 5], brush.tone('#a89c8c')) +
    body +
    line('M0 -91V-100', brush.tone('#e0b24a'), 1.8)
  );
}

function drawPyramid(brush: Brush): string {
  const colour = brush.own('#e0b877');
  return (
    path('M28 -38L8 0H50Z', brush.tone(colour, -0.22)) +
    path('M28 -38L8 0H34Z', brush.tone(colour, 0.02)) +
    path('M-10 -62L-50 0H36Z', brush.tone(colour, -0.28)) +
    path('M-10 -62L-50 0H8Z', brush.tone(colour, 0.12)) +
    line('M-26 -37L6 -37M-34 -25L14 -25M-42 -12L22 -12', brush.tone(colour, -0.3), 0.6, {
      opacity: 0.5,
    })
  );
}

import { box, circle, ellipse, line, path } from '../svg.ts';
import { CASTLES } from './castles.ts';
import type { Brush, Subject } from './subject.ts';

export const BUILDINGS: readonly Subject[] = [
  {
    name: 'house',
    words: 'house, home, cottage, cabin, hut, farmhouse, chalet, villa, building, barn, mansion',
    width: 100,
    height: 92,
    habitat: 'land',
    home: 'hills',
    share: 0.46,
    draw: drawHouse,
  },
  {
    name: 'lighthouse',
    words: 'lighthouse, light house, beacon',
    width: 56,
    height: 100,
    habitat: 'land',
    home: 'sea',
    share: 0.62,
    draw: drawLighthouse,
  },
  {
    name: 'church',
    words: 'church, chapel, cathedral, steeple',
    width: 76,
    height: 100,
    habitat: 'land',
    home: 'village',
    share: 0.52,
    draw: drawChurch,
  },
  {
    name: 'windmill',
    words: 'windmill, mill',
    width: 88,
    height: 100,
    habitat: 'land',
    home: 'field',
    share: 0.55,
    draw: drawWindmill,
  },
  {
    name: 'bridge',
    words: 'bridge, stone bridge, footbridge, aqueduct',
    width: 100,
    height: 38,
    habitat: 'water',
    home: 'river',
    share: 0.86,
    draw: drawBridge,
  },
  {
    name: 'tent',
    words: 'tent, camping, campsite, yurt, tipi, teepee',
    width: 100,
    height: 66,
    habitat: 'land',
    home: 'forest',
    share: 0.42,
    draw: drawTent,
  },
  ...CASTLES,
];

function drawHouse(brush: Brush): string {
  const colour = brush.own('#e8c9a0', '#d98a6a', '#b8c8cf', '#f0e3c8', '#c96f5a', '#d9b65f');
  const roofColour = brush.random.pick(['#9a4534', '#6b4a4a', '#7a5a3f', '#57606f']);
  const wall = brush.fade('across', brush.tone(colour, 0.12), brush.tone(colour, -0.14));
  const roof = brush.fade('down', brush.tone(roofColour, 0.08), brush.tone(roofColour, -0.2));
  const pane = brush.lampsBurn ? '#ffd873' : brush.tone('#8fb4c8');
  const frame = brush.tone('#fbf4e6');
  const window = (x: number, y: number): string =>
    box([x - 8.5, y - 8.5, 17, 18], frame) +
    box([x - 6.5, y - 6.5, 13, 14], pane) +
    line(`M${x} ${y - 6.5}V${y + 7.5}M${x - 6.5} ${y}H${x + 6.5}`, frame, 1.4);
  const glow = brush.lampsBurn
    ? circle(-22, -22, 26, brush.halo('#ffcf6b', 0.5), { class: 'glow' }) +
      circle(24, -22, 26, brush.halo('#ffcf6b', 0.5), { class: 'glow' })
    : '';
  const snow = brush.snow
    ? path(
        'M0 -84L50 -42Q46 -37 41 -41Q34 -36 28 -44Q18 -50 10 -58Q4 -66 0 -68' +
          'Q-6 -64 -12 -57Q-20 -48 -28 -44Q-34 -36 -41 -41Q-46 -37 -50 -42Z',
        brush.tone('#ffffff'),
      ) + box([18, -90, 16, 5, 2], brush.tone('#ffffff'))
    : '';
  return (
    smoke(brush, 26, -90) +
    box([20, -88, 12, 30], brush.tone('#8f5a48')) +
    box([18, -90, 16, 5], brush.tone('#7a4a3c')) +
    path('M-40 0V-46L0 -80L40 -46V0Z', wall) +
    path('M0 -84L50 -42L46 -37L0 -75L-46 -37L-50 -42Z', roof) +
    path('M0 -76L44 -38.5L40 -42L0 -72L-40 -42L-44 -38.5Z', brush.tone('#3a2a2a'), {
      opacity: 0.25,
    }) +
    snow +
    circle(0, -54, 6.4, frame) +
    circle(0, -54, 4.6, pane) +
    window(-23, -22) +
    window(23, -22) +
    box([-9.5, -31, 19, 31, 2], frame) +
    box([-7.5, -29, 15, 29, 1], brush.tone('#7a4a34')) +
    circle(4.6, -14, 1.3, brush.tone('#e8c25a')) +
    path('M-14 0H14V-3H-14Z', brush.tone('#b8aa98')) +
    glow
  );
}

function smoke(brush: Brush, x: number, y: number): string {
  const grey = brush.tone('#e6e4e4');
  return (
    circle(x + 2, y - 3, 4, grey, { opacity: 0.5, class: 'glow' }) +
    circle(x + 6, y - 9, 5.4, grey, { opacity: 0.4, class: 'glow' }) +
    circle(x + 13, y - 15, 6.6, grey, { opacity: 0.28, class: 'glow' })
  );
}

function drawLighthouse(brush: Brush): string {
  const colour = brush.own('#c8372f', '#c8372f', '#c8372f', '#2f5f9a');
  const white = brush.fade('across', brush.tone('#fdf9f0'), brush.tone('#cfc6bd'));
  const band = brush.fade('across', brush.tone(colour, 0.1), brush.tone(colour, -0.28));
  const rock = brush.tone('#6a6470');
  const lit = brush.lampsBurn;
  const beam = brush.fade('across', '#fff2b8', '#fff2b8');
  const light = lit
    ? path('M4 -82L150 -122V-66Z', brush.halo('#fff2b8', 0.55), { class: 'glow' }) +
      path('M0 -81L170 -116V-62L0 -77Z', beam, { opacity: 0.2, class: 'glow' }) +
      path('M0 -81L-170 -116V-62L0 -77Z', beam, { opacity: 0.2, class: 'glow' }) +
      circle(0, -79, 32, brush.halo('#fff3c0', 1), { class: 'glow' })
    : '';
  return (
    light +
    path('M-28 0Q-26 -10 -17 -9Q-12 -17 -3 -13Q6 -18 14 -11Q24 -12 28 0Z', rock) +
    path('M-12 0Q-8 -8 0 -7Q10 -9 20 0Z', brush.tone('#6a6470', -0.25)) +
    path('M-12 -10L-7.6 -69H7.6L12 -10Z', white) +
    path('M-10.9 -25L-9.7 -40H9.7L10.9 -25Z', band) +
    path('M-8.7 -54L-7.6 -69H7.6L8.7 -54Z', band) +
    box([-2.4, -22, 4.8, 11, 2], brush.tone('#5a4038')) +
    box([-1.7, -49, 3.4, 5, 1.4], lit ? '#ffdf8f' : brush.tone('#4a5568')) +
    box([-10.4, -72, 20.8, 3.6, 1], brush.tone('#3a3a44')) +
    line('M-10 -76H10M-9.6 -76V-71M9.6 -76V-71M-4 -76V-71M4 -76V-71', brush.tone('#3a3a44'), 0.9) +
    box([-5.4, -85, 10.8, 13], lit ? '#fff3b0' : brush.tone('#bfdbe6')) +
    line('M-5.4 -85V-72M5.4 -85V-72M0 -85V-72', brush.tone('#3a3a44'), 1) +
    path('M-7.6 -85Q-5 -95 0 -96Q5 -95 7.6 -85Z', band) +
    line('M0 -96V-100', brush.tone('#3a3a44'), 1.2)
  );
}

function drawChurch(brush: Brush): string {
  const colour = brush.own('#f2e7d2', '#e0d6cf', '#ecd9b8');
  const wall = brush.fade('across', brush.tone(colour, 0.1), brush.tone(colour, -0.12));
  const roof = brush.tone('#7a4a48');
  const pane = brush.lampsBurn ? '#ffd873' : brush.tone('#5f7f9a');
  const white = brush.tone('#ffffff');
  const arch = (x: number): string => path(`M${x - 3} -10V-19Q${x} -25 ${x + 3} -19V-10Z`, pane);
  return (
    path('M-14 0V-30L12 -46L38 -30V0Z', wall) +
    path('M-16 -28L12 -47L40 -28L38 -25L12 -42L-14 -25Z', roof) +
    path('M12 -47L40 -28H14L-8 -33Z', brush.tone('#7a4a48', -0.15)) +
    (brush.snow ? path('M-16 -28L12 -47L40 -28Q28 -31 20 -36Q12 -41 4 -36Z', white) : '') +
    box([-34, -62, 22, 62], wall) +
    path('M-37 -60L-23 -92L-9 -60Z', roof) +
    (brush.snow ? path('M-23 -92L-13 -69Q-19 -74 -23 -70Q-28 -75 -33 -69Z', white) : '') +
    line('M-23 -92V-100M-26 -97H-20', brush.tone('#e0b24a'), 1.5) +
    circle(-23, -52, 4.4, brush.tone('#fff8e6')) +
    line('M-23 -52V-55M-23 -52L-21 -51', brush.tone('#3a3030'), 0.9) +
    path('M-26 -32V-40Q-23 -45 -20 -40V-32Z', pane) +
    path('M-28 0V-14Q-23 -21 -18 -14V0Z', brush.tone('#6b4432')) +
    arch(0) +
    arch(13) +
    arch(26)
  );
}

function drawWindmill(brush: Brush): string {
  const colour = brush.own('#e9dcc6', '#c98a6a', '#d9d2c8');
  const wall = brush.fade('across', brush.tone(colour, 0.1), brush.tone(colour, -0.2));
  const wood = brush.tone('#6b4630');
  const cloth = brush.tone('#f6ecd8');
  const turn = brush.random.whole(8, 38);
  let sails = '';
  for (let arm = 0; arm < 4; arm += 1) {
    const angle = turn + arm * 90;
    sails +=
      `<g transform="translate(0 -60) rotate(${angle})">` +
      path('M1 -8H10V-40H1Z', cloth) +
      line('M1 -16H10M1 -24H10M1 -32H10M5.5 -8V-40', wood, 0.7) +
      line('M0 0V-41', wood, 2) +
      '</g>';
  }
  const pane = brush.lampsBurn ? '#ffd873' : brush.tone('#6f8fa6');
  return (
    path('M-19 0L-12 -60H12L19 0Z', wall) +
    path('M-14 -58Q-12 -74 0 -76Q12 -74 14 -58Z', brush.tone('#7a4434')) +
    box([-5, -17, 10, 17, 3], wood) +
    box([-3.4, -40, 6.8, 9, 2], pane) +
    line('M-22 -24H22', wood, 2) +
    sails +
    circle(0, -60, 3, wood)
  );
}

function drawBridge(brush: Brush): string {
  const colour = brush.own('#bfae98', '#a89c94', '#c9a58a');
  const stone = brush.fade('down', brush.tone(colour, 0.15), brush.tone(colour, -0.2));
  const dark = brush.tone(colour, -0.4);
  const lamp = (x: number, y: number): string =>
    brush.lampsBurn
      ? circle(x, y - 6, 7, brush.halo('#ffdf9a', 0.9), { class: 'glow' }) +
        circle(x, y - 6, 1.3, '#fff3c4')
      : '';
  return (
    path(
      'M-50 0V-16Q0 -50 50 -16V0H36C36 -15 16 -15 16 0H12' +
        'C12 -25 -12 -25 -12 0H-16C-16 -15 -36 -15 -36 0Z',
      stone,
    ) +
    line(
      'M36 0C36 -15 16 -15 16 0M12 0C12 -25 -12 -25 -12 0M-16 0C-16 -15 -36 -15 -36 0',
      dark,
      1.4,
    ) +
    line('M-50 -16Q0 -50 50 -16', dark, 1) +
    line('M-50 -20Q0 -54 50 -20', brush.tone(colour, 0.25), 2.2) +
    line(
      'M-40 -22V-26M-30 -26V-31M-20 -30V-34M-10 -32V-36M0 -33V-37M10 -32V-36M20 -30V-34' +
        'M30 -26V-31M40 -22V-26',
      brush.tone(colour, 0.1),
      1,
    ) +
    lamp(-26, -30) +
    lamp(26, -30)
  );
}

function drawTent(brush: Brush): string {
  const colour = brush.own('#e08a2f', '#d0533a', '#3f8a7a', '#d9b13a');
  const inside = brush.lampsBurn ? '#ffd873' : brush.tone('#4a3a34');
  const glow = brush.lampsBurn
    ? ellipse([0, -18, 60, 38], brush.halo('#ffcf6b', 0.6), { class: 'glow' })
    : '';
  return (
    glow +
    path('M-8 -62L50 0H-44Z', brush.tone(colour, -0.2)) +
    path('M-8 -62L-46 0H20Z', brush.tone(colour, 0.08)) +
    path('M-8 -46L-24 0H6Z', inside) +
    path('M-8 -46L6 0H10Q2 -24 -8 -46ZM-8 -46L-24 0H-28Q-16 -24 -8 -46Z', brush.tone(colour, 0.3)) +
    line('M-8 -66L-8 -46M-46 0L-50 3M50 0L54 3', brush.tone('#5a4232'), 1.4) +
    path('M-8 -66L4 -63L-8 -60Z', brush.tone('#f4efe2'))
  );
}

import { box, circle, ellipse, line, path } from '../svg.ts';
import type { Brush, Subject } from './subject.ts';

export const BOATS: readonly Subject[] = [
  {
    name: 'sailboat',
    words: 'boat, sailboat, sailing boat, yacht, sail, sailing ship, galleon',
    width: 84,
    height: 100,
    habitat: 'water',
    home: 'sea',
    share: 0.5,
    draw: drawSailboat,
  },
  {
    name: 'rowing boat',
    words: 'rowboat, rowing boat, row boat, dinghy, canoe, kayak, raft',
    width: 100,
    height: 40,
    habitat: 'water',
    home: 'lake',
    share: 0.55,
    draw: drawRowingBoat,
  },
  {
    name: 'ship',
    words: 'ship, steamer, ferry, cruise ship, trawler, fishing boat, tugboat, submarine',
    width: 100,
    height: 66,
    habitat: 'water',
    home: 'sea',
    share: 0.6,
    draw: drawShip,
  },
  {
    name: 'gondola',
    words: 'gondola, gondolier',
    width: 100,
    height: 48,
    habitat: 'water',
    home: 'canal',
    share: 0.44,
    draw: drawGondola,
  },
  {
    name: 'paper boat',
    words: 'paper boat, paper ship, origami boat, origami',
    width: 100,
    height: 60,
    habitat: 'water',
    home: 'lake',
    share: 0.5,
    draw: drawPaperBoat,
  },
];

function drawSailboat(brush: Brush): string {
  const colour = brush.own('#c8402f', '#2f5f9a', '#f4efe2', '#2f7a6a');
  const hull = brush.fade('down', brush.tone(colour, 0.12), brush.tone(colour, -0.25));
  const cloth = brush.fade('across', brush.tone('#fffaf0'), brush.tone('#e4d8c6'));
  const jib = brush.fade('across', brush.tone('#e0d4c2'), brush.tone('#fffaf0'));
  const lamp = brush.lampsBurn
    ? circle(-17, -24, 14, brush.halo('#ffd98a', 0.9), { class: 'glow' }) +
      circle(-17, -24, 2, '#fff3c4')
    : '';
  return (
    line('M0 -14V-98', brush.tone('#6b4a30'), 2.2) +
    path('M3 -95Q31 -62 37 -25Q20 -20 3 -22Z', cloth) +
    path('M3 -60Q16 -58 25 -56L28 -49Q16 -51 3 -52Z', brush.tone(colour)) +
    path('M-3 -88Q-12 -48 -34 -23Q-18 -20 -3 -24Z', jib) +
    path('M0 -98L15 -94L0 -90Z', brush.tone(colour, -0.1)) +
    path('M-42 -18Q-20 -13 10 -14Q30 -15 42 -21Q38 -4 26 0H-22Q-37 -3 -42 -18Z', hull) +
    path('M-42 -18Q-20 -13 10 -14Q30 -15 42 -21L41 -16.5Q30 -11 8 -10Q-20 -9 -41 -14Z', '#ffffff', {
      opacity: 0.75,
    }) +
    box([-24, -22, 17, 8, 2], brush.tone('#8a5a3a')) +
    circle(-19, -18, 1.7, brush.lampsBurn ? '#ffe39a' : brush.tone('#dcecf4')) +
    circle(-12, -18, 1.7, brush.lampsBurn ? '#ffe39a' : brush.tone('#dcecf4')) +
    lamp
  );
}

function drawRowingBoat(brush: Brush): string {
  const colour = brush.own('#a85a34', '#3f6f86', '#b0433a', '#4f7a4a');
  const hull = brush.fade('down', brush.tone(colour, 0.1), brush.tone(colour, -0.3));
  return (
    path('M-50 -26Q0 -12 50 -28Q46 -18 40 -14Q0 -8 -40 -14Z', brush.tone(colour, -0.5)) +
    line('M-24 -17L-18 -11M14 -18L20 -11', brush.tone('#d8b48a'), 5) +
    line('M6 -22L-40 -2', brush.tone('#e4c79a'), 2.2) +
    path('M-50 -26Q-20 -14 2 -14Q30 -14 50 -28Q46 -5 30 0H-28Q-45 -5 -50 -26Z', hull) +
    line('M-49 -22Q-20 -10 2 -10Q30 -10 49 -24', brush.tone(colour, 0.4), 2.2) +
    line('M-46 -12Q-10 -3 45 -12', brush.tone(colour, -0.35), 1) +
    line('M10 -24L44 -3', brush.tone('#e4c79a'), 2.4) +
    ellipse([45, -2, 6.5, 2], brush.tone('#e4c79a'))
  );
}

function drawShip(brush: Brush): string {
  const colour = brush.own('#2a3f6b', '#a8332c', '#2f6a5f', '#3a3f4a');
  const hull = brush.fade('down', brush.tone(colour, 0.1), brush.tone(colour, -0.25));
  const white = brush.tone('#f6f1e6');
  const pane = brush.lampsBurn ? '#ffdf8f' : brush.tone('#5f86a6');
  let windows = '';
  for (let index = 0; index < 6; index += 1) {
    windows += circle(-26 + index * 8.6, -25.5, 2, pane) + circle(-34 + index * 12, -12, 1.8, pane);
  }
  return (
    circle(14, -64, 7, brush.tone('#d8d8dc'), { opacity: 0.6, class: 'glow' }) +
    circle(24, -63, 5, brush.tone('#d8d8dc'), { opacity: 0.4, class: 'glow' }) +
    path('M-1 -40L1 -60H14L15 -40Z', brush.tone('#d9572f')) +
    path('M0.4 -52L1 -60H14L14.4 -52Z', brush.tone('#26262c')) +
    line('M-24 -40V-62M-24 -58L-40 -34', brush.tone('#5a4a42'), 1.6) +
    box([-20, -42, 38, 12, 2], white) +
    box([-16, -39.5, 30, 5], pane) +
    box([-32, -31, 62, 12, 2], brush.tone('#e8e0d2')) +
    path('M-50 -24Q-46 -20 -38 -20H46Q50 -20 49 -25Q50 -6 38 0H-34Q-44 -8 -50 -24Z', hull) +
    path('M-40 -6Q-37 -2 -34 0H38Q42 -3 45 -7Z', brush.tone('#a8332c')) +
    line('M-45 -17.5H47', white, 1.6) +
    windows
  );
}

function drawGondola(brush: Brush): string {
  const colour = brush.own('#1f1d26');
  const skin = brush.tone('#d8a07a');
  const straw = brush.tone('#ecd28c');
  const gold = brush.tone('#e0b24a');
  const hull = brush.fade('down', brush.tone(colour, 0.2), brush.tone(colour, -0.2));
  return (
    line('M26 -31L47 3', brush.tone('#8a5c38'), 1.5) +
    path('M-22 -8Q-20 -15 -10 -14L4 -13Q8 -12 8 -8Z', brush.tone('#a8242c')) +
    path('M-22 -8Q-20 -12 -10 -11L4 -10Q8 -9 8 -7Z', brush.tone('#d8423f')) +
    path(
      'M-50 -20C-46 -8 -34 0 -14 0H16C32 0 44 -7 50 -19C42 -12 34 -9 22 -8.5H-22' +
        'C-36 -9 -44 -12 -50 -20Z',
      hull,
    ) +
    line('M-46 -13C-40 -8 -34 -5.6 -20 -5.4H20C34 -6 41 -8 46 -12', gold, 0.9) +
    path(
      'M-50 -20Q-52 -25 -47 -27L-45.5 -24L-47 -22.5L-44.5 -21L-46.5 -19.5L-44 -18L-46 -16.5Z',
      brush.tone('#d9dde4'),
    ) +
    path('M27 -9L28.5 -24H34.5L35 -9H32.4L31.6 -19L30.2 -9Z', brush.tone('#20242e')) +
    path('M27.4 -24Q27 -36 29.4 -37.5H34Q36.4 -35 35.4 -24Z', brush.tone('#f6f2ea')) +
    line(
      'M28 -34.5H35.4M27.6 -31.5H35.8M27.6 -28.5H35.6M27.6 -25.6H35.4',
      brush.tone('#c43a34'),
      1.1,
    ) +
    line('M29 -35.5L25.4 -30L27.4 -28', brush.tone('#f6f2ea'), 2.4) +
    circle(31.7, -40.6, 3, skin) +
    ellipse([31.7, -42.8, 5.6, 1.2], straw) +
    path('M28.6 -43Q28.8 -46 31.7 -46Q34.6 -46 34.8 -43Z', straw) +
    line('M28.7 -43.4H34.7', brush.tone('#c43a34'), 1) +
    circle(27, -29, 1.2, skin)
  );
}

function drawPaperBoat(brush: Brush): string {
  const colour = brush.own('#f7f3ea', '#f7f3ea', '#f2c9c0', '#cfe0ee');
  return (
    path('M0 -60L-26 -22H0Z', brush.tone(colour)) +
    path('M0 -60L26 -22H0Z', brush.tone(colour, -0.2)) +
    path('M-50 -32L-26 -22L0 -21L26 -22L50 -32L30 0H-30Z', brush.tone(colour, 0.06)) +
    path('M0 -21L26 -22L50 -32L30 0H0Z', brush.tone(colour, -0.13)) +
    path('M-50 -32L-26 -22L-13 -21.4L-30 0Z', brush.tone(colour, -0.05)) +
    line('M-26 -22L0 -21L26 -22', brush.tone(colour, -0.35), 0.7)
  );
}

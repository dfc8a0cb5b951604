import { circle, ellipse, line, path } from '../svg.ts';
import type { Brush, Subject } from './subject.ts';

export const FLYERS: readonly Subject[] = [
  {
    name: 'bird',
    words: 'bird, robin, sparrow, songbird, parrot, bluebird, cardinal, hummingbird, crow, raven',
    width: 100,
    height: 92,
    habitat: 'land',
    home: 'garden',
    share: 0.4,
    draw: drawBird,
  },
  {
    name: 'seagull',
    words: 'seagull, gull, eagle, hawk, falcon, dove, crane, heron, phoenix, albatross, swallow',
    width: 100,
    height: 48,
    habitat: 'air',
    home: 'sea',
    share: 0.46,
    draw: drawGull,
  },
  {
    name: 'owl',
    words: 'owl, owlet',
    width: 68,
    height: 100,
    habitat: 'land',
    home: 'forest',
    share: 0.46,
    draw: drawOwl,
  },
  {
    name: 'butterfly',
    words: 'butterfly, moth, dragonfly',
    width: 100,
    height: 84,
    habitat: 'air',
    home: 'garden',
    share: 0.42,
    draw: drawButterfly,
  },
];

function drawBird(brush: Brush): string {
  const colour = brush.own('#3f7fc4', '#d8493a', '#e0a52f', '#4a9a6a');
  const body = brush.fade('down', brush.tone(colour, 0.12), brush.tone(colour, -0.12));
  const breast = brush.tone('#f6d9b0');
  return (
    line('M-48 -3Q0 3 48 -5', brush.tone('#6b4a34'), 5) +
    path('M38 -5Q44 -18 50 -12Q48 -4 38 -5Z', brush.tone('#5a9a4a')) +
    line('M-4 -14V-3M4 -14V-3', brush.tone('#d98a2f'), 2.2) +
    path('M-16 -34L-48 -20L-40 -14L-12 -22Z', brush.tone(colour, -0.3)) +
    path(
      'M-26 -36Q-24 -56 -4 -66Q4 -90 22 -90Q40 -88 40 -68Q42 -40 26 -22Q10 -8 -8 -14' +
        'Q-24 -20 -26 -36Z',
      body,
    ) +
    path('M38 -58Q38 -36 24 -22Q10 -9 -4 -13Q18 -24 22 -46Q26 -58 38 -58Z', breast) +
    path(
      'M-28 -32Q-20 -54 2 -54Q12 -44 2 -30Q-12 -18 -36 -20Q-28 -24 -28 -32Z',
      brush.tone(colour, -0.24),
    ) +
    line('M-22 -28Q-10 -28 0 -40M-16 -23Q-6 -24 2 -32', brush.tone(colour, 0.2), 1.4) +
    path('M39 -76L53 -71L39 -65Z', brush.tone('#f0a030')) +
    circle(28, -74, 4, '#17131a') +
    circle(29.4, -75.6, 1.4, '#ffffff')
  );
}

function drawGull(brush: Brush): string {
  const colour = brush.own('#fbf8f2');
  const grey = brush.tone('#b8c0cc');
  return (
    path('M-2 -20Q-14 -44 -50 -46Q-40 -38 -34 -32Q-20 -24 -8 -14Z', grey) +
    path('M-50 -46Q-42 -44 -36 -42L-34 -36Q-44 -40 -50 -46Z', brush.tone('#3a3a44')) +
    path('M4 -20Q18 -46 50 -42Q40 -36 34 -30Q22 -22 12 -14Z', brush.tone(colour)) +
    path('M50 -42Q42 -41 37 -39L34 -33Q44 -36 50 -42Z', brush.tone('#3a3a44')) +
    path(
      'M-26 -4L-16 -14Q-6 -22 8 -22Q18 -22 22 -16Q18 -6 4 -5Q-10 -4 -18 -8Z',
      brush.tone(colour),
    ) +
    path('M-16 -9Q0 -2 18 -11Q12 -4 2 -4Q-10 -3 -16 -9Z', brush.tone(colour, -0.14)) +
    path('M21 -18L29 -14.6L21 -12.6Z', brush.tone('#f0a030')) +
    circle(16, -17, 1.4, '#17131a')
  );
}

function drawOwl(brush: Brush): string {
  const colour = brush.own('#8a6242', '#77604f', '#a07a54');
  const body = brush.fade('across', brush.tone(colour, 0.1), brush.tone(colour, -0.18));
  const pale = brush.tone('#f0dfc0');
  const iris = brush.shine('#f6b52e');
  let feathers = '';
  for (let row = 0; row < 4; row += 1) {
    for (let column = 0; column < 4 - (row % 2); column += 1) {
      const x = -13.5 + column * 9 + (row % 2) * 4.5;
      feathers += `M${x - 3.6} ${-40 + row * 7}q3.6 5 7.2 0`;
    }
  }
  return (
    path('M-26 -84L-30 -99L-10 -93H10L30 -99L26 -84Z', body) +
    path('M-30 -40Q-34 -94 0 -95Q34 -94 30 -40Q28 -4 0 -3Q-28 -4 -30 -40Z', body) +
    path('M-18 -44Q-20 -8 0 -7Q20 -8 18 -44Q0 -54 -18 -44Z', pale) +
    line(feathers, brush.tone(colour), 1.4) +
    path(
      'M-30 -56Q-38 -24 -22 -12Q-18 -34 -24 -52ZM30 -56Q38 -24 22 -12Q18 -34 24 -52Z',
      brush.tone(colour, -0.25),
    ) +
    circle(-13, -70, 14, pale) +
    circle(13, -70, 14, pale) +
    circle(-13, -70, 9.4, iris) +
    circle(13, -70, 9.4, iris) +
    circle(-13, -70, 5.4, '#17131a') +
    circle(13, -70, 5.4, '#17131a') +
    circle(-11, -72.4, 1.9, '#ffffff') +
    circle(15, -72.4, 1.9, '#ffffff') +
    path('M-4 -64H4L0 -54Z', brush.tone('#e89a2e')) +
    line('M-12 -3V1M-8 -3V1M8 -3V1M12 -3V1', brush.tone('#e89a2e'), 2.4)
  );
}

function drawButterfly(brush: Brush): string {
  const colour = brush.own('#e8802a', '#3f8fd8', '#c44a9a', '#f0b02e');
  const wing = (hand: number): string =>
    `<g transform="scale(${hand} 1)">` +
    path('M2 -44Q10 -84 42 -84Q54 -70 44 -52Q30 -38 2 -42Z', brush.tone('#2a2430')) +
    path('M5 -45Q13 -78 40 -79Q48 -68 40 -54Q28 -43 5 -45Z', brush.tone(colour, 0.06)) +
    path('M2 -40Q34 -42 36 -22Q34 -4 20 -3Q8 -10 2 -36Z', brush.tone('#2a2430')) +
    path('M4 -37Q30 -38 31.6 -22Q30 -9 20 -8Q10 -14 4 -37Z', brush.tone(colour, -0.1)) +
    line(
      'M5 -45Q22 -60 38 -76M5 -44Q26 -52 42 -60M5 -37Q18 -28 26 -12',
      brush.tone('#2a2430'),
      1.2,
    ) +
    circle(37, -70, 2.6, brush.tone('#fff6e0')) +
    circle(40, -61, 1.8, brush.tone('#fff6e0')) +
    circle(25, -17, 2.6, brush.tone('#fff6e0')) +
    '</g>';
  return (
    wing(-1) +
    wing(1) +
    ellipse([0, -42, 2.8, 20], '#241f28') +
    circle(0, -63, 3.4, '#241f28') +
    line('M-1 -66Q-6 -78 -12 -82M1 -66Q6 -78 12 -82', '#241f28', 1.1)
  );
}

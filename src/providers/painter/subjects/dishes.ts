import { circle, ellipse, line, path } from '../svg.ts';
import type { Brush, Subject } from './subject.ts';

export const DISHES: readonly Subject[] = [
  {
    name: 'cake',
    words: 'cake, birthday cake, cupcake, pie, dessert',
    width: 92,
    height: 100,
    habitat: 'table',
    home: 'table',
    share: 0.46,
    draw: drawCake,
  },
  {
    name: 'pizza',
    words: 'pizza, pizza slice, slice of pizza',
    width: 100,
    height: 84,
    habitat: 'table',
    home: 'table',
    share: 0.46,
    draw: drawPizza,
  },
  {
    name: 'fruit bowl',
    words: 'fruit bowl, bowl of fruit, fruit, fruit basket, basket of fruit, grape',
    width: 100,
    height: 72,
    habitat: 'table',
    home: 'table',
    share: 0.58,
    draw: drawFruitBowl,
  },
];

function drawCake(brush: Brush): string {
  const colour = brush.own('#f4a8b8', '#a8643a', '#fdf2dc');
  const icing = brush.tone('#fff6ea');
  let candles = '';
  for (const [index, x] of [-18, 0, 18].entries()) {
    const wax = (['#5fb0d8', '#f6c445', '#e8607a'] as const)[index] ?? '#5fb0d8';
    candles +=
      circle(x, -91, 13, brush.halo('#ffcf6b', 0.7), { class: 'glow' }) +
      line(`M${x} -64V-83`, brush.tone(wax), 4) +
      path(`M${x} -97Q${x + 5} -88 ${x} -85Q${x - 5} -88 ${x} -97Z`, '#ffb02e');
  }
  return (
    ellipse([0, -3, 46, 5], brush.tone('#e4e8ee')) +
    candles +
    path(
      'M-36 -4V-32Q0 -26 36 -32V-4Q0 3 -36 -4Z',
      brush.fade('across', brush.tone(colour, 0.1), brush.tone(colour, -0.2)),
    ) +
    path(
      'M-36 -38Q0 -30 36 -38V-28Q32 -18 27 -27Q22 -16 16 -25Q10 -13 4 -24Q-3 -15 -9 -25' +
        'Q-16 -14 -21 -26Q-28 -17 -32 -26Q-36 -20 -36 -30Z',
      icing,
    ) +
    ellipse([0, -36, 36, 7], icing) +
    path(
      'M-26 -38V-60Q0 -55 26 -60V-38Q0 -32 -26 -38Z',
      brush.fade('across', brush.tone(colour, 0.1), brush.tone(colour, -0.2)),
    ) +
    path(
      'M-26 -64Q0 -58 26 -64V-56Q22 -48 17 -55Q12 -45 6 -53Q0 -45 -6 -53' +
        'Q-12 -45 -17 -54Q-23 -46 -26 -55Z',
      icing,
    ) +
    ellipse([0, -63, 26, 5], icing) +
    circle(-9, -66, 3.6, brush.tone('#d6342c')) +
    circle(9, -66, 3.6, brush.tone('#d6342c'))
  );
}

function drawPizza(brush: Brush): string {
  const cheese = brush.tone('#f6c95a');
  const crust = brush.tone('#c98540');
  const salami = brush.tone('#c4382c');
  return (
    path('M-44 -70Q0 -92 46 -66L-4 0Z', cheese) +
    path('M-50 -66Q0 -98 50 -64Q52 -54 44 -55Q0 -80 -42 -58Q-50 -58 -50 -66Z', crust) +
    circle(-16, -56, 8.6, salami) +
    circle(14, -58, 8.6, salami) +
    circle(2, -34, 8, salami) +
    circle(-4, -14, 4.4, salami) +
    path(
      'M-2 -66Q4 -70 8 -66Q4 -62 -2 -66ZM18 -40Q24 -44 26 -38Q20 -36 18 -40ZM-18 -38' +
        'Q-12 -42 -10 -36Q-16 -34 -18 -38Z',
      brush.tone('#4f9a3f'),
    )
  );
}

function drawFruitBowl(brush: Brush): string {
  const colour = brush.own('#5f86b0', '#e8e0d2', '#b8704a', '#6a9a8a');
  const bowl = brush.fade('across', brush.tone(colour, 0.22), brush.tone(colour, -0.25));
  const apple = brush.fade('across', brush.tone('#e0483a'), brush.tone('#9a2226'));
  const orange = brush.fade('across', brush.tone('#f8a03a'), brush.tone('#d06f14'));
  const pear = brush.fade('across', brush.tone('#cfd85a'), brush.tone('#8fa032'));
  let grapes = '';
  for (const [x, y] of [
    [28, -34],
    [35, -32],
    [31, -27],
    [38, -26],
    [24, -28],
    [34, -20],
    [40, -19],
  ] as const) {
    grapes +=
      circle(x, y, 4.6, brush.tone('#6a3f8f')) +
      circle(x - 1.4, y - 1.4, 1.2, '#ffffff', { opacity: 0.5 });
  }
  return (
    path('M-34 -34Q-44 -58 -26 -70L-21 -68Q-30 -54 -16 -36Z', brush.tone('#f6cf3a')) +
    path('M-26 -70L-21 -68L-23 -63Z', brush.tone('#6b5228')) +
    path('M-12 -34Q-18 -48 -6 -54Q-4 -66 2 -66Q8 -64 8 -54Q18 -46 12 -32Z', pear) +
    line('M2 -66V-71', brush.tone('#5a3c28'), 1.6) +
    circle(-18, -36, 13.5, apple) +
    line('M-18 -48Q-18 -54 -15 -56', brush.tone('#5a3c28'), 1.6) +
    ellipse([-23, -41, 2.4, 4], '#ffffff', { opacity: 0.5 }) +
    circle(12, -37, 13, orange) +
    ellipse([7, -42, 2.4, 4], '#ffffff', { opacity: 0.4 }) +
    grapes +
    path('M-50 -30Q0 -22 50 -30Q44 -4 16 -2H-16Q-44 -4 -50 -30Z', bowl) +
    path('M-50 -30Q0 -22 50 -30Q50 -26 48 -24Q0 -16 -48 -24Z', brush.tone(colour, 0.4)) +
    path('M-18 -3H18L20 0H-20Z', brush.tone(colour, -0.3))
  );
}

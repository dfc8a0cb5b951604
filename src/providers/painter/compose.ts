import { drawSubjects, drawSubjectsAlone } from './arrange.ts';
import { createCanvas } from './canvas.ts';
import { createLight, lightIn } from './light.ts';
import { drawMotifs } from './motifs.ts';
import { parsePrompt } from './parse.ts';
import { type Random, createRandom } from './random.ts';
import type { Scene, Style } from './scene.ts';
import { box, circle, outline, path } from './svg.ts';
import { choosePlace, drawPlace } from './setting.ts';
import { type View, createView } from './view.ts';

/** A picture composed, not yet drawn in pixels. */
export interface Composition {
  readonly width: number;
  readonly height: number;
  readonly transparent: boolean;
  readonly style: Style;
  /** For grain and wobble that belong to this picture. */
  readonly seed: number;
  /** The picture as an SVG document of exactly this many pixels. */
  readonly svg: (width: number, height: number) => string;
}

export interface ComposeRequest {
  readonly prompt: string;
  readonly seed: number;
  readonly width: number;
  readonly height: number;
  readonly background?: 'opaque' | 'transparent';
}

/**
 * Composes the scene that the prompt describes. No text of the prompt gets into the SVG: it only
 * chooses among drawings and steers chance.
 */
export function compose(request: ComposeRequest): Composition {
  const { prompt, seed, width, height } = request;
  const random = createRandom(prompt, seed);
  const parsed = parsePrompt(prompt);
  const { scene, place } = choosePlace(parsed, random.fork('place'));
  const canvas = createCanvas(scene.style === 'poster' || scene.style === 'pixel');
  const unit = 1000 / Math.min(width, height);
  const view = createView({
    width: width * unit,
    height: height * unit,
    scene,
    light: lightIn(place, createLight(scene, random.fork('light'))),
    random,
    canvas,
  });
  const transparent = request.background === 'transparent';
  const body = transparent ? drawAlone(view) : drawWhole(view, place);
  const inside = `<defs>${canvas.definitions()}</defs>${styleSheet(scene)}` + body;
  return {
    width,
    height,
    transparent,
    style: scene.style,
    seed: random.fork('finish').whole(0, 65_535),
    svg: (pixelsWide, pixelsHigh) =>
      `<svg xmlns="http://www.w3.org/2000/svg" width="${pixelsWide}" height="${pixelsHigh}"` +
      ` viewBox="0 0 ${view.width} ${view.height}" preserveAspectRatio="none"` +
      `${scene.style === 'pixel' ? ' shape-rendering="crispEdges"' : ''}>${inside}</svg>`,
  };
}

function drawWhole(view: View, place: Parameters<typeof drawPlace>[1]): string {
  const { behind, before, ground } = drawPlace(view, place);
  return (
    behind +
    drawMotifs(view, place, ground) +
    drawSubjects(view, place, ground) +
    before +
    (view.scene.style === 'watercolour' ? drawPaper(view) : '')
  );
}

function drawAlone(view: View): string {
  if (view.scene.mentions.length > 0) return drawSubjectsAlone(view);
  const emblem = { subject: 'hot-air balloon', count: 1, scale: 1 };
  return drawSubjectsAlone({ ...view, scene: { ...view.scene, mentions: [emblem] } });
}

/** A line drawing is the same picture with paper for every fill and ink for every edge. */
function styleSheet(scene: Scene): string {
  if (scene.style !== 'line') return '';
  const shapes = 'path,circle,ellipse,rect';
  const edge = 'stroke-opacity:1!important;opacity:1!important;vector-effect:non-scaling-stroke';
  const within = shapes
    .split(',')
    .map((shape) => `.subject ${shape}`)
    .join(',');
  const filled = shapes
    .split(',')
    .map((shape) => `${shape}:not([fill="none"])`)
    .join(',');
  return (
    `<style>.glow{display:none}` +
    `${shapes}{${edge};stroke:#8b8792!important;stroke-width:1.2px!important}` +
    `${within}{stroke:#25232b!important;stroke-width:2.2px!important}` +
    `${filled}{fill:#fbf7ec!important;fill-opacity:1!important}</style>`
  );
}

/** White paper at the ragged edges of a wash, blooms where water ran, and paler colours. */
function drawPaper(view: View): string {
  const random = view.random.fork('paper');
  const { width, height, canvas } = view;
  const bloom = canvas.radial([
    [0, '#ffffff', 0.24],
    [0.75, '#ffffff', 0.12],
    [0.93, '#ffffff', 0.04],
    [1, '#ffffff', 0],
  ]);
  let blooms = '';
  for (let index = 0; index < 14; index += 1) {
    const size = random.between(90, 260);
    blooms += circle(random.next() * width, random.next() * height, size, bloom);
  }
  return (
    box([-99, -99, width + 198, height + 198], '#fffdf6', { opacity: 0.12 }) +
    blooms +
    drawRim(view, random)
  );
}

/** White paper around a wash, with a ragged edge. */
export function drawRim({ width, height }: View, random: Random): string {
  const inset = 34;
  const rim: (readonly [number, number])[] = [];
  const step = 55;
  const jag = (): number => inset + random.between(-16, 22);
  for (let x = inset; x < width - inset; x += step) rim.push([x, jag()]);
  for (let y = inset; y < height - inset; y += step) rim.push([width - jag(), y]);
  for (let x = width - inset; x > inset; x -= step) rim.push([x, height - jag()]);
  for (let y = height - inset; y > inset; y -= step) rim.push([jag(), y]);
  const frame = `M-99 -99H${width + 99}V${height + 99}H-99Z${outline(rim)}`;
  return path(frame, '#fdfaf1', { 'fill-rule': 'evenodd' });
}

import type { OverlayOptions } from 'sharp';
import { drawRim } from '../compose.ts';
import { brushRelief, paperGrain, toPixelArt } from '../finish.ts';
import { parsePrompt } from '../parse.ts';
import type { Style } from '../scene.ts';
import { line, round } from '../svg.ts';
import { wobble } from '../wobble.ts';
import { drawingOf, layer, openView } from './drawing.ts';
import {
  type Picture,
  type Size,
  develop,
  eachRow,
  layOver,
  openColour,
  toColour,
  toGrey,
} from './picture.ts';
import { tinted } from './tones.ts';
import type { Work } from './work.ts';

/** Lines and flat colours are found at this size at most, and then enlarged. */
const LONGEST_EDGE = 1000;

/** Shows the picture as if made by other means. */
export async function restyle(work: Work, picture: Picture, style: Style): Promise<Picture> {
  const { open } = work;
  const sheet = { ...sizeOf(picture), seed: work.random.fork('sheet').whole(0, 65_535) };
  switch (style) {
    case 'black-and-white':
      return develop(open, picture, (image) =>
        image
          .recomb(tinted({ saturation: 0, gain: 1, colour: '#ffffff', share: 0 }))
          .linear(1.12, -12),
      );
    case 'pixel': {
      const form = { ...sizeOf(picture), blocks: 96, colours: 22 };
      const blocks = await toPixelArt(open, form, (columns, rows) =>
        openColour(open, picture)
          .resize(columns, rows, { fit: 'fill', kernel: 'cubic' })
          .recomb(tinted({ saturation: 1.3, gain: 1.03, colour: '#ffffff', share: 0 })),
      );
      return { ...picture, colour: await toColour(blocks) };
    }
    case 'watercolour': {
      const soft = await soften(work, picture, { longest: 600, median: 5, reach: 3.2, period: 30 });
      const washed = await develop(open, soft, (image) =>
        image
          .recomb(tinted({ saturation: 1.12, gain: 0.9, colour: '#fff8e8', share: 0.4 }))
          .linear(0.94, 30),
      );
      const pooled = await darkenEdges(work, washed);
      const random = work.random.fork('paper');
      const view = openView(picture, { scene: parsePrompt('watercolour'), random });
      const paper = layer(view, drawRim(view, random), picture);
      return layOver(open, pooled, await pools(work, picture), paper, paperGrain(sheet));
    }
    case 'oil': {
      const soft = await soften(work, picture, { longest: 600, median: 7, reach: 3.4, period: 16 });
      const rich = await develop(open, soft, (image) =>
        image
          .recomb(tinted({ saturation: 1.3, gain: 1, colour: '#fff4e0', share: 0.3 }))
          .linear(1.08, -8),
      );
      return layOver(open, rich, await strokes(work, picture));
    }
    case 'line':
      return sketch(work, picture);
    case 'poster':
      return printPoster(work, picture);
    case 'painting': {
      const soft = await soften(work, picture, { longest: 640, median: 3, reach: 2.5, period: 20 });
      const rich = await develop(open, soft, (image) =>
        image.recomb(tinted({ saturation: 1.25, gain: 1.03, colour: '#fff3df', share: 0.4 })),
      );
      return layOver(open, rich, paperGrain(sheet));
    }
  }
}

/** The relief of a loaded brush, broad enough to be seen in a picture of this size. */
async function strokes(work: Work, size: Size): Promise<OverlayOptions> {
  const seed = work.random.fork('sheet').whole(0, 65_535);
  const half = { width: Math.ceil(size.width / 2), height: Math.ceil(size.height / 2) };
  const { input, raw, ...rest } = await brushRelief(work.open, { ...half, seed });
  if (!Buffer.isBuffer(input) || raw === undefined) throw new Error('a relief is made of pixels');
  const wide = {
    width: Math.min(size.width, raw.width * 2),
    height: Math.min(size.height, raw.height * 2),
  };
  const broad = await toGrey(work.open(input, { raw }).resize({ ...wide, fit: 'fill' }));
  return { ...rest, input: broad, raw: { ...wide, channels: 1 } };
}

interface SoftForm {
  /** The longer edge, in pixels, at which it is worked. */
  readonly longest: number;
  /** The side of the square of which each pixel becomes the median. */
  readonly median: number;
  /** How far edges tremble, and over what distance, in thousandths of the short edge. */
  readonly reach: number;
  readonly period: number;
}

/** Flat patches with trembling edges, as of a brush. */
async function soften(work: Work, picture: Picture, form: SoftForm): Promise<Picture> {
  const { open, random } = work;
  const { width, height } = smaller(picture, form.longest);
  const data = await openColour(open, picture)
    .resize(width, height, { fit: 'fill' })
    .median(form.median)
    .ensureAlpha()
    .raw()
    .toBuffer();
  const unit = Math.min(width, height) / 1000;
  const trembling = await wobble(
    { data, width, height },
    {
      seed: random.fork('wobble').whole(0, 65_535),
      reach: form.reach * unit,
      period: Math.max(2, form.period * unit),
    },
  );
  const image = open(trembling, { raw: { width, height, channels: 4 } }).resize(
    picture.width,
    picture.height,
    { fit: 'fill', kernel: 'cubic' },
  );
  return { ...picture, colour: await toColour(image) };
}

/** Where more and less pigment has run, all over the sheet. */
async function pools(work: Work, size: Size): Promise<OverlayOptions> {
  const { width, height } = size;
  const random = work.random.fork('pools');
  const [columns, rows] = [10, 10];
  const patches = Buffer.from(Array.from({ length: columns * rows }, () => random.whole(104, 158)));
  const raw = { width: columns, height: rows, channels: 1 } as const;
  const soft = work.open(patches, { raw }).resize(width, height, { fit: 'fill', kernel: 'cubic' });
  return { input: await toGrey(soft), raw: { width, height, channels: 1 }, blend: 'soft-light' };
}

/** Pigment gathers at the edges of a wash. */
async function darkenEdges(work: Work, picture: Picture): Promise<Picture> {
  const edges = await edgesOf(work, picture);
  const { width, height } = picture;
  const raw = { width, height, channels: 1 } as const;
  const ink = await toGrey(work.open(edges, { raw }).linear(-0.6, 260));
  return layOver(work.open, picture, { input: ink, raw, blend: 'multiply' });
}

/** How strongly the light changes at each pixel, found at a moderate size. */
async function edgesOf(work: Work, picture: Picture): Promise<Buffer> {
  const { width, height } = smaller(picture);
  const grey = await toGrey(
    openColour(work.open, picture).resize(width, height, { fit: 'fill' }).grayscale().blur(1),
  );
  const raw = { width, height, channels: 1 } as const;
  const [across, down] = await Promise.all(
    [
      [-1, 0, 1, -2, 0, 2, -1, 0, 1],
      [-1, -2, -1, 0, 0, 0, 1, 2, 1],
    ].map((kernel) =>
      toGrey(
        work.open(grey, { raw }).convolve({ width: 3, height: 3, kernel, scale: 2, offset: 128 }),
      ),
    ),
  );
  const steps = Buffer.alloc(grey.length);
  await eachRow({ width, height }, (first, end) => {
    for (let pixel = first; pixel < end; pixel += 1) {
      const stepAcross = Math.abs((across?.[pixel] ?? 128) - 128);
      const stepDown = Math.abs((down?.[pixel] ?? 128) - 128);
      steps[pixel] = Math.min(255, (stepAcross + stepDown) * 1.4);
    }
  });
  return toGrey(
    work
      .open(steps, { raw })
      .resize(picture.width, picture.height, { fit: 'fill', kernel: 'cubic' }),
  );
}

/** Pencil on paper: dark where the light changes, and hatched in the shade. */
async function sketch(work: Work, picture: Picture): Promise<Picture> {
  const { open } = work;
  const { width, height } = picture;
  const raw = { width, height, channels: 1 } as const;
  const grey = await toGrey(openColour(open, picture).grayscale().blur(0.8));
  const reach = Math.max(1, Math.min(width, height) / 170);
  const veil = await toColour(open(grey, { raw }).negate().blur(reach));
  const lines = await toColour(
    open(await toColour(open(grey, { raw })), { raw: { width, height, channels: 3 } }).composite([
      { input: veil, raw: { width, height, channels: 3 }, blend: 'colour-dodge' },
    ]),
  );
  const drawn = await develop(open, { ...picture, colour: lines }, (image) =>
    image.linear(1.75, -192),
  );
  const outlined = await edgesOf(work, picture);
  const ink = await toGrey(open(outlined, { raw }).linear(-1.5, 290));
  const shaded = await layOver(
    open,
    drawn,
    { input: ink, raw, blend: 'multiply' },
    {
      input: await hatching(work, grey, picture),
      raw: { width, height, channels: 4 },
      blend: 'multiply',
    },
  );
  return develop(open, shaded, (image) =>
    image
      .recomb([
        [0.9, 0, 0],
        [0, 0.89, 0],
        [0, 0, 0.85],
      ])
      .linear([1, 1, 1], [22, 20, 18]),
  );
}

/** Slanted strokes, the stronger the darker the picture is there. */
async function hatching(work: Work, grey: Buffer, size: Size): Promise<Buffer> {
  const random = work.random.fork('hatching');
  const view = openView(size, { scene: parsePrompt('sketch'), random });
  let strokes = '';
  for (let start = -view.height; start < view.width; start += 7.5) {
    for (let from = 0; from < view.height; from += 130) {
      const top = from + random.between(-20, 20);
      const bottom = Math.min(view.height, top + random.between(150, 190));
      const x = start + random.between(-1.6, 1.6);
      const [right, left] = [x + view.height - top, x + view.height - bottom];
      strokes += `M${round(right)} ${round(top)}L${round(left)} ${round(bottom)}`;
    }
  }
  const drawing = drawingOf(view, line(strokes, '#4a4850', 2.4), size);
  const rgba = await work.open(drawing).ensureAlpha().raw().toBuffer();
  await eachRow(size, (first, end) => {
    for (let pixel = first; pixel < end; pixel += 1) {
      const shade = Math.max(0, Math.min(1, (150 - (grey[pixel] ?? 0)) / 130));
      rgba[pixel * 4 + 3] = (rgba[pixel * 4 + 3] ?? 0) * shade * 0.8;
    }
  });
  return rgba;
}

/** Few flat colours, as printed from screens. */
async function printPoster(work: Work, picture: Picture): Promise<Picture> {
  const { open } = work;
  const small = smaller(picture, 600);
  const flat = openColour(open, picture)
    .resize(small.width, small.height, { fit: 'fill' })
    .median(5)
    .recomb(tinted({ saturation: 1.45, gain: 1.04, colour: '#fff2dc', share: 0.5 }))
    .linear(1.1, -10);
  const raw = { ...small, channels: 3 } as const;
  const large = open(await toColour(flat), { raw }).resize(picture.width, picture.height, {
    fit: 'fill',
    kernel: 'cubic',
  });
  // The colours are counted last, so that their borders are sharp at the full size.
  const printed = await open(await toColour(large), { raw: { ...sizeOf(picture), channels: 3 } })
    .png({ palette: true, colours: 10, dither: 0, effort: 3, compressionLevel: 1 })
    .toBuffer();
  return { ...picture, colour: await toColour(open(printed)) };
}

function smaller({ width, height }: Size, longest = LONGEST_EDGE): Size {
  const scale = Math.min(1, longest / Math.max(width, height));
  return {
    width: Math.max(3, Math.round(width * scale)),
    height: Math.max(3, Math.round(height * scale)),
  };
}

function sizeOf({ width, height }: Size): Size {
  return { width, height };
}

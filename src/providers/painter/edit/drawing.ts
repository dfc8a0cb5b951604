import type { OverlayOptions } from 'sharp';
import { createCanvas } from '../canvas.ts';
import type { OpenPicture } from '../finish.ts';
import { createLight, type Light } from '../light.ts';
import type { Random } from '../random.ts';
import type { Scene } from '../scene.ts';
import { type View, createView } from '../view.ts';
import { type Matte, type Picture, type Size, eachRow } from './picture.ts';
import { split } from './open.ts';

/** The frame in which the painter's own drawings are made to lie over a picture of this size. */
export function openView(
  { width, height }: Size,
  parts: { readonly scene: Scene; readonly random: Random; readonly light?: Light },
): View {
  const unit = 1000 / Math.min(width, height);
  const { scene, random } = parts;
  return createView({
    width: width * unit,
    height: height * unit,
    scene,
    light: parts.light ?? createLight(scene, random.fork('light')),
    random,
    canvas: createCanvas(false),
  });
}

/** What was drawn in the view, as a document of the picture's size. */
export function drawingOf(view: View, body: string, { width, height }: Size): Buffer {
  return Buffer.from(
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}"` +
      ` viewBox="0 0 ${view.width} ${view.height}" preserveAspectRatio="none">` +
      `<defs>${view.canvas.definitions()}</defs>${body}</svg>`,
  );
}

/** A drawing to be laid over the picture as it is. */
export function layer(view: View, body: string, size: Size): OverlayOptions {
  return { input: drawingOf(view, body, size) };
}

/** A drawing in pixels, seen only where the matte lets it through. */
export async function behindMatte(
  open: OpenPicture,
  drawing: Buffer,
  matte: Matte,
): Promise<OverlayOptions> {
  const rgba = await open(drawing).ensureAlpha().raw().toBuffer();
  await eachRow(matte, (first, end) => {
    for (let pixel = first; pixel < end; pixel += 1) {
      const alpha = rgba[pixel * 4 + 3] ?? 0;
      if (alpha > 0) rgba[pixel * 4 + 3] = Math.round((alpha * (matte.data[pixel] ?? 0)) / 255);
    }
  });
  const { width, height } = matte;
  return { input: rgba, raw: { width, height, channels: 4 } };
}

/** A drawing in pixels, with its alpha. */
export async function rasterise(open: OpenPicture, drawing: Buffer, size: Size): Promise<Picture> {
  return split(open, await open(drawing).ensureAlpha().raw().toBuffer(), size);
}

import type { Sharp } from 'sharp';
import type { Painting } from './paint.ts';
import { createRandom } from './random.ts';
import { encode, labelOverlay, loadSharp } from './render.ts';
import { renders } from './renders.ts';
import type { OpenPicture } from './finish.ts';
import { carryOut } from './edit/carry-out.ts';
import { cutOut } from './edit/cut-out.ts';
import { gather } from './edit/gather.ts';
import { readInstruction } from './edit/instruction.ts';
import { openMask, openReference, split } from './edit/open.ts';
import {
  type Matte,
  type Picture,
  type Size,
  blend,
  interleave,
  openColour,
} from './edit/picture.ts';
import { beginWork } from './edit/work.ts';

export interface EditRequest {
  /** The instruction. */
  readonly prompt: string;
  /** A whole number from 0 to 2^53 - 1. */
  readonly seed: number;
  /** Of the result, in pixels, 64 to 16383, up to about 17 million in all. */
  readonly width: number;
  readonly height: number;
  readonly format: 'png' | 'jpeg' | 'webp';
  /** 0 to 100, for jpeg and webp: 100 is the best quality and the largest file. */
  readonly compression?: number;
  /** `transparent` leaves only what stands out. Otherwise the alpha of the picture is kept. */
  readonly background?: 'opaque' | 'transparent';
  /** Marks the picture TEST, with this text (a model's id), in a corner. */
  readonly label?: string;
  /** Above 0 and below 1: a partial picture, the rougher the lower, of the same size. */
  readonly draft?: number;
  /** Aborting takes a waiting picture out of the queue; one that is being edited is finished. */
  readonly signal?: AbortSignal;
  /**
   * The pictures to work on (png, jpeg or webp, at most 64 megapixels each), at least one. They
   * are read when it is the turn of this edit.
   */
  readonly references: readonly (() => Promise<Buffer>)[];
  /** Of the first reference's size (png or webp): where it is transparent, the edit happens. */
  readonly mask?: () => Promise<Buffer>;
}

/** Thrown when the bytes of a reference or of the mask cannot be decoded. */
export class UnreadablePicture extends Error {
  override readonly name = 'UnreadablePicture';
  /** Which reference it is, from 0; the mask has none. */
  readonly index: number | undefined;

  constructor(index: number | undefined, cause: unknown) {
    super(`cannot decode ${index === undefined ? 'the mask' : `reference ${index}`}`, { cause });
    this.index = index;
  }
}

/** What one of several pictures takes of the edges of the scene, at the most. */
const GUEST_SHARE = 0.6;

/** A draft is edited at no more than this short edge. */
const DRAFT_EDGE = 256;

/**
 * Changes a picture as the instruction says, as far as the painter understands it. The same
 * request gives the same bytes in any process of the same release. Shares the queue of `paint`.
 * Outside the mask the result is the first reference, fitted to the size, to the byte. Rejects
 * with `UnreadablePicture`, with what reading a reference rejected with, and with the signal's
 * reason when it aborts before the edit begins.
 */
export function edit(request: EditRequest): Promise<Painting> {
  return renders.run(async () => {
    const open = await loadSharp();
    const { width, height, format, draft, label, compression = 90 } = request;
    const picture =
      draft === undefined
        ? await editAt(open, request, { width, height })
        : await editDraft(open, request, draft);
    const marked = label === undefined ? picture : await labelled(open, picture, label);
    const bytes = await encode(await whole(open, marked), { format, compression });
    return { bytes, width, height, format };
  }, request.signal);
}

async function editAt(open: OpenPicture, request: EditRequest, size: Size): Promise<Picture> {
  const { prompt, seed } = request;
  const random = createRandom('edit', prompt, seed);
  const { base, mask, scene } = await readPictures(open, request, size);
  const work = await beginWork(open, scene, random);
  const changed = await carryOut(work, scene, {
    instruction: readInstruction(prompt),
    prompt,
    seed,
    region: mask,
    begun: scene !== base,
  });
  const cut =
    request.background === 'transparent' && changed.alpha === undefined
      ? await cutOut(work, changed)
      : changed;
  return mask === undefined ? cut : blend(base, cut, mask);
}

/** The first reference, the mask over it, and the scene that all references make together. */
async function readPictures(open: OpenPicture, request: EditRequest, size: Size) {
  const [first, ...others] = request.references;
  if (first === undefined) throw new Error('an edit needs a picture');
  const bytes = await first();
  const crop = request.mask === undefined ? 'attention' : 'middle';
  const base = await decode(0, () => openReference(open, bytes, { ...size, crop }));
  const mask = await readMask(open, request, size);
  if (others.length === 0) return { base, mask, scene: base };
  // Of three and more none fills the picture, and each of them lies in memory meanwhile.
  const share = others.length > 1 ? GUEST_SHARE : 1;
  const room = { width: Math.ceil(size.width * share), height: Math.ceil(size.height * share) };
  const fit = { ...room, crop: 'inside' } as const;
  const guests = [await decode(0, () => openReference(open, bytes, fit))];
  for (const [index, read] of others.entries()) {
    const other = await read();
    guests.push(await decode(index + 1, () => openReference(open, other, fit)));
  }
  const random = createRandom('gather', request.seed);
  return { base, mask, scene: await gather(open, base, guests, random) };
}

async function readMask(
  open: OpenPicture,
  request: EditRequest,
  size: Size,
): Promise<Matte | undefined> {
  if (request.mask === undefined) return undefined;
  const bytes = await request.mask();
  return decode(undefined, () => openMask(open, bytes, size));
}

async function decode<T>(index: number | undefined, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw new UnreadablePicture(index, error);
  }
}

/** The same edit of a small copy, seen through fewer and fewer pixels, then softened. */
async function editDraft(open: OpenPicture, request: EditRequest, draft: number): Promise<Picture> {
  const { width, height } = request;
  const short = Math.min(width, height);
  const scale = Math.min(1, DRAFT_EDGE / short);
  const small = await editAt(open, request, scaled(request, scale));
  const blocks = scaled(request, Math.min(1, (12 + Math.round(draft * draft * 150)) / short));
  const rough = await (
    await whole(open, small)
  )
    .resize(blocks.width, blocks.height, { fit: 'fill' })
    .png()
    .toBuffer();
  const enlarged = open(rough).resize(width, height, { fit: 'fill', kernel: 'cubic' });
  return split(open, await enlarged.ensureAlpha().raw().toBuffer(), { width, height });
}

function scaled({ width, height }: Size, scale: number): Size {
  return {
    width: Math.max(1, Math.round(width * scale)),
    height: Math.max(1, Math.round(height * scale)),
  };
}

/** As one image, with its alpha when it has one. */
async function whole(open: OpenPicture, picture: Picture): Promise<Sharp> {
  const { width, height, alpha } = picture;
  if (alpha === undefined) return openColour(open, picture);
  return open(await interleave(open, picture), { raw: { width, height, channels: 4 } });
}

/** The chip goes on before the file is encoded, which may flatten what is transparent. */
async function labelled(open: OpenPicture, picture: Picture, label: string): Promise<Picture> {
  const { width, height } = picture;
  const image = (await whole(open, picture)).composite([labelOverlay(label, picture)]);
  return split(open, await image.ensureAlpha().raw().toBuffer(), { width, height });
}

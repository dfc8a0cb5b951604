import { compose } from './compose.ts';
import { render } from './render.ts';
import { renders } from './renders.ts';

export interface PaintRequest {
  readonly prompt: string;
  /** A whole number from 0 to 2^53 - 1. */
  readonly seed: number;
  /** Pixels, 64 to 16383 (webp can hold no more), up to about 17 million in all. */
  readonly width: number;
  readonly height: number;
  readonly format: 'png' | 'jpeg' | 'webp';
  /** 0 to 100, for jpeg and webp: 100 is the best quality and the largest file. */
  readonly compression?: number;
  /** `transparent` leaves out sky and ground: only the subjects, on alpha. Not for jpeg. */
  readonly background?: 'opaque' | 'transparent';
  /** Marks the picture TEST, with this text (a model's id), in a corner. */
  readonly label?: string;
  /** Above 0 and below 1: a partial picture, the rougher the lower, of the same size. */
  readonly draft?: number;
  /** Aborting takes a waiting picture out of the queue; one that is being drawn is finished. */
  readonly signal?: AbortSignal;
}

export interface Painting {
  readonly bytes: Buffer;
  readonly width: number;
  readonly height: number;
  readonly format: 'png' | 'jpeg' | 'webp';
}

/**
 * Paints what the words of the prompt name. The same request gives the same bytes in any process
 * of the same release. As many pictures are drawn at once as there are cores; the rest wait.
 * Rejects with the signal's reason when it aborts before the drawing begins.
 */
export function paint(request: PaintRequest): Promise<Painting> {
  return renders.run(async () => {
    const { width, height, format } = request;
    const bytes = await render(compose(request), {
      format,
      compression: request.compression ?? 90,
      label: request.label,
      draft: request.draft,
    });
    return { bytes, width, height, format };
  }, request.signal);
}

import { Failure } from '../base/errors.ts';
import { randomSeed } from '../base/ids.ts';
import { binaryChunks } from '../payload/base64.ts';
import { bytesPayload, type Payload } from '../payload/payload.ts';
import { edit, UnreadablePicture } from './painter/edit.ts';
import { type Painting, type PaintRequest, paint } from './painter/paint.ts';
import type { ImageTask, Provider, ProviderContext, ProviderEvent, Receipt } from './provider.ts';

/**
 * The built-in painter: an honest drawing program, not an AI model. It serves the house's own
 * models, and every model of the catalogue for test keys.
 */
export const painter: Provider = { name: 'painter', isFree: true, generate: paintAll };

/**
 * Loads the drawing library, which stops the event loop for a twentieth of a second: better before
 * the first request than in its middle.
 */
export async function warmUpPainter(): Promise<void> {
  await paint({ prompt: '', seed: 0, width: 64, height: 64, format: 'png' });
}

async function* paintAll(
  task: ImageTask,
  { signal }: ProviderContext,
): AsyncGenerator<ProviderEvent, Receipt, void> {
  const firstSeed = task.seed ?? randomSeed();
  for (let index = 0; index < task.n; index += 1) {
    const seed = firstSeed + index;
    const request = paintRequest(task, seed, signal);
    for (let partialIndex = 0; partialIndex < task.partialImages; partialIndex += 1) {
      const draft = (partialIndex + 1) / (task.partialImages + 1);
      const { bytes } = await paintOrEdit(task, { ...request, draft });
      yield { type: 'partial', index, partialIndex, payload: bytesPayload(bytes) };
    }
    const { bytes } = await paintOrEdit(task, request);
    yield { type: 'image', payload: bytesPayload(bytes), seed };
  }
  const background = backgroundOf(task);
  return { upstreamIds: [], ...('background' in task.parameters ? { background } : {}) };
}

async function paintOrEdit(
  { references, mask }: ImageTask,
  request: PaintRequest,
): Promise<Painting> {
  if (references.length === 0) {
    return paint(request);
  }
  try {
    return await edit({
      ...request,
      references: references.map(
        ({ payload }) =>
          () =>
            readAll(payload),
      ),
      ...(mask === undefined ? {} : { mask: () => readAll(mask.payload) }),
    });
  } catch (error) {
    throw error instanceof UnreadablePicture ? unreadable(error) : error;
  }
}

async function readAll(payload: Payload): Promise<Buffer> {
  return Buffer.concat(await Array.fromAsync(binaryChunks(payload)));
}

/** It looked whole from outside; what is inside only decoding shows. */
function unreadable({ index, cause }: UnreadablePicture): Failure {
  return index === undefined
    ? new Failure('invalid_mask', { param: 'mask', message: 'The mask cannot be read.', cause })
    : new Failure('invalid_image', {
        param: 'image',
        message: `Picture ${index + 1} cannot be read.`,
        cause,
      });
}

/** The painter leaves the background away only when asked to: its `auto` is opaque. */
function backgroundOf(task: ImageTask): 'transparent' | 'opaque' {
  return task.parameters['background'] === 'transparent' ? 'transparent' : 'opaque';
}

function paintRequest(task: ImageTask, seed: number, signal: AbortSignal): PaintRequest {
  return {
    prompt: task.prompt,
    seed,
    width: task.size.width,
    height: task.size.height,
    format: task.format,
    background: backgroundOf(task),
    signal,
    ...(task.compression === undefined ? {} : { compression: task.compression }),
    ...(task.testModel === undefined ? {} : { label: task.testModel }),
  };
}

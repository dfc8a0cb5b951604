import { availableParallelism } from 'node:os';
import { createRenderQueue } from './render-queue.ts';

/** The one queue of all that is painted or edited: as many pictures at once as there are cores. */
export const renders = createRenderQueue(availableParallelism());

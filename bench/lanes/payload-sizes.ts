import { ANSWER_27_MB, ANSWER_4_MB, ANSWER_64_KB } from '../answers.ts';
import type { LoadLane } from './load-lane.ts';

const WARM_UP_SHORT = { connections: 16, durationMs: 250 };

/** Sizes that gpt-image-2 takes. What is answered need not match them to the pixel. */
const body = (size: string): string =>
  JSON.stringify({
    model: 'gpt-image-2',
    prompt: 'a serene canal in Venice at sunset',
    quality: 'low',
    size,
  });

/** Answers of three sizes, at as many at once as a busy server sees. */
export const PAYLOAD_LANES: readonly LoadLane[] = [
  {
    name: '64kb',
    title: '64 KB, 16 at once',
    answer: ANSWER_64_KB,
    body: body('1024x1024'),
    connections: 16,
    durationMs: 1_000,
    warmUp: WARM_UP_SHORT,
  },
  {
    name: '4mb',
    title: '4 MB, 16 at once',
    answer: ANSWER_4_MB,
    body: body('1024x1024'),
    connections: 16,
    durationMs: 1_200,
    warmUp: WARM_UP_SHORT,
  },
  {
    name: '27mb',
    title: '27 MB, 32 at once',
    answer: ANSWER_27_MB,
    body: body('2592x2608'),
    connections: 32,
    durationMs: 1_000,
    // The slowest system takes half a second of CPU for each.
    warmUp: { connections: 2, durationMs: 1 },
  },
];

/** The same in less time, for a look while one works: one round of it is not for publishing. */
export function shortened(lane: LoadLane): LoadLane {
  return { ...lane, durationMs: Math.min(lane.durationMs, 800) };
}

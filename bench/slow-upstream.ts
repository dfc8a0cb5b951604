import type { CannedAnswer } from './answers.ts';
import { type NodeUpstream, startNodeUpstream } from './node-upstream.ts';

/** Small, so that what a request costs is the work of a request, and not its bytes. */
const ANSWER_2_KB: CannedAnswer = { name: '2kb', width: 24, height: 24, channels: 3 };

/** How long the simulated upstream takes for a picture, in milliseconds. */
export const UPSTREAM_MS = 200;

/** An upstream that takes its time for each picture, and any number at once. */
export function startSlowUpstream(folder: string): Promise<NodeUpstream> {
  return startNodeUpstream({
    folder,
    program: 'slow',
    answer: ANSWER_2_KB,
    args: [String(UPSTREAM_MS)],
  });
}

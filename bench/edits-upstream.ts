import { ANSWER_64_KB } from './answers.ts';
import { type NodeUpstream, startNodeUpstream } from './node-upstream.ts';

export interface ReceivedEdits {
  readonly edits: number;
  /** Of their bodies. */
  readonly bytes: number;
}

/** An upstream that reads edits to their end and answers each with the same small picture. */
export interface EditsUpstream extends NodeUpstream {
  readonly received: () => Promise<ReceivedEdits>;
}

/** Not nginx, as elsewhere in the bench: that answers from a file before it has read the body. */
export async function startEditsUpstream(folder: string): Promise<EditsUpstream> {
  const upstream = await startNodeUpstream({ folder, program: 'edits', answer: ANSWER_64_KB });
  return {
    ...upstream,
    received: async () => (await (await fetch(upstream.url)).json()) as ReceivedEdits,
  };
}

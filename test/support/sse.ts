/** One piece of a stream: a comment, or an event with its one line of data. */
export type StreamPiece =
  | { readonly comment: string }
  | {
      readonly event: string;
      readonly data: Readonly<Record<string, unknown>>;
      /** The data line as it came. */
      readonly text: string;
    };

/** Reads Server-Sent Events strictly: every event must have a name and one line of JSON. */
export async function* readEvents(response: Response): AsyncGenerator<StreamPiece, void> {
  if (response.body === null) {
    return;
  }
  let rest = '';
  for await (const chunk of response.body.pipeThrough(new TextDecoderStream())) {
    const blocks = (rest + chunk).split('\n\n');
    rest = blocks.pop() ?? '';
    for (const block of blocks) {
      yield readBlock(block);
    }
  }
  if (rest !== '') {
    throw new Error(`the stream ended inside an event: ${rest.slice(0, 200)}`);
  }
}

function readBlock(block: string): StreamPiece {
  if (block.startsWith(': ')) {
    return { comment: block.slice(2) };
  }
  const match = /^event: (\S+)\ndata: (.*)$/.exec(block);
  const [, event, text] = match ?? [];
  if (event === undefined || text === undefined) {
    throw new Error(`this is no event: ${block.slice(0, 200)}`);
  }
  return { event, text, data: JSON.parse(text) as Record<string, unknown> };
}

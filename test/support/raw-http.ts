import { connect } from 'node:net';

/** An answer read off a socket, byte for byte. */
export interface RawAnswer {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string;
}

/**
 * Sends text over a socket of its own, which need not be HTTP, and reads the one answer that comes
 * back. Rejects when the server closes without one.
 */
export async function sendRaw(url: string, text: string): Promise<RawAnswer> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  socket.write(text);
  let received = '';
  try {
    for await (const chunk of socket) {
      received += (chunk as Buffer).toString('latin1');
      const answer = parseAnswer(received, false);
      if (answer !== undefined) {
        return answer;
      }
    }
  } finally {
    socket.destroy();
  }
  const answer = parseAnswer(received, true);
  if (answer !== undefined) {
    return answer;
  }
  throw new Error(`the server closed the connection after ${JSON.stringify(received)}`);
}

/** Undefined while the answer is not whole; without a length its last chunk or the end ends it. */
function parseAnswer(received: string, ended: boolean): RawAnswer | undefined {
  const end = received.indexOf('\r\n\r\n');
  if (end === -1) {
    return undefined;
  }
  const [statusLine = '', ...lines] = received.slice(0, end).split('\r\n');
  const headers = new Map(
    lines.map((line): [string, string] => {
      const colon = line.indexOf(':');
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
    }),
  );
  const body = received.slice(end + 4);
  const length = headers.get('content-length');
  const isWhole =
    ended || body.endsWith('0\r\n\r\n') || (length !== undefined && body.length >= Number(length));
  return isWhole ? { status: Number(statusLine.split(' ')[1]), headers, body } : undefined;
}

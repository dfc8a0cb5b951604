import { Agent, createServer, type IncomingMessage, request } from 'node:http';

/**
 * The gateway that Easel must not be: it takes the answer whole, parses it, and writes it anew.
 * As good as such a one can be: kept connections, one concatenation, one write with its length.
 * Arguments: the port to listen on, and the upstream's URL.
 */
const [port, upstreamUrl] = process.argv.slice(2);
const agent = new Agent({ keepAlive: true });

createServer((incoming, outgoing) => {
  answer(incoming).then(
    ({ status, text }) => {
      const headers = {
        'content-type': 'application/json',
        'content-length': Buffer.byteLength(text),
      };
      outgoing.writeHead(status, headers).end(text);
    },
    (error: unknown) => {
      outgoing.writeHead(502).end(String(error));
    },
  );
}).listen(Number(port), '127.0.0.1');

async function answer(
  incoming: IncomingMessage,
): Promise<{ readonly status: number; readonly text: string }> {
  const asked: unknown = JSON.parse(await readText(incoming));
  const upstream = await post(`${upstreamUrl}${incoming.url}`, JSON.stringify(asked));
  const answered: unknown = JSON.parse(await readText(upstream));
  return { status: upstream.statusCode ?? 502, text: JSON.stringify(answered) };
}

function post(url: string, body: string): Promise<IncomingMessage> {
  const headers = {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
  };
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  request(url, { method: 'POST', agent, headers }, resolve).on('error', reject).end(body);
  return promise;
}

async function readText(message: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  message.on('data', (chunk: Buffer) => chunks.push(chunk));
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  message.on('end', resolve).on('error', reject);
  await promise;
  return Buffer.concat(chunks).toString('utf8');
}

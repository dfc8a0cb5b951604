import { Agent, createServer, request } from 'node:http';
import { pipeline } from 'node:stream';

/**
 * Passes requests and answers on without a look at them, as Node's own streams do it.
 * Arguments: the port to listen on, and the upstream's URL.
 */
const [port, upstreamUrl] = process.argv.slice(2);
const agent = new Agent({ keepAlive: true });

createServer((incoming, outgoing) => {
  const { host: _host, connection: _connection, ...headers } = incoming.headers;
  const upstream = request(
    `${upstreamUrl}${incoming.url}`,
    { method: incoming.method, agent, headers },
    (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, {
        'content-type': answer.headers['content-type'],
        'content-length': answer.headers['content-length'],
      });
      pipeline(answer, outgoing, () => undefined);
    },
  );
  upstream.on('error', (error) => {
    if (outgoing.headersSent) {
      outgoing.destroy();
    } else {
      outgoing.writeHead(502).end(String(error));
    }
  });
  incoming.pipe(upstream);
}).listen(Number(port), '127.0.0.1');

import { connect, type Socket } from 'node:net';

export interface Target {
  /** The whole URL that the requests go to. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
}

export interface ConnectionHandlers {
  /** The bytes are borrowed until it returns. False pauses the connection. */
  readonly onData: (data: Buffer) => boolean;
  /** Once, whoever closed it. */
  readonly onClose: (reason: string) => void;
  /** How long nothing may pass, in either direction; a minute by default. */
  readonly silenceMs?: number;
}

/** One for all connections: nobody keeps what it lends. As large as what a socket holds. */
const sharedBuffer = Buffer.allocUnsafe(512 * 1024);

/** No system may be silent for longer; the slowest takes half of it for its first answer. */
const SILENCE_MS = 60_000;

/** A keep-alive connection to a system, whose bytes are read without a copy. */
export function openConnection({ url }: Target, handlers: ConnectionHandlers): Socket {
  const { hostname, port } = new URL(url);
  const socket = connect({
    host: hostname,
    port: Number(port),
    noDelay: true,
    onread: {
      buffer: sharedBuffer,
      callback: (count) => handlers.onData(sharedBuffer.subarray(0, count)),
    },
  });
  let reason = 'the connection was closed';
  const { silenceMs = SILENCE_MS } = handlers;
  socket.setTimeout(silenceMs, () => {
    reason = `nothing came for ${silenceMs / 1000} s`;
    socket.destroy();
  });
  socket.on('error', (error) => {
    reason = error.message;
  });
  socket.on('close', () => handlers.onClose(reason));
  return socket;
}

/** A POST of that JSON body, ready to be written. */
export function requestText(target: Target, body: string): string {
  const bytes = Buffer.byteLength(body);
  return `${requestHead(target, { contentType: 'application/json', bytes })}${body}`;
}

/** What is written before a body of that type and length. */
export function requestHead(
  { url, headers }: Target,
  { contentType, bytes }: { readonly contentType: string; readonly bytes: number },
): string {
  const { host, pathname } = new URL(url);
  const lines = Object.entries({
    host,
    'content-type': contentType,
    'content-length': String(bytes),
    ...headers,
  }).map(([name, value]) => `${name}: ${value}\r\n`);
  return `POST ${pathname} HTTP/1.1\r\n${lines.join('')}\r\n`;
}

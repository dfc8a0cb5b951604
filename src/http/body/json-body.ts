import type { FastifyInstance, FastifyRequest } from 'fastify';
import { arrivingBody, type ArrivingOptions, passBy } from './arriving.ts';

export interface JsonBodyOptions extends ArrivingOptions {
  /** Told of bytes that are now in memory; may throw. */
  readonly takeBytes: (bytes: number) => void;
  readonly giveBytes: (bytes: number) => void;
}

/** Reads JSON bodies whole, within bounds of size, silence, pace and memory, and parses them. */
export function readJsonBodies(server: FastifyInstance, options: JsonBodyOptions): void {
  // Fastify's own, which refuses keys that would reach a prototype.
  const parse = server.getDefaultJsonParser('error', 'error');
  server.removeContentTypeParser('application/json');
  server.addContentTypeParser('application/json', async (request: FastifyRequest) => {
    const text = await readWhole(request, options);
    return new Promise((resolve, reject) => {
      void parse(request, text, (error, value) =>
        error === null ? resolve(value) : reject(error),
      );
    });
  });
}

async function readWhole(
  request: Parameters<typeof arrivingBody>[0],
  options: JsonBodyOptions,
): Promise<string> {
  const chunks: Buffer[] = [];
  let taken = 0;
  try {
    for await (const chunk of arrivingBody(request, options)) {
      options.takeBytes(chunk.length);
      taken += chunk.length;
      chunks.push(chunk);
    }
    return Buffer.concat(chunks).toString();
  } catch (error) {
    passBy(request, options);
    throw error;
  } finally {
    options.giveBytes(taken);
  }
}

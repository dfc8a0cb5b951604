import { request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { buffer } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { z } from 'zod';
import { ErrorEnvelope } from '../contract/answers.ts';
import type { StreamedBody } from '../egress/streamed-body.ts';
import { CommandError, type Invocation, UsageError } from './command.ts';
import { ApiError } from './errors.ts';
import { readConfig } from './settings.ts';

/** A running Easel server, asked over HTTP. */
export interface Remote {
  readonly url: string;
  /** The answer's JSON. Throws an ApiError, or a CommandError for what is no answer of Easel's. */
  readonly get: (path: string) => Promise<unknown>;
  /** The same, with a JSON document or a form, which is sent while it is read. */
  readonly post: (path: string, body: StreamedBody, options?: PostOptions) => Promise<unknown>;
  /** Asks for something to be removed, whatever comes of it. */
  readonly remove: (path: string) => Promise<void>;
}

export interface PostOptions {
  readonly signal?: AbortSignal;
  /** The `x-request-id`, by which the request can be found. */
  readonly requestId?: string;
}

/** The admin API of the server that was named. */
export interface AdminRemote {
  /** The answer's JSON. Throws as a Remote does. */
  readonly call: (method: Asked['method'], path: string, body?: StreamedBody) => Promise<unknown>;
}

export function openAdminRemote(invocation: Invocation): AdminRemote {
  const { client, adminKey } = readConfig(invocation);
  const { server } = client;
  if (server === undefined || adminKey === undefined) {
    throw new UsageError(
      'The admin API is that of a server, with its admin key.',
      'Name it by EASEL_SERVER or --server, and give the key by EASEL_ADMIN_KEY.',
    );
  }
  const url = server.replace(/\/v1$/, '');
  return {
    call: (method, path, body) =>
      ask({
        url: `${url}/admin/v1${path}`,
        method,
        headers: {
          authorization: `Bearer ${adminKey}`,
          ...(body === undefined
            ? {}
            : { 'content-type': body.contentType, 'content-length': String(body.contentLength) }),
        },
        ...(body === undefined ? {} : { body }),
      }),
  };
}

/** The server that was named by `--server` or EASEL_SERVER; undefined when none was. */
export function openRemote(
  invocation: Invocation,
  { needsKey }: { readonly needsKey: boolean },
): Remote | undefined {
  const { server, apiKey } = readConfig(invocation).client;
  if (server === undefined) {
    return undefined;
  }
  if (apiKey === undefined && needsKey) {
    throw new UsageError(
      `The server ${server} wants an API key.`,
      'Give it by EASEL_API_KEY or --key.',
    );
  }
  // Who copies a base URL from an SDK's settings has /v1 at its end.
  const url = server.replace(/\/v1$/, '');
  const headers = apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` };
  return {
    url,
    get: (path) => ask({ url: `${url}${path}`, method: 'GET', headers }),
    post: (path, body, { signal, requestId } = {}) =>
      ask({
        url: `${url}${path}`,
        method: 'POST',
        headers: {
          ...headers,
          'content-type': body.contentType,
          'content-length': String(body.contentLength),
          ...(requestId === undefined ? {} : { 'x-request-id': requestId }),
        },
        body,
        ...(signal === undefined ? {} : { signal }),
      }),
    remove: async (path) => {
      await exchange({ url: `${url}${path}`, method: 'DELETE', headers });
    },
  };
}

interface Asked {
  readonly url: string;
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: StreamedBody;
  readonly signal?: AbortSignal;
}

/** Without a time limit: a picture may take minutes, and the server has its own. */
async function ask(asked: Asked): Promise<unknown> {
  const { status, bytes } = await exchange(asked).catch((error: unknown) => {
    if (asked.signal?.aborted === true) {
      throw asked.signal.reason;
    }
    throw error instanceof CommandError ? error : unreachable(asked.url, error);
  });
  const answer = parseJson(bytes);
  if (status === 200 && answer !== undefined) {
    return answer;
  }
  const envelope = ErrorEnvelope.safeParse(answer);
  if (!envelope.success) {
    const { origin } = new URL(asked.url);
    throw new CommandError(`${origin} answered ${status} with something that is not Easel's.`);
  }
  const { code, type, message, param } = envelope.data.error;
  throw new ApiError(code ?? type, message, param);
}

async function exchange(asked: Asked): Promise<{ status: number; bytes: Buffer }> {
  const { url, method, headers, body, signal } = asked;
  const send = url.startsWith('https:') ? requestHttps : requestHttp;
  return new Promise((resolve, reject) => {
    const request = send(url, { method, headers, ...(signal === undefined ? {} : { signal }) });
    request.setSocketKeepAlive(true, 30_000);
    let isAnswered = false;
    const fail = (error: unknown): void => {
      // A server that refuses a body in its middle may close the connection: its words count.
      if (!isAnswered) {
        reject(error);
      }
    };
    request.on('error', fail);
    request.once('response', (response) => {
      isAnswered = true;
      // Fails, too, when the answer breaks off in its middle.
      buffer(response)
        .then((bytes) => resolve({ status: response.statusCode ?? 0, bytes }), reject)
        // The rest of a body that was refused is not sent, nor waited for.
        .finally(() => request.destroy());
    });
    if (body === undefined) {
      request.end();
    } else {
      pipeline(body.chunks(), request).catch(fail);
    }
  });
}

function unreachable(url: string, error: unknown): CommandError {
  const { origin } = new URL(url);
  const code = (error as NodeJS.ErrnoException | undefined)?.code;
  if (code === 'ECONNREFUSED' || code === 'ENOTFOUND') {
    return new CommandError(`No server answers at ${origin} (${code}).`, {
      hint: 'npx easel serve starts one; without --server and EASEL_SERVER none is needed.',
    });
  }
  const why = error instanceof Error ? error.message : String(error);
  return new CommandError(`The connection to ${origin} broke: ${why}.`);
}

function parseJson(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString()) as unknown;
  } catch {
    return undefined;
  }
}

/** Reads a server's answer by a schema of the contract. Throws when it is something else. */
export function readAnswer<Schema extends z.ZodType>(
  schema: Schema,
  answer: unknown,
  remote: Remote,
): z.output<Schema> {
  const result = schema.safeParse(answer);
  if (!result.success) {
    throw new CommandError(`${remote.url} gave an answer that this version does not understand.`);
  }
  return result.data;
}

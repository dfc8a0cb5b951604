import type { StreamedBody } from '../egress/streamed-body.ts';
import { type Command, UsageError } from './command.ts';
import { openAdminRemote } from './remote.ts';
import { SERVER_OPTIONS } from './settings.ts';

const METHODS = ['GET', 'POST', 'PATCH', 'DELETE'] as const;
type Method = (typeof METHODS)[number];

export const adminCommand: Command = {
  name: 'admin',
  summary: 'Call the admin API of a server, wherever it runs.',
  operand: { placeholder: 'METHOD PATH', required: true },
  manyOperands: true,
  options: {
    server: SERVER_OPTIONS.server,
    data: { type: 'string', placeholder: 'JSON', summary: 'What is sent.' },
  },
  notes: [
    'EASEL_ADMIN_KEY is the key. PATH begins behind /admin/v1.',
    'The page /docs of the server lists all calls. Prints the JSON of the answer.',
  ],
  examples: [
    'easel admin GET /accounts --server https://easel.example',
    `easel admin POST /accounts --data '{"name":"acme"}'`,
  ],
  run: async (invocation) => {
    const { operands, options, terminal } = invocation;
    const [method = '', path = '', ...rest] = operands;
    if (!isMethod(method) || !path.startsWith('/') || rest.length > 0) {
      throw new UsageError(
        `"${operands.join(' ')}" is no call: it is ${METHODS.join(', ')}, and a path.`,
        'easel admin GET /accounts',
      );
    }
    const remote = openAdminRemote(invocation);
    terminal.printJson(await remote.call(method, path, bodyOf(options.text('data'))));
    return 0;
  },
};

function isMethod(text: string): text is Method {
  return METHODS.some((method) => method === text);
}

function bodyOf(text: string | undefined): StreamedBody | undefined {
  if (text === undefined) {
    return undefined;
  }
  try {
    JSON.parse(text);
  } catch {
    throw new UsageError('--data: it is not JSON.');
  }
  const bytes = Buffer.from(text);
  return {
    contentType: 'application/json',
    contentLength: bytes.length,
    chunks: async function* () {
      yield bytes;
    },
  };
}

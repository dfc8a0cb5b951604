import { join } from 'node:path';
import { type CannedAnswer, type WrittenAnswer, writeAnswer } from './answers.ts';
import { startNginx } from './nginx.ts';
import { LOAD_CORE } from './processes.ts';

/** The one upstream of all systems: canned answers, sent from files by nginx. */
export interface Upstream {
  /** What a system takes for OpenAI's base URL, without `/v1`. */
  readonly urlOf: (answer: CannedAnswer) => string;
  readonly writtenOf: (answer: CannedAnswer) => WrittenAnswer;
  readonly stop: () => Promise<void>;
}

/** Writes the answers and starts the server, on the core of the load. */
export async function startUpstream(
  folder: string,
  answers: readonly CannedAnswer[],
): Promise<Upstream> {
  const root = join(folder, 'answers');
  const written = new Map<string, WrittenAnswer>();
  for (const answer of answers) {
    written.set(answer.name, await writeAnswer(root, answer));
  }
  const nginx = await startNginx({
    folder: join(folder, 'upstream'),
    core: LOAD_CORE,
    http: (port) => server(root, port),
  });
  return {
    urlOf: ({ name }) => `http://127.0.0.1:${nginx.port}/${name}`,
    writtenOf: ({ name }) => {
      const found = written.get(name);
      if (found === undefined) {
        throw new Error(`the upstream has no answer '${name}'`);
      }
      return found;
    },
    stop: nginx.stop,
  };
}

/** A file answers only GET; the 405 that POST gets is sent the same file, as a 200. */
function server(root: string, port: number): string {
  return `
  sendfile on;
  tcp_nopush on;
  keepalive_requests 1000000;
  keepalive_timeout 600s;
  open_file_cache max=16;
  server {
    listen 127.0.0.1:${port};
    root ${root};
    location / { error_page 405 =200 $uri; }
  }`;
}

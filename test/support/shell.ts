import { spawn } from 'node:child_process';
import { once } from 'node:events';

/** Whether the `curl` of the documents' examples is on this machine. With CI=true it must be. */
export async function skipWithoutCurl(): Promise<string | false> {
  if (process.env['CI'] === 'true') {
    return false;
  }
  const found = await runShell('curl --version', {}).catch(() => '');
  return found === '' ? 'there is no curl on this machine' : false;
}

/** Runs a command line as a person would paste it; returns what it printed. Throws if it fails. */
export async function runShell(
  command: string,
  environment: Readonly<Record<string, string>>,
): Promise<string> {
  const child = spawn('sh', ['-c', command], {
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const output = { stdout: '', stderr: '' };
  child.stdout.on('data', (chunk: Buffer) => {
    output.stdout += chunk.toString();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    output.stderr += chunk.toString();
  });
  const [status] = (await once(child, 'close')) as [number | null];
  if (status !== 0) {
    throw new Error(`the command ended with ${status}: ${output.stderr}`);
  }
  return output.stdout;
}

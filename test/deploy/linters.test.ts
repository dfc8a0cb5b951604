import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { suite, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
import { skipWithoutPython, spawnTool } from '../support/python.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** Each must find nothing at all in its file. */
const LINTERS = [
  { file: 'Dockerfile', tool: 'hadolint', args: [] },
  { file: 'deploy/kubernetes.yaml', tool: 'kubernetes-validate', args: ['--strict'] },
  // With its port: without EASEL_PUBLIC_URL, links begin with the host that was asked for.
  { file: 'deploy/nginx.conf', tool: 'gixy', args: ['--skips', 'host_spoofing'] },
] as const;

suite('the files to deploy from', { skip: skipWithoutPython }, () => {
  for (const { file, tool, args } of LINTERS) {
    test(`${tool} finds nothing in ${file}`, async () => {
      const child = spawnTool(tool, [...args, file], { folder: ROOT, environment: {} });
      let output = '';
      for (const stream of [child.stdout, child.stderr]) {
        stream.on('data', (chunk: Buffer) => {
          output += chunk.toString();
        });
      }
      const [status] = (await once(child, 'close')) as [number | null];
      assert.equal(status, 0, output);
      assert.doesNotMatch(output, /\bDL\d{4}\b|WARN|Problem:/);
    });
  }

  test('compose.yaml names only services, volumes and networks that it has', async () => {
    const compose = parse(await readFile(`${ROOT}/deploy/compose.yaml`, 'utf8'), {
      merge: true,
    }) as Compose;
    const services = Object.keys(compose.services);
    const volumes = Object.keys(compose.volumes ?? {});
    for (const [name, service] of Object.entries(compose.services)) {
      for (const other of Object.keys(service.depends_on ?? {})) {
        assert.ok(services.includes(other), `${name} depends on ${other}`);
      }
      for (const volume of service.volumes ?? []) {
        const [source = ''] = volume.split(':');
        assert.ok(source.startsWith('.') || volumes.includes(source), `${name} mounts ${source}`);
      }
    }
  });
});

interface Compose {
  readonly services: Readonly<
    Record<
      string,
      {
        readonly depends_on?: Readonly<Record<string, unknown>>;
        readonly volumes?: readonly string[];
      }
    >
  >;
  readonly volumes?: Readonly<Record<string, unknown>>;
}

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** One violation of each rule of ARCHITECTURE.md, and the lint rule that must catch it. */
interface Planted {
  readonly what: string;
  readonly file: string;
  readonly code: string;
  readonly rule: string;
  /** Another file that the planted one needs. */
  readonly also?: { readonly file: string; readonly code: string };
}

const imports = (path: string): string => `import { planted } from '${path}';\nvoid planted;\n`;
const RESTRICTED = 'no-restricted-imports';

const PLANTED: readonly Planted[] = [
  ...roomViolations({
    base: ['../config/x.ts', 'fastify'],
    config: ['../catalog/x.ts', 'kysely'],
    contract: ['../catalog/x.ts', 'fastify'],
    catalog: ['../store/x.ts', '../http/x.ts', '../providers/x.ts'],
    egress: ['../store/x.ts', '../http/x.ts', '../providers/x.ts', 'fastify'],
    payload: ['../store/x.ts', '../http/x.ts', '../providers/x.ts'],
    blobs: ['../store/x.ts', '../http/x.ts', '../requests/x.ts', 'undici', 'aws4fetch'],
    providers: ['../store/x.ts', '../ledger/x.ts', '../catalog/x.ts', '../http/x.ts', 'undici'],
    'providers/painter': ['../provider.ts', '../../base/x.ts', 'zod'],
    store: ['../ledger/x.ts', '../http/x.ts', 'fastify'],
    ledger: [
      '../http/x.ts',
      '../admin/x.ts',
      '../providers/x.ts',
      '../pipeline/x.ts',
      'kysely',
      'node:sqlite',
    ],
    access: ['../http/x.ts', '../providers/x.ts', '../pipeline/x.ts', 'kysely'],
    requests: ['../http/x.ts', '../providers/x.ts', '../catalog/x.ts'],
    pipeline: ['../http/x.ts', '../store/x.ts', 'fastify', 'kysely', 'undici'],
    admin: ['../http/x.ts', '../pipeline/x.ts', 'fastify', 'kysely'],
    telemetry: ['../store/x.ts', '../http/x.ts', 'fastify', 'undici'],
    http: ['../providers/x.ts', '../store/x.ts', 'kysely', 'undici', 'prom-client'],
    'http/routes': ['../../providers/x.ts', '../../store/x.ts', 'kysely'],
  }),
  {
    what: 'the pipeline takes the ledger as a value, not as a type',
    file: 'src/pipeline/planted.ts',
    code: imports('../ledger/ledger.ts'),
    rule: RESTRICTED,
  },
  {
    what: 'a cycle',
    file: 'src/base/planted.ts',
    code: "import { other } from './other.ts';\nexport const planted = (): unknown => other;\n",
    also: {
      file: 'src/base/other.ts',
      code: "import { planted } from './planted.ts';\nexport const other = (): unknown => planted;\n",
    },
    rule: 'no-cycle',
  },
  {
    what: 'a default export',
    file: 'src/base/planted.ts',
    code: 'export default function planted(): void {}\n',
    rule: 'no-default-export',
  },
  {
    what: 'a barrel',
    file: 'src/base/planted.ts',
    code: "export * from './other.ts';\n",
    also: { file: 'src/base/other.ts', code: 'export const other = 1;\n' },
    rule: 'no-barrel-file',
  },
  {
    what: 'process.env outside config/env.ts',
    file: 'src/http/planted.ts',
    code: "export const planted = process.env['HOME'];\n",
    rule: 'no-process-env',
  },
  {
    what: 'a dropped await',
    file: 'src/ledger/planted.ts',
    code: 'async function settle(): Promise<void> {}\nexport function planted(): void {\n  settle();\n}\n',
    rule: 'no-floating-promises',
  },
  {
    what: 'a promise where a boolean is expected',
    file: 'src/ledger/planted.ts',
    code:
      'async function held(): Promise<boolean> {\n  return true;\n}\n' +
      'export const planted = (): number => (held() ? 1 : 0);\n',
    rule: 'no-misused-promises',
  },
  {
    what: 'a union that is not exhausted',
    file: 'src/base/planted.ts',
    code:
      "export function planted(kind: 'a' | 'b'): void {\n" +
      "  switch (kind) {\n    case 'a':\n      break;\n  }\n}\n",
    rule: 'switch-exhaustiveness-check',
  },
  {
    what: 'any',
    file: 'src/base/planted.ts',
    code: 'export const planted = (value: any): unknown => value;\n',
    rule: 'no-explicit-any',
  },
  {
    what: 'a non-null assertion',
    file: 'src/base/planted.ts',
    code: 'export const planted = (value: string | undefined): string => value!;\n',
    rule: 'no-non-null-assertion',
  },
  {
    what: 'a file of over 300 lines',
    file: 'src/base/planted.ts',
    code: `export const planted = [\n${'  1,\n'.repeat(300)}];\n`,
    rule: 'max-lines',
  },
  {
    what: 'a function of over 70 lines',
    file: 'src/base/planted.ts',
    code: `export function planted(): void {\n${'  void 0;\n'.repeat(71)}}\n`,
    rule: 'max-lines-per-function',
  },
];

test('each planted violation turns the lint red', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'easel-architecture-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  await cp(join(ROOT, '.oxlintrc.json'), join(folder, '.oxlintrc.json'));
  await cp(join(ROOT, 'tsconfig.json'), join(folder, 'tsconfig.json'));
  await symlink(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  for (const planted of PLANTED) {
    await t.test(`${planted.file}: ${planted.what}`, async () => {
      const files = planted.also === undefined ? [planted] : [planted, planted.also];
      for (const { file, code } of files) {
        await mkdir(dirname(join(folder, file)), { recursive: true });
        await writeFile(join(folder, file), code);
      }
      const { status, output } = await lint(folder);
      await rm(join(folder, 'src'), { recursive: true });
      assert.notEqual(status, 0, output);
      assert.match(output, new RegExp(`${planted.file}.*\\(${planted.rule}\\)`), output);
    });
  }
});

test('what stands is clean by the same rules', async () => {
  const { status, output } = await lint(ROOT);
  assert.equal(status, 0, output);
});

test('every folder of src has its caption in ARCHITECTURE.md, and says nothing of others', async () => {
  const text = await readFile(join(ROOT, 'ARCHITECTURE.md'), 'utf8');
  const folders = (await readdir(join(ROOT, 'src'), { withFileTypes: true }))
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name);
  const captions = [...text.matchAll(/^\| `src\/(\w+)\/` \|/gm)].map(([, name]) => name);
  assert.deepEqual(captions.toSorted(), folders.toSorted());
});

function roomViolations(rooms: Readonly<Record<string, readonly string[]>>): Planted[] {
  return Object.entries(rooms).flatMap(([room, paths]) =>
    paths.map((path) => ({
      what: `${room} imports ${path}`,
      file: `src/${room}/planted.ts`,
      code: imports(path),
      rule: RESTRICTED,
    })),
  );
}

function lint(folder: string): Promise<{ readonly status: number; readonly output: string }> {
  const command = join(ROOT, 'node_modules', '.bin', 'oxlint');
  return new Promise((resolve) => {
    execFile(
      command,
      ['--type-aware', '--format=unix', 'src'],
      { cwd: folder },
      (error, stdout) => {
        resolve({ status: error === null ? 0 : Number(error.code ?? 1), output: stdout });
      },
    );
  });
}

test('SECURITY.md names tests that exist', async () => {
  const text = await readFile(join(ROOT, 'SECURITY.md'), 'utf8');
  const named = [...text.matchAll(/`((?:src|test)\/[\w./-]+\.test\.ts)`/g)].map(([, file]) => file);
  assert.ok(named.length > 15, String(named.length));
  await Promise.all(named.map((file) => readFile(join(ROOT, file ?? ''))));
});

import { readFileSync } from 'node:fs';
import { isMap, isScalar, LineCounter, type Document, parseDocument } from 'yaml';
import { z } from 'zod';

const seconds = (least: number, most: number): z.ZodNumber => z.number().min(least).max(most);

/** The schema of `easel.yaml`. Every field may be left out; unknown names are refused. */
const ConfigFile = z.strictObject({
  /** The `owned_by` of every model in the list. */
  owned_by: z.string().min(1).default('deepshi'),
  /** false: quotes need a key, too. */
  public_catalogue: z.boolean().default(true),
  /** full: a power cut loses nothing that was answered. normal: faster, it may lose the last. */
  durability: z.enum(['full', 'normal']).default('full'),
  body_limits: z
    .strictObject({
      generations_bytes: z
        .int()
        .min(1024)
        .default(1024 * 1024),
    })
    .prefault({}),
  time: z
    .strictObject({
      /** The most that one request may take, from its start. */
      request_seconds: seconds(0.1, 3600).default(600),
      /** A stream's comment after this much silence. */
      keepalive_seconds: seconds(0.05, 60).default(10),
      /** How long SIGTERM waits for what still runs. */
      drain_seconds: seconds(0, 3600).default(600),
    })
    .prefault({}),
});

export type FileConfig = z.output<typeof ConfigFile>;

export const DEFAULT_FILE_CONFIG: FileConfig = ConfigFile.parse({});

/** Reads the config file. Throws an Error whose lines are `file:line: field: reason`. */
export function readConfigFile(path: string): FileConfig {
  const lines = new LineCounter();
  const document = parseDocument(readFileSync(path, 'utf8'), { lineCounter: lines });
  const broken = document.errors[0];
  if (broken !== undefined) {
    throw new Error(`${path}:${lines.linePos(broken.pos[0]).line}: ${broken.message}`);
  }
  const result = ConfigFile.safeParse(document.toJS() ?? {});
  if (result.success) {
    return result.data;
  }
  const problems = result.error.issues.map((issue) => {
    const keys = issue.code === 'unrecognized_keys' ? [...issue.path, ...issue.keys] : issue.path;
    const line = lines.linePos(offsetOf(document, keys)).line;
    return `${path}:${line}: ${keys.map(String).join('.') || 'file'}: ${issue.message}`;
  });
  throw new Error(problems.join('\n'));
}

/** Where the deepest part of the path that exists begins in the file. */
function offsetOf(document: Document, path: readonly PropertyKey[]): number {
  let node: unknown = document.contents;
  let offset = 0;
  for (const key of path) {
    if (!isMap(node)) {
      break;
    }
    const pair = node.items.find((item) => isScalar(item.key) && item.key.value === key);
    const keyNode: unknown = pair?.key;
    if (pair === undefined || !isScalar(keyNode)) {
      break;
    }
    offset = keyNode.range?.[0] ?? offset;
    node = pair.value;
  }
  return offset;
}

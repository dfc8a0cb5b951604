import { isMap, isScalar, LineCounter, type Document, parseDocument } from 'yaml';
import { z } from 'zod';
import { BUILT_IN_PROVIDER } from './account.ts';
import { account, seconds } from './file-account.ts';

function checkNames(accounts: object, context: z.RefinementCtx): void {
  for (const name of Object.keys(accounts)) {
    if (!/^[a-z][a-z0-9-]*$/.test(name)) {
      const message = 'a name is lower case letters, digits and -, and begins with a letter';
      context.addIssue({ code: 'custom', path: [name], message });
    } else if (name === BUILT_IN_PROVIDER) {
      const message = 'this is the engine inside Easel; it has no account';
      context.addIssue({ code: 'custom', path: [name], message });
    }
  }
}

const ORIGIN_PATTERN = /^(?:\*|https?:\/\/[^\s/?#@]+)$/;
const ORIGIN_MESSAGE = 'must be an origin without a path, as https://app.example, or *';

const limits = z.strictObject({
  requests_per_minute: z.int().min(1).max(1_000_000).optional(),
  images_per_minute: z.int().min(1).max(1_000_000).optional(),
  megapixels_per_minute: z.int().min(1).max(1_000_000).optional(),
  in_flight: z.int().min(1).max(1_000_000).optional(),
  monthly_budget_usd: z.number().min(0.000001).max(1_000_000_000).optional(),
});

export type LimitSection = z.output<typeof limits>;

/** The schema of `easel.yaml`. Every field may be left out; unknown names are refused. */
const schema = z.strictObject({
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
      /** Pictures included; what is none counts as a generation does. */
      edits_bytes: z
        .int()
        .min(1024)
        .default(512 * 1024 * 1024),
    })
    .prefault({}),
  /** Of EASEL_DATABASE_URL; the embedded database has none of these. */
  database: z
    .strictObject({
      /** Of this process, at most. All processes together must stay below what the server allows. */
      max_connections: z.int().min(2).max(1000).default(10),
      /** How long one statement may take on the server. */
      statement_seconds: seconds(0.1, 600).default(10),
      /** How long a query waits for a connection. */
      connect_seconds: seconds(0.1, 60).default(5),
    })
    .prefault({}),
  results: z
    .strictObject({
      /** true: `response_format: url` gives a signed link in place of a `data:` URI. */
      hosted_urls: z.boolean().default(false),
    })
    .prefault({}),
  time: z
    .strictObject({
      /** The most that one request may take, from its start. */
      request_seconds: seconds(0.1, 3600).default(600),
      /** A stream's comment after this much silence. */
      keepalive_seconds: seconds(0.05, 60).default(10),
      /** The longest silence in the middle of a body that is sent to us. */
      upload_idle_seconds: seconds(0.1, 600).default(30),
      /** How long the head of a request may take. */
      head_seconds: seconds(0.1, 600).default(15),
      /** So long a process that tells nothing of itself counts as alive; then others take over. */
      lease_seconds: seconds(1, 3600).default(30),
      /** How long SIGTERM waits for what still runs. */
      drain_seconds: seconds(0, 3600).default(600),
    })
    .prefault({}),
  /** Beyond these new work is turned away with a 503, and what runs is finished. */
  overload: z
    .strictObject({
      /** Connections that are open at once. */
      max_connections: z.int().min(1).max(1_000_000).default(10_000),
      /** Requests for pictures that run, or wait for their turn at an upstream. */
      max_requests: z.int().min(1).max(1_000_000).default(2000),
      /** Bytes of JSON bodies that are in memory while they arrive. */
      max_body_bytes: z
        .int()
        .min(1024)
        .default(256 * 1024 * 1024),
      /** How long a turn of the event loop may take on the average; from a quarter of it on some are shed. */
      max_event_loop_delay_ms: z.number().min(1).max(60_000).default(30),
      /** A body that takes longer than upload_idle_seconds must come at this pace on the average. */
      min_body_bytes_per_second: z.int().min(0).max(1_000_000).default(256),
    })
    .prefault({}),
  telemetry: z
    .strictObject({
      /** off: there is no /metrics. */
      metrics: z.enum(['on', 'off']).default('on'),
      /** How many of the traces that begin here are sent: 0 to 1. */
      trace_ratio: z.number().min(0).max(1).default(1),
    })
    .prefault({}),
  /** Browsers: the origins whose pages may call this server, as `https://app.example`. */
  cors: z
    .strictObject({
      origins: z.array(z.string().regex(ORIGIN_PATTERN, ORIGIN_MESSAGE)).default([]),
    })
    .prefault({}),
  limits: z
    .strictObject({
      /** Of each key, and of each account in each mode, that has none of its own. */
      key: limits.prefault({}),
      account: limits.prefault({}),
    })
    .prefault({}),
  routing: z
    .strictObject({
      /** Calls on one route, if it is certain that none was bought, before the next is tried. */
      attempts: z.int().min(1).max(10).default(2),
      /** The pause before the second of them; each further one is twice as long. */
      backoff_seconds: seconds(0, 60).default(0.25),
      /** So long a call waits when all routes rest; then it is refused. */
      patience_seconds: seconds(0, 600).default(5),
      breaker: z
        .strictObject({
          /** So many failures in a row take a route out of use. */
          failures: z.int().min(1).max(1000).default(5),
          /** For so long, at first; then one call is let through to try it. */
          open_seconds: seconds(0.05, 3600).default(30),
          /** A call that takes longer counts as a failure. */
          slow_seconds: seconds(0.1, 3600).default(300),
        })
        .prefault({}),
    })
    .prefault({}),
  providers: z.record(z.string(), account).superRefine(checkNames).default({}),
  /** Room for YAML anchors; not read. */
  shared: z.unknown().optional(),
  /** The catalogue's, which reads them anew whenever the file changes: its operator.ts. */
  models: z.unknown().optional(),
  markup: z.unknown().optional(),
});

type Sections = z.output<typeof schema>;

/** The sections that are settings as they stand. */
export type FileConfig = Omit<Sections, 'providers' | 'shared' | 'models' | 'markup'>;

export type AccountSource = z.output<typeof account>;

/** A config file whose keys and values can all be read. */
export interface ConfigFile {
  readonly settings: FileConfig;
  /** By name, in the order of the file. */
  readonly accounts: ReadonlyMap<string, AccountSource>;
  /** `easel.yaml:12: providers.mine.base_url`: how a problem with that part begins. */
  readonly place: (path: readonly PropertyKey[]) => string;
}

/** What a file without a line amounts to. */
export const EMPTY_CONFIG_FILE: ConfigFile = toConfigFile(schema.parse({}), formatPath);

/**
 * The text of a config file, checked. Throws an Error whose lines are `name:line: field: reason`;
 * none of them holds a value of the file, since it may be a credential.
 */
export function parseConfigFile(name: string, content: string): ConfigFile {
  const lines = new LineCounter();
  const document = parseDocument(content, {
    lineCounter: lines,
    merge: true,
    // The pretty ones quote the line, and with it whatever credential stands there.
    prettyErrors: false,
  });
  const [broken] = document.errors;
  if (broken !== undefined) {
    throw new Error(
      `${name}:${lines.linePos(broken.pos[0]).line}: ${withoutQuote(broken.message)}`,
    );
  }
  const place = (path: readonly PropertyKey[]): string =>
    `${name}:${lines.linePos(offsetOf(document, path)).line}: ${formatPath(path) || 'file'}`;
  const result = schema.safeParse(withoutEmptySections(valueOf(document, name)));
  if (result.success) {
    return toConfigFile(result.data, place);
  }
  const problems = result.error.issues.map((issue) => {
    const keys = issue.code === 'unrecognized_keys' ? [...issue.path, ...issue.keys] : issue.path;
    return `${place(keys)}: ${issue.message}`;
  });
  throw new Error(problems.join('\n'));
}

function toConfigFile(sections: Sections, place: ConfigFile['place']): ConfigFile {
  const { providers, shared: _, models: __, markup: ___, ...settings } = sections;
  return { settings, accounts: new Map(Object.entries(providers)), place };
}

function valueOf(document: Document, name: string): unknown {
  try {
    return document.toJS();
  } catch (error) {
    // An alias without its anchor, or a bomb of them. The document does not say where.
    const reason = error instanceof Error ? withoutQuote(error.message) : 'it cannot be read';
    throw new Error(`${name}:1: ${reason}`, { cause: error });
  }
}

/** Some of the parser's messages end in what it found, which may be a credential. */
function withoutQuote(message: string): string {
  return message.replace(/(: |\\|").*$/s, '');
}

/** A section whose lines are all commented out is null in YAML: as if it were not there. */
function withoutEmptySections(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return value ?? {};
  }
  return Object.fromEntries(Object.entries(value).filter(([, section]) => section !== null));
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

function formatPath(path: readonly PropertyKey[]): string {
  return path.map(String).join('.');
}

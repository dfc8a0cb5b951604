import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import { splice, spliceEvents, type SpliceOptions, type SplicePart } from './splice.ts';

/**
 * Random documents, cut at random places, must come out of `splice` as JSON.parse reads them; what
 * JSON.parse refuses must be refused. `EASEL_FUZZ_CASES` sets how many of each; `EASEL_FUZZ_SEED`
 * repeats one case, whose seed a failure prints.
 */
const CASES = Number(process.env['EASEL_FUZZ_CASES'] ?? 10_000);
const ONE_SEED = process.env['EASEL_FUZZ_SEED'];

const KEYS = ['b64_json', 'data', 'bild'];
const BASE64 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

/** A small fast generator (mulberry32): the same seed gives the same case on every machine. */
class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  below(bound: number): number {
    return Math.floor(this.next() * bound);
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  pick<T>(choices: readonly [T, ...T[]]): T {
    return choices[this.below(choices.length)] ?? choices[0];
  }
}

type Style = { readonly spaces: boolean; readonly escapes: boolean };

function space(random: Random, style: Style): string {
  return style.spaces && random.chance(0.3) ? random.pick([' ', '\n', '\t', '\r\n', '  ']) : '';
}

/** A JSON string literal of the text, some of its characters written as escapes. */
function literal(random: Random, text: string, escapeChance: number): string {
  let json = '';
  for (const unit of text.split('')) {
    const code = unit.charCodeAt(0);
    const isSpecial = unit === '"' || unit === '\\' || code < 0x20 || (code & 0xf800) === 0xd800;
    if (isSpecial ? random.chance(0.5) || code >= 0x20 : random.chance(escapeChance)) {
      json += escaped(random, unit, code);
    } else {
      json += isSpecial ? JSON.stringify(unit).slice(1, -1) : unit;
    }
  }
  return `"${json}"`;
}

function escaped(random: Random, unit: string, code: number): string {
  if ((unit === '/' || unit === '"' || unit === '\\') && random.chance(0.7)) {
    return `\\${unit}`;
  }
  const digits = code.toString(16).padStart(4, '0');
  return `\\u${random.chance(0.5) ? digits.toUpperCase() : digits}`;
}

const TEXTS = [
  '',
  'x',
  'häß',
  '漢字',
  '🦊',
  '\ud800',
  'a"b\\c',
  '{"b64_json":"AAAA"}',
  '\n\t\u0001',
];

function text(random: Random): string {
  let made = '';
  for (let count = random.below(4); count > 0; count -= 1) {
    made += TEXTS[random.below(TEXTS.length)] ?? '';
  }
  return made;
}

function base64(random: Random, minimum: number): string {
  const quads = minimum + random.below(random.chance(0.1) ? 60 : 8);
  let made = '';
  for (let count = quads * 4; count > 0; count -= 1) {
    made += BASE64[random.below(64)] ?? 'A';
  }
  return random.pick([made, made, `${made}AA==`, `${made}AAA=`]);
}

function keyOf(random: Random): string {
  return random.pick([
    'data',
    ...KEYS,
    ...KEYS,
    'b64_jso',
    'b64_json ',
    'Data',
    'x',
    '',
    '__proto__',
    'ключ',
    'a"b\\',
  ]);
}

function scalar(random: Random, style: Style): string {
  const kind = random.below(8);
  if (kind === 0) {
    return literal(random, base64(random, 0), style.escapes ? 0.05 : 0);
  }
  if (kind < 4) {
    return literal(random, text(random), style.escapes ? 0.3 : 0);
  }
  return random.pick([
    '0',
    '-0',
    '1.5e-7',
    '12345678901234567890',
    'true',
    'false',
    'null',
    '1E+2',
  ]);
}

/** A value for a known key: a text there begins as no base64 does, or is short. */
function unlike(random: Random, style: Style, depth: number): string {
  const json = value(random, style, depth);
  return json.startsWith('"')
    ? `"${random.pick([' ', '-', 'ä', '\\u0020', '\\"'])}${json.slice(1)}`
    : json;
}

function value(random: Random, style: Style, depth: number): string {
  const gap = (): string => space(random, style);
  const kind = random.below(10) - (depth === 0 ? 5 : 0);
  if (kind > 4 || depth > 4) {
    return scalar(random, style);
  }
  const count = random.below(4) + (depth === 0 ? 1 : 0);
  const members: string[] = [];
  for (let index = 0; index < count; index += 1) {
    if (kind === 0 || kind === 1) {
      members.push(gap() + value(random, style, depth + 1) + gap());
      continue;
    }
    const key = keyOf(random);
    const makeInner = KEYS.includes(key)
      ? random.pick([payloadLiteral, payloadLiteral, payloadLiteral, unlike])
      : value;
    const inner = makeInner(random, style, depth + 1);
    const name = literal(random, key, style.escapes ? 0.2 : 0);
    members.push(`${gap()}${name}${gap()}:${gap()}${inner}${gap()}`);
  }
  return kind === 0 || kind === 1
    ? `[${members.join(',') || gap()}]`
    : `{${members.join(',') || gap()}}`;
}

function payloadLiteral(random: Random, style: Style): string {
  const content = literal(random, base64(random, 2), style.escapes && random.chance(0.5) ? 0.1 : 0);
  return random.chance(0.2) ? `"data:image/png;base64,${content.slice(1)}` : content;
}

function randomDocument(random: Random): string {
  const style = { spaces: random.chance(0.5), escapes: random.chance(0.5) };
  if (random.chance(0.02)) {
    return space(random, style) + scalar(random, style) + space(random, style);
  }
  return space(random, style) + value(random, style, 0) + space(random, style);
}

async function* cut(bytes: Buffer, random: Random): AsyncGenerator<Buffer> {
  const most = random.pick([1, 2, 5, 30, 400]);
  for (let start = 0; start < bytes.length;) {
    const end = Math.min(bytes.length, start + random.below(most + 1));
    yield bytes.subarray(start, end);
    start = end;
  }
}

function randomOptions(random: Random): SpliceOptions {
  return { keys: KEYS, payloadBytesMin: random.pick([1, 4, 9, 40, 300]) };
}

/** How the payloads are read: all of it, with a look at it before, not at all, or in part. */
async function readPart(
  random: Random,
  part: Extract<SplicePart, { type: 'payload' }>,
): Promise<string | undefined> {
  const { payload } = part;
  const way = random.below(8);
  if (way === 0) {
    return undefined;
  }
  const peeked = way < 4 ? await payload.peek(random.below(200)) : Buffer.alloc(0);
  const chunks: Buffer[] = [];
  for await (const chunk of payload.chunks()) {
    chunks.push(chunk);
    if (way === 1) {
      return undefined;
    }
  }
  const all = Buffer.concat(chunks);
  assert.equal(all.subarray(0, peeked.length).toString(), peeked.toString());
  return all.toString('latin1');
}

type Container = Record<string | number, unknown>;

/** What lies at the path, without its `data:` prefix. The last of duplicate keys is there. */
function put(root: unknown, path: readonly (string | number)[], content: string): void {
  let container = root as Container;
  for (const step of path.slice(0, -1)) {
    container = container[step] as Container;
  }
  const last = path.at(-1) ?? '';
  Object.defineProperty(container, last, {
    value: content,
    enumerable: true,
    writable: true,
    configurable: true,
  });
}

function get(root: unknown, path: readonly (string | number)[]): unknown {
  return path.reduce<unknown>(
    (inner, step) =>
      typeof inner === 'object' && inner !== null && Object.hasOwn(inner, step)
        ? (inner as Container)[step]
        : undefined,
    root,
  );
}

interface Spliced {
  readonly document: unknown;
  readonly payloads: { path: readonly (string | number)[]; content: string | undefined }[];
}

async function run(bytes: Buffer, random: Random): Promise<Spliced> {
  const payloads: Spliced['payloads'] = [];
  let document: unknown;
  let ends = 0;
  for await (const part of splice(cut(bytes, random), randomOptions(random))) {
    assert.equal(ends, 0, 'a part followed the document');
    if (part.type === 'document') {
      document = part.value;
      ends += 1;
    } else {
      payloads.push({ path: part.path, content: await readPart(random, part) });
    }
  }
  assert.equal(ends, 1, 'there was no document');
  return { document, payloads };
}

function withoutPrefix(content: unknown): unknown {
  return String(content).replace(/^data:image\/png;base64,/, '');
}

/** Whether the spliced document is the parsed one, but for keys that stand twice. */
function compare(expected: unknown, { document, payloads }: Spliced): void {
  const whole = document;
  for (const { path, content } of payloads) {
    const original = get(expected, path);
    // A later duplicate may have taken its place: then the payload stands nowhere.
    if (get(whole, path) !== '' || typeof original !== 'string') {
      continue;
    }
    const isLast = content === undefined || content === withoutPrefix(original);
    if (isLast) {
      put(whole, path, original);
    }
  }
  assert.ok(isDeepStrictEqual(whole, expected), 'the documents differ');
}

async function forEachSeed(
  first: number,
  check: (seed: number) => Promise<void>,
  cases = CASES,
): Promise<number> {
  const start = ONE_SEED === undefined ? first : Number(ONE_SEED);
  const end = ONE_SEED === undefined ? first + cases : start + 1;
  for (let seed = start; seed < end; seed += 1) {
    try {
      await check(seed);
    } catch (error) {
      throw new Error(`EASEL_FUZZ_SEED=${seed}`, { cause: error });
    }
  }
  return end - start;
}

test('what splice makes of any document is what JSON.parse makes of it', async (context) => {
  let payloads = 0;
  let bytes = 0;
  const cases = await forEachSeed(1, async (seed) => {
    const random = new Random(seed);
    const json = randomDocument(random);
    bytes += json.length;
    const spliced = await run(Buffer.from(json), random);
    payloads += spliced.payloads.length;
    compare(JSON.parse(json), spliced);
  });
  context.diagnostic(`${cases} documents, ${bytes} bytes, ${payloads} payloads`);
  assert.ok(ONE_SEED !== undefined || payloads > cases / 2, 'too few payloads to say anything');
});

/** The documents as events, with all that may stand between and around them. */
function stream(documents: readonly string[], random: Random): string {
  const lineEnd = random.pick(['\n', '\r\n', '\r']);
  const lines: string[] = [];
  for (const [index, json] of documents.entries()) {
    if (random.chance(0.3)) {
      lines.push(
        ...random.pick([[': ping'], [''], ['id: 1', ''], ['event: ping', ''], ['data:', '']]),
      );
    }
    lines.push(`event: ${index}`);
    // White space between tokens may break the line of the data: strings hold none.
    lines.push(
      ...json.split(/\r\n|\n/).map((line) => `data:${line.startsWith(' ') ? ' ' : ''}${line}`),
    );
    if (random.chance(0.3)) {
      lines.push(random.pick([': in between', 'retry: 1', 'unknown']));
    }
    lines.push('');
  }
  if (random.chance(0.5)) {
    lines.push('data: [DONE]', '');
  }
  return lines.map((line) => line + lineEnd).join('');
}

test('what spliceEvents makes of a stream is what JSON.parse makes of each event', async () => {
  await forEachSeed(
    20_000_001,
    async (seed) => {
      const random = new Random(seed);
      const documents = Array.from({ length: random.below(4) }, () => randomDocument(random));
      const bytes = Buffer.from(stream(documents, random));
      const names: string[] = [];
      let payloads: Spliced['payloads'] = [];
      let count = 0;
      for await (const part of spliceEvents(cut(bytes, random), randomOptions(random))) {
        switch (part.type) {
          case 'event':
            names.push(part.name ?? '');
            payloads = [];
            break;
          case 'payload':
            payloads.push({ path: part.path, content: await readPart(random, part) });
            break;
          case 'document':
            compare(JSON.parse(documents[count] ?? ''), { document: part.value, payloads });
            count += 1;
            break;
        }
      }
      assert.deepEqual(names, [...documents.keys()].map(String));
      assert.equal(count, documents.length);
    },
    CASES / 2,
  );
});

const BREAKERS = [
  '"',
  '\\',
  '{',
  '}',
  '[',
  ']',
  ',',
  ':',
  '\n',
  '\r',
  '\0',
  'é',
  'e',
  '0',
  '.',
  ' ',
];

function mutate(bytes: Buffer, random: Random): Buffer {
  const at = random.below(bytes.length + 1);
  const other = Buffer.from(BREAKERS[random.below(BREAKERS.length)] ?? '"');
  switch (random.below(5)) {
    case 0:
      return bytes.subarray(0, at);
    case 1:
      return Buffer.concat([bytes.subarray(0, at), other, bytes.subarray(at)]);
    case 2:
      return Buffer.concat([bytes.subarray(0, at), other, bytes.subarray(at + 1)]);
    case 3:
      return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1 + random.below(3))]);
    default:
      return Buffer.concat([
        bytes.subarray(0, at),
        Buffer.from([random.below(256)]),
        bytes.subarray(at + 1),
      ]);
  }
}

function parsed(bytes: Buffer): { readonly value: unknown } | undefined {
  try {
    return { value: JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)) };
  } catch {
    return undefined;
  }
}

test('what JSON.parse refuses is refused, and no payload of it passes for whole', async (context) => {
  const counts = { refusedByBoth: 0, refusedBySplice: 0, read: 0 };
  await forEachSeed(10_000_001, async (seed) => {
    const random = new Random(seed);
    let bytes = Buffer.from(randomDocument(random));
    for (let count = 1 + random.below(3); count > 0; count -= 1) {
      bytes = Buffer.from(mutate(bytes, random));
    }
    const expected = parsed(bytes);
    let spliced: Spliced;
    try {
      spliced = await run(bytes, random);
    } catch (error) {
      assert.equal((error as Error).name, 'SpliceError', String(error));
      const { fault } = error as Error & { fault: string };
      counts[expected === undefined ? 'refusedByBoth' : 'refusedBySplice'] += 1;
      // The one reason to refuse what JSON.parse takes: a payload that is no base64.
      assert.ok(expected === undefined || fault === 'not_base64', String(error));
      return;
    }
    assert.ok(expected !== undefined, 'splice took what JSON.parse refuses');
    counts.read += 1;
    compareLoosely(expected.value, spliced);
  });
  context.diagnostic(JSON.stringify(counts));
});

/** As `compare`, where a payload may also have been completed by its padding. */
function compareLoosely(expected: unknown, spliced: Spliced): void {
  for (const payload of spliced.payloads) {
    const original = get(expected, payload.path);
    if (typeof original === 'string' && payload.content !== undefined) {
      const bare = original.replace(/^data:[^,]*;base64,/i, '').replaceAll(/[\r\n]/g, '');
      const isSame = payload.content.replace(/=+$/, '') === bare.replace(/=+$/, '');
      payload.content = isSame ? String(withoutPrefix(original)) : payload.content;
    }
  }
  compare(expected, spliced);
}

import { ByteCursor } from './byte-cursor.ts';
import { EventLines } from './event-lines.ts';
import { JsonScanner } from './json-scanner.ts';
import { LivePayload } from './live-payload.ts';
import type { Payload } from './payload.ts';
import { SpliceError } from './splice-error.ts';

/** Where a value stands in a document: `['data', 0, 'b64_json']`. */
export type JsonPath = readonly (string | number)[];

export type SplicePart =
  /** A long string at a known key, still arriving. What is unread when the next part is asked for is skipped. */
  | { readonly type: 'payload'; readonly path: JsonPath; readonly payload: Payload }
  /** The document's end: all of it, with an empty string in each payload's place. */
  | { readonly type: 'document'; readonly value: unknown };

export type SpliceEventPart =
  /** A Server-Sent Event begins; the parts of its data follow. */
  { readonly type: 'event'; readonly name: string | undefined } | SplicePart;

export interface SpliceOptions {
  /** Keys whose string values are lifted out, at any depth: `b64_json`, `data` … */
  readonly keys: readonly string[];
  /** Whether strings in an array at such a key are lifted out, too; not by default. */
  readonly liftsItems?: boolean;
  /** Shorter strings stay in the document; 1,024 bytes by default. */
  readonly payloadBytesMin?: number;
  /** One payload's most bytes of text; 256 MiB by default. */
  readonly payloadBytesMax?: number;
  /** The document's most bytes without its payloads; 1 MiB by default. */
  readonly documentBytesMax?: number;
  /** 64 by default. */
  readonly depthMax?: number;
  /** What a payload's readers meet in place of an error; the same error by default. */
  readonly describeError?: (error: unknown) => unknown;
}

const PAYLOAD_BYTES_MIN = 1024;
const PAYLOAD_BYTES_MAX = 256 * 1024 * 1024;
const DOCUMENT_BYTES_MAX = 1024 * 1024;
const DEPTH_MAX = 64;

const EMPTY: Buffer = Buffer.alloc(0);

/**
 * Splits one JSON document, in UTF-8 with or without a byte order mark. Its payloads come first, in
 * the document's order, each to be read before the next part is asked for; then the document,
 * exactly once. Throws a SpliceError when it is no JSON, ends too early or is beyond a limit, and
 * what the source throws; a payload's reader meets the same error, so that no document follows a
 * payload that broke off. When the caller stops early the source is closed; one that is waiting
 * at that moment must be aborted by whoever can, else closing it waits, too.
 *
 * A payload is a string value whose first `payloadBytesMin` bytes are base64, perhaps behind a
 * `data:…;base64,` prefix, which is taken off. Texts and addresses stay in the document. What is
 * read of a payload is always padded base64 of the standard alphabet, in one line.
 *
 * All that JSON.parse refuses is refused, and two things more: bytes that are no UTF-8, and a
 * payload that goes on as anything but base64. A key that stands twice may give two payloads.
 */
export async function* splice(
  source: AsyncIterable<Buffer>,
  options: SpliceOptions,
): AsyncGenerator<SplicePart, void, void> {
  const cursor = new ByteCursor(source);
  try {
    const scanner = createScanner(options, false);
    yield* payloadsOf(cursor, scanner, options);
    yield { type: 'document', value: scanner.document() };
  } finally {
    await cursor.close();
  }
}

/**
 * The same for a stream of Server-Sent Events, each with one JSON document in its data. An event
 * is yielded together with the first of its parts; one without data is skipped, as comments are,
 * and so is a name that follows a payload of its own event. Data may have several lines, broken
 * where JSON allows white space. `data: [DONE]` ends the stream: what follows is not read. A stream
 * that ends in the middle of an event, without its empty line, throws a SpliceError.
 */
export async function* spliceEvents(
  source: AsyncIterable<Buffer>,
  options: SpliceOptions,
): AsyncGenerator<SpliceEventPart, void, void> {
  const cursor = new ByteCursor(source);
  try {
    const lines = new EventLines(cursor);
    let isDone = false;
    while (!isDone) {
      isDone = yield* spliceEvent(cursor, lines, options);
    }
  } finally {
    await cursor.close();
  }
}

/** The parts of the next event; true when no more will come. */
async function* spliceEvent(
  cursor: ByteCursor,
  lines: EventLines,
  options: SpliceOptions,
): AsyncGenerator<SpliceEventPart, boolean, void> {
  let scanner: JsonScanner | undefined;
  let name: string | undefined;
  let isNamed = false;
  let isBegun = false;
  for (;;) {
    const line = await lines.next();
    if (line.kind !== 'field') {
      const data = scanner?.text().trim() ?? '';
      if (data === '[DONE]') {
        return true;
      }
      if (line.kind === 'end' && (scanner !== undefined || isNamed)) {
        throw new SpliceError('cut_off', 'the source ended inside an event');
      }
      if (scanner !== undefined && data !== '') {
        if (!isBegun) {
          yield { type: 'event', name };
        }
        yield { type: 'document', value: scanner.document() };
      }
      return line.kind === 'end';
    }
    if (line.name === 'event') {
      isNamed = true;
      name = (await lines.value()) || undefined;
    } else if (line.name === 'data') {
      scanner?.continueLine();
      scanner ??= createScanner(options, true);
      for await (const part of payloadsOf(cursor, scanner, options)) {
        if (!isBegun) {
          isBegun = true;
          yield { type: 'event', name };
        }
        yield part;
      }
    }
  }
}

/** Scans up to the source's or the line's end; stops at each payload until it has been read. */
async function* payloadsOf(
  cursor: ByteCursor,
  scanner: JsonScanner,
  { payloadBytesMax = PAYLOAD_BYTES_MAX, describeError = (error) => error }: SpliceOptions,
): AsyncGenerator<Extract<SplicePart, { type: 'payload' }>, void, void> {
  while (await cursor.fill()) {
    cursor.position = scanner.scan(cursor.chunk, cursor.position);
    if (scanner.isAtLineEnd) {
      return;
    }
    const found = scanner.takeFound();
    if (found === undefined) {
      continue;
    }
    // Where the beginning lies in this chunk it is read from there, together with what follows.
    const isHere = found.head.length <= cursor.position;
    cursor.position -= isHere ? found.head.length : 0;
    const head = isHere ? EMPTY : found.head;
    const live = new LivePayload({
      cursor,
      head,
      bytesMax: payloadBytesMax,
      describeError,
    });
    try {
      yield { type: 'payload', path: found.path, payload: live.payload };
      await live.skip();
    } finally {
      live.abandon();
    }
    scanner.closePayload();
  }
}

function createScanner(options: SpliceOptions, stopsAtLineEnd: boolean): JsonScanner {
  return new JsonScanner({
    keys: new Set(options.keys),
    liftsItems: options.liftsItems ?? false,
    payloadBytesMin: Math.max(1, options.payloadBytesMin ?? PAYLOAD_BYTES_MIN),
    documentBytesMax: options.documentBytesMax ?? DOCUMENT_BYTES_MAX,
    depthMax: options.depthMax ?? DEPTH_MAX,
    stopsAtLineEnd,
  });
}

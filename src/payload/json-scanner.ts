import { GrowingBuffer } from './growing-buffer.ts';
import { malformed, parseJson } from './parse-json.ts';
import { judgeHead } from './payload-head.ts';
import { limitError, SpliceError } from './splice-error.ts';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const QUOTE_BYTES = Buffer.from('"');
const LINE_FEED_BYTES = Buffer.from('\n');

/** A string that is neither text nor base64 yet is looked at again after so many more bytes. */
const LOOK_AGAIN_BYTES = 32;

/** It is text when it is still unclear so many bytes later. */
const UNCLEAR_BYTES_MAX = 512;

export interface JsonScannerOptions {
  readonly keys: ReadonlySet<string>;
  /** Whether strings in an array at such a key are lifted out, too. */
  readonly liftsItems: boolean;
  readonly payloadBytesMin: number;
  readonly documentBytesMax: number;
  readonly depthMax: number;
  /** Whether a line break outside of strings ends the scan, as it ends the data of an event. */
  readonly stopsAtLineEnd: boolean;
}

/** A payload whose beginning has been scanned. The rest up to its closing quote is the reader's. */
export interface FoundPayload {
  readonly path: readonly (string | number)[];
  /** A copy of its text so far, as it stands between the quotes, without a `data:` prefix. */
  readonly head: Buffer;
}

/** An array or object that is open. */
interface Level {
  readonly isArray: boolean;
  index: number;
  /** Where the latest key lies in the skeleton, without its quotes. */
  keyStart: number;
  keyEnd: number;
  expects: 'key' | 'colon' | 'value' | 'comma';
}

/** Which part of the document a string is. */
type StringRole = 'key' | 'value' | 'candidate';

/**
 * Finds the long base64 strings at known keys of a JSON document that comes in pieces cut
 * anywhere, and copies all else, the skeleton, for JSON.parse at the end. It follows the structure
 * only as far as paths and depth need it: that the document is JSON is JSON.parse's to say.
 */
export class JsonScanner {
  readonly #options: JsonScannerOptions;
  readonly #skeleton = new GrowingBuffer();
  readonly #levels: Level[] = [];
  #isClosed = false;
  #role: StringRole | undefined;
  #isEscaped = false;
  #stringStart = 0;
  /** The candidate's length at which it is judged. */
  #judgedAtBytes = 0;
  #found: FoundPayload | undefined;
  #isAtLineEnd = false;

  constructor(options: JsonScannerOptions) {
    this.#options = options;
  }

  /** Whether the scan stopped before a line break. */
  get isAtLineEnd(): boolean {
    return this.#isAtLineEnd;
  }

  /** Reads on from `start` and returns where it stopped: at the end, a payload or a line's end. */
  scan(chunk: Buffer, start: number): number {
    let position = start;
    this.#isAtLineEnd = false;
    while (position < chunk.length && this.#found === undefined && !this.#isAtLineEnd) {
      position =
        this.#role === undefined
          ? this.#scanStructure(chunk, position)
          : this.#scanString(chunk, position, this.#role);
    }
    return position;
  }

  /** The payload at which the scan stopped, once. */
  takeFound(): FoundPayload | undefined {
    const found = this.#found;
    this.#found = undefined;
    return found;
  }

  /** Goes on behind a payload whose closing quote was read: an empty string stands for it. */
  closePayload(): void {
    this.#append(QUOTE_BYTES, 0, 1);
    this.#closeString();
  }

  /** Goes on in another line of the same data. */
  continueLine(): void {
    if (this.#role !== undefined) {
      throw malformed();
    }
    this.#append(LINE_FEED_BYTES, 0, 1);
  }

  /** All that was read, without its payloads. */
  text(): string {
    try {
      const decoder = new TextDecoder('utf-8', { fatal: true });
      return decoder.decode(this.#skeleton.view(0, this.#skeleton.length));
    } catch {
      throw new SpliceError('malformed', 'the document is not UTF-8');
    }
  }

  /** The document, with an empty string for each payload. */
  document(): unknown {
    const text = this.text();
    if (this.#role !== undefined || this.#levels.length > 0 || text.trim() === '') {
      throw new SpliceError('cut_off', 'the document ends too early');
    }
    return parseJson(text);
  }

  #scanStructure(chunk: Buffer, start: number): number {
    for (let position = start; position < chunk.length; position += 1) {
      switch (chunk[position]) {
        case QUOTE:
          this.#append(chunk, start, position + 1);
          this.#openString();
          return position + 1;
        case 0x7b: // {
          this.#openLevel(false);
          break;
        case 0x5b: // [
          this.#openLevel(true);
          break;
        case 0x7d: // }
          this.#closeLevel(false);
          break;
        case 0x5d: // ]
          this.#closeLevel(true);
          break;
        case 0x3a: // :
        case 0x2c: // ,
          this.#takeSeparator(chunk[position] === 0x3a);
          break;
        case LINE_FEED:
        case CARRIAGE_RETURN:
          if (this.#options.stopsAtLineEnd) {
            this.#append(chunk, start, position);
            this.#isAtLineEnd = true;
            return position;
          }
          break;
        default: // White space, numbers, literals; what is none of them JSON.parse refuses.
      }
    }
    this.#append(chunk, start, chunk.length);
    return chunk.length;
  }

  #scanString(chunk: Buffer, start: number, role: StringRole): number {
    const untilJudged = this.#judgedAtBytes - (this.#skeleton.length - this.#stringStart);
    const end = role === 'candidate' ? Math.min(chunk.length, start + untilJudged) : chunk.length;
    for (let position = start; position < end; position += 1) {
      const byte = chunk[position] ?? 0;
      if (byte < 0x20) {
        throw malformed();
      }
      if (this.#isEscaped) {
        this.#isEscaped = false;
      } else if (byte === BACKSLASH) {
        this.#isEscaped = true;
      } else if (byte === QUOTE) {
        this.#append(chunk, start, position + 1);
        this.#closeString();
        return position + 1;
      }
    }
    this.#append(chunk, start, end);
    if (role === 'candidate' && end === start + untilJudged) {
      this.#judge();
    }
    return end;
  }

  #openString(): void {
    this.#refuseAfterEnd();
    const level = this.#levels.at(-1);
    this.#stringStart = this.#skeleton.length;
    this.#judgedAtBytes = this.#options.payloadBytesMin;
    if (level?.expects === 'key') {
      this.#role = 'key';
    } else {
      const isCandidate = level?.expects === 'value' && this.#isAtKey(level);
      this.#role = isCandidate ? 'candidate' : 'value';
    }
  }

  #isAtKey(level: Level): boolean {
    const isItem = level.isArray && this.#options.liftsItems;
    const holder = isItem ? this.#levels.at(-2) : level;
    return holder?.isArray === false && this.#options.keys.has(this.#key(holder));
  }

  #closeString(): void {
    const level = this.#levels.at(-1);
    if (level !== undefined && this.#role === 'key') {
      level.keyStart = this.#stringStart;
      level.keyEnd = this.#skeleton.length - 1;
      level.expects = 'colon';
    } else if (level?.expects === 'value') {
      level.expects = 'comma';
    }
    this.#isClosed = level === undefined;
    this.#role = undefined;
  }

  /** The candidate has come to a length at which its beginning says whether it is a payload. */
  #judge(): void {
    const head = this.#skeleton.view(this.#stringStart, this.#skeleton.length);
    const judgement = judgeHead(head);
    switch (judgement.kind) {
      case 'text':
        this.#role = 'value';
        break;
      case 'unclear':
        this.#judgedAtBytes += LOOK_AGAIN_BYTES;
        if (this.#judgedAtBytes > this.#options.payloadBytesMin + UNCLEAR_BYTES_MAX) {
          this.#role = 'value';
        }
        break;
      case 'base64':
        this.#found = {
          path: this.#levels.map((level) => (level.isArray ? level.index : this.#key(level))),
          head: Buffer.from(head.subarray(judgement.prefixBytes)),
        };
        this.#skeleton.cut(this.#stringStart);
        // The payload's reader takes escapes by itself, from the head's first byte on.
        this.#isEscaped = false;
        break;
    }
  }

  #refuseAfterEnd(): void {
    if (this.#isClosed) {
      throw malformed();
    }
  }

  #openLevel(isArray: boolean): void {
    this.#refuseAfterEnd();
    if (this.#levels.length === this.#options.depthMax) {
      throw limitError('depthMax', this.#options.depthMax);
    }
    const expects = isArray ? 'value' : 'key';
    this.#levels.push({ isArray, index: 0, keyStart: 0, keyEnd: 0, expects });
  }

  #closeLevel(isArray: boolean): void {
    if (this.#levels.pop()?.isArray !== isArray) {
      throw malformed();
    }
    const level = this.#levels.at(-1);
    this.#isClosed = level === undefined;
    if (level !== undefined) {
      level.expects = 'comma';
    }
  }

  #takeSeparator(isColon: boolean): void {
    const level = this.#levels.at(-1);
    if (level === undefined || isColon !== (level.expects === 'colon')) {
      throw malformed();
    }
    level.index += isColon ? 0 : 1;
    level.expects = isColon || level.isArray ? 'value' : 'key';
  }

  #key(level: Level): string {
    const key = this.#skeleton.view(level.keyStart, level.keyEnd);
    return key.includes(BACKSLASH) ? String(parseJson(`"${key.toString()}"`)) : key.toString();
  }

  #append(chunk: Buffer, start: number, end: number): void {
    const { documentBytesMax } = this.#options;
    this.#skeleton.append(chunk, start, end);
    // A candidate may yet turn out to be no part of the document.
    const isCertain = this.#role !== 'candidate';
    if ((isCertain ? this.#skeleton.length : this.#stringStart) > documentBytesMax) {
      throw limitError('documentBytesMax', documentBytesMax);
    }
  }
}

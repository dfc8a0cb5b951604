import { randomUUID } from 'node:crypto';
import { base64Chunks, binaryChunks } from '../payload/base64.ts';
import { bytesPayload } from '../payload/payload.ts';
import type { WholeFile } from '../payload/reference.ts';

/** A request's body that is written piece by piece, its length known beforehand. */
export interface StreamedBody {
  /** With its parameters: `multipart/form-data; boundary=…`. */
  readonly contentType: string;
  readonly contentLength: number;
  /** The body from its first byte; each call begins anew. */
  readonly chunks: () => AsyncIterable<Buffer>;
}

/** Stands in a JSON value for a string: the prefix, and the file in base64. */
export class Base64Value {
  readonly file: WholeFile;
  readonly prefix: string;

  constructor(file: WholeFile, prefix = '') {
    this.file = file;
    this.prefix = prefix;
  }
}

/**
 * A JSON document whose Base64Values are written while they are read: a picture of many megabytes
 * is never a string in memory. Prefixes must be plain ASCII without quotes or backslashes.
 */
export function jsonBody(value: unknown): StreamedBody {
  // What cannot be guessed cannot stand in a prompt.
  const nonce = randomUUID();
  const values: Base64Value[] = [];
  const text = JSON.stringify(value, (_key, member: unknown) => {
    if (!(member instanceof Base64Value)) {
      return member;
    }
    values.push(member);
    return nonce;
  });
  const pieces: Piece[] = [];
  for (const [index, piece] of text.split(nonce).entries()) {
    const before = values[index - 1];
    if (before !== undefined) {
      pieces.push(textPiece(before.prefix), base64Piece(before.file));
    }
    pieces.push(textPiece(piece));
  }
  return fromPieces('application/json', pieces);
}

/** One field of a form: a text, or a file. */
export interface FormPart {
  readonly name: string;
  readonly value: string | (WholeFile & { readonly mediaType: string; readonly name: string });
}

/** A form as browsers and the OpenAI SDKs send it (RFC 7578), in the order of its parts. */
export function multipartBody(parts: readonly FormPart[]): StreamedBody {
  const boundary = `easel-${randomUUID()}`;
  const pieces = parts.flatMap(({ name, value }): Piece[] => {
    const head = `--${boundary}\r\ncontent-disposition: form-data; name="${escapeName(name)}"`;
    return typeof value === 'string'
      ? [textPiece(`${head}\r\n\r\n${value}\r\n`)]
      : [
          textPiece(
            `${head}; filename="${escapeName(value.name)}"\r\n` +
              `content-type: ${value.mediaType}\r\n\r\n`,
          ),
          { bytes: value.bytes, chunks: () => binaryChunks(value.payload) },
          textPiece('\r\n'),
        ];
  });
  pieces.push(textPiece(`--${boundary}--\r\n`));
  return fromPieces(`multipart/form-data; boundary=${boundary}`, pieces);
}

interface Piece {
  readonly bytes: number;
  readonly chunks: () => AsyncIterable<Buffer>;
}

function textPiece(text: string): Piece {
  const bytes = Buffer.from(text);
  return { bytes: bytes.length, chunks: bytesPayload(bytes).chunks };
}

function base64Piece({ payload, bytes }: WholeFile): Piece {
  return { bytes: Math.ceil(bytes / 3) * 4, chunks: () => base64Chunks(payload) };
}

function fromPieces(contentType: string, pieces: readonly Piece[]): StreamedBody {
  return {
    contentType,
    contentLength: pieces.reduce((sum, { bytes }) => sum + bytes, 0),
    async *chunks() {
      for (const { chunks } of pieces) {
        yield* chunks();
      }
    },
  };
}

/** As the WHATWG's form encoding escapes names. */
function escapeName(name: string): string {
  return name.replaceAll('"', '%22').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
}

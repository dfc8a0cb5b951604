import { constants, createReadStream } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { Failure } from '../base/errors.ts';
import type { FormPart } from '../egress/streamed-body.ts';
import type { Payload } from '../payload/payload.ts';
import { receivePicture } from '../payload/receive-picture.ts';
import type { WholeFile } from '../payload/reference.ts';
import type { Spool } from '../payload/spool.ts';
import type { EditInputs, PictureSource } from '../pipeline/pictures.ts';
import { CommandError } from './command.ts';
import { ApiError, describeApiError } from './errors.ts';
import { plain } from './terminal.ts';

/** A picture as the command line names it: a file, or an address that the engine fetches. */
type InputPicture =
  | { readonly kind: 'file'; readonly name: string; readonly file: WholeFile }
  | { readonly kind: 'url'; readonly name: string };

/** The pictures of an edit, in the order of the command line. */
export interface InputPictures {
  readonly images: readonly InputPicture[];
  readonly mask?: InputPicture;
}

const MASK = 'mask';

/** Each by a name of its own, so that an error says which one is meant. */
const imageParam = (index: number): string => `image[${index}]`;

/** Finds the files. Throws a CommandError that names the first one that cannot be read. */
export async function findPictures(
  names: readonly string[],
  maskName: string | undefined,
): Promise<InputPictures> {
  const images: InputPicture[] = [];
  for (const name of names) {
    images.push(await findPicture(name));
  }
  return { images, ...(maskName === undefined ? {} : { mask: await findPicture(maskName) }) };
}

async function findPicture(name: string): Promise<InputPicture> {
  if (/^https?:\/\//i.test(name)) {
    return { kind: 'url', name };
  }
  try {
    const found = await stat(name);
    if (found.isFile() && found.size > 0) {
      await access(name, constants.R_OK);
      return { kind: 'file', name, file: fileAt(name, found.size) };
    }
    throw unreadable(name, found.isDirectory() ? WHY_NOT['EISDIR'] : 'it is an empty file.');
  } catch (error) {
    throw unreadable(name, error);
  }
}

/** The file on the disk, which is read anew each time, and never as a whole. */
function fileAt(path: string, bytes: number): WholeFile {
  const payload: Payload = {
    form: 'binary',
    isLasting: true,
    peek: () => Promise.reject(new Error('a file on the disk is read from its beginning')),
    async *chunks() {
      let read = 0;
      try {
        // As long as it was when it was found: so much has been announced.
        for await (const chunk of createReadStream(path, { end: bytes - 1 })) {
          read += (chunk as Buffer).length;
          yield chunk as Buffer;
        }
      } catch (error) {
        throw unreadable(path, error);
      }
      if (read < bytes) {
        throw unreadable(path, 'it became shorter while it was read.');
      }
    },
  };
  return { payload, bytes };
}

const WHY_NOT: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file.',
  ENOTDIR: 'there is no such file.',
  ENAMETOOLONG: 'there is no such file.',
  EISDIR: 'it is a folder.',
  EACCES: 'you may not read it.',
};

function unreadable(name: string, why: unknown): CommandError {
  if (why instanceof CommandError) {
    return why;
  }
  const { code = '', message } = why instanceof Error ? (why as NodeJS.ErrnoException) : {};
  const reason = typeof why === 'string' ? why : (WHY_NOT[code] ?? `${message}.`);
  // Most often it is a word of an instruction without quotes.
  const hint = 'Pictures are files or https URLs; the instruction comes last, in quotes.';
  return new CommandError(
    `${plain(name)} cannot be read: ${reason}`,
    reason === WHY_NOT['ENOENT'] ? { hint } : {},
  );
}

/** Receives the files as the server does. Throws a Failure; nothing is left in the spool then. */
export async function receivePictures(
  { images, mask }: InputPictures,
  spool: Spool,
  signal: AbortSignal,
): Promise<EditInputs> {
  const sources: PictureSource[] = [];
  try {
    for (const [index, picture] of images.entries()) {
      const called = `Picture ${index + 1}`;
      const place = { spool, param: imageParam(index), called, failure: 'invalid_image' } as const;
      sources.push(await receive(picture, place));
      signal.throwIfAborted();
    }
    const place = { spool, param: MASK, called: 'The mask', failure: 'invalid_mask' } as const;
    return {
      images: sources,
      ...(mask === undefined ? {} : { mask: await receive(mask, place) }),
      spool,
    };
  } catch (error) {
    await spool.dispose();
    throw error;
  }
}

async function receive(
  picture: InputPicture,
  place: Parameters<typeof receivePicture>[1],
): Promise<PictureSource> {
  const { param } = place;
  return picture.kind === 'url'
    ? { kind: 'url', param, url: picture.name }
    : { kind: 'file', param, picture: await receivePicture(picture.file.payload, place) };
}

/** The fields of a request as the texts of a form. */
export function formFields(body: Readonly<Record<string, unknown>>): Map<string, string> {
  return new Map(Object.entries(body).map(([name, value]) => [name, String(value)]));
}

/** The form of `POST /v1/images/edits`. */
export function formParts(
  body: Readonly<Record<string, unknown>>,
  { images, mask }: InputPictures,
): FormPart[] {
  const texts = Array.from(formFields(body), ([name, value]) => ({ name, value }));
  return [
    ...texts,
    ...images.map((picture, index) => formPart(imageParam(index), picture)),
    ...(mask === undefined ? [] : [formPart(MASK, mask)]),
  ];
}

function formPart(name: string, picture: InputPicture): FormPart {
  if (picture.kind === 'url') {
    return { name, value: picture.name };
  }
  // What it is, its first bytes tell.
  const mediaType = 'application/octet-stream';
  return { name, value: { ...picture.file, mediaType, name: basename(picture.name) } };
}

/** The same error, in whose words a picture has the name that was typed: not "Picture 2". */
export function withFileNames(error: unknown, { images, mask }: InputPictures): unknown {
  const told = error instanceof Failure || error instanceof ApiError ? error : undefined;
  const place = told?.param ?? '';
  // An engine that cannot decode a picture knows it by its number only.
  const [, number] = /^Picture (\d+) /.exec(told?.message ?? '') ?? [];
  const index = images.findIndex(
    (_, position) => imageParam(position) === place || String(position + 1) === number,
  );
  const named = place === MASK ? mask : images[index];
  if (told === undefined || named === undefined) {
    return error;
  }
  const message = told.message
    .replace(/^(?:Picture \d+|The picture|The mask)(?= )/, () => named.name)
    .replace('the first picture', () => images[0]?.name ?? '');
  const code = told instanceof ApiError ? told.code : told.errorName;
  return new CommandError(describeApiError(code, message).message);
}

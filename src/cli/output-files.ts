import { randomUUID } from 'node:crypto';
import { statSync } from 'node:fs';
import { rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join, parse } from 'node:path';
import type { ImageFormat } from '../base/image.ts';
import { CommandError } from './command.ts';

/** Where pictures go; the extension is absent until the picture says what it is. */
export interface OutputName {
  readonly folder: string;
  readonly stem: string;
  readonly extension?: string;
}

const STEM_MAX = 60;

const FORMAT_OF_EXTENSION: Readonly<Record<string, ImageFormat>> = {
  '.png': 'png',
  '.jpg': 'jpeg',
  '.jpeg': 'jpeg',
  '.webp': 'webp',
};

/** The name from `-o`, a folder or a file; from the prompt where it says nothing. */
export function outputName(output: string | undefined, prompt: string): OutputName {
  const fromPrompt = prompt
    .toLowerCase()
    .normalize('NFKD')
    .replaceAll(/\p{Mark}+/gu, '')
    .replaceAll(/[^\p{Letter}\p{Number}]+/gu, '-');
  const stem =
    Array.from(fromPrompt)
      .slice(0, STEM_MAX)
      .join('')
      .replaceAll(/^-+|-+$/g, '') || 'picture';
  if (output === undefined) {
    return { folder: '', stem };
  }
  if (output.endsWith('/') || statSync(output, { throwIfNoEntry: false })?.isDirectory()) {
    return { folder: output, stem };
  }
  const { dir, name, ext } = parse(output);
  return { folder: dir, stem: name, extension: ext };
}

/** The format that an extension promises; undefined when it promises none. */
export function formatOf(extension: string | undefined): ImageFormat | undefined {
  return FORMAT_OF_EXTENSION[extension?.toLowerCase() ?? ''];
}

/**
 * Pictures on their way into files. Each is written under a temporary name beside its place and is
 * renamed when all is well, so a failure leaves neither half a file nor a lost older one.
 */
export class OutputFiles {
  readonly #name: OutputName;
  readonly #count: number;
  readonly #temporary: string[] = [];

  private constructor(name: OutputName, count: number) {
    this.#name = name;
    this.#count = count;
  }

  /** Throws when the folder cannot be written: better before a picture is bought than after. */
  static async reserve(name: OutputName, count: number): Promise<OutputFiles> {
    const files = new OutputFiles(name, count);
    await files.#write(0, []);
    return files;
  }

  async write(index: number, chunks: AsyncIterable<Buffer> | Iterable<Buffer>): Promise<void> {
    await this.#write(index, chunks);
  }

  /** Gives the pictures their names, in order, and returns these. */
  async keep(formats: readonly ImageFormat[]): Promise<string[]> {
    const names: string[] = [];
    for (const [index, format] of formats.entries()) {
      const { folder, stem, extension = format === 'jpeg' ? '.jpg' : `.${format}` } = this.#name;
      const name = join(folder, `${stem}${this.#count > 1 ? `-${index + 1}` : ''}${extension}`);
      const temporary = this.#temporary[index] ?? '';
      try {
        await rename(temporary, name);
      } catch (error) {
        // It is paid for: it stays where it is, and its owner is told.
        this.#temporary.length = 0;
        throw new CommandError(`${name} cannot be written: ${describe(error)}`, {
          hint: `The picture lies in ${temporary}.`,
        });
      }
      names.push(name);
    }
    return names;
  }

  /** Removes whatever has not got its name. */
  async discard(): Promise<void> {
    await Promise.all(this.#temporary.map((path) => rm(path, { force: true })));
  }

  async #write(index: number, chunks: AsyncIterable<Buffer> | Iterable<Buffer>): Promise<void> {
    const { folder } = this.#name;
    const path = this.#temporary[index] ?? join(folder, `.easel-${randomUUID()}.tmp`);
    try {
      this.#temporary[index] = path;
      await writeFile(path, chunks);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).syscall === undefined) {
        throw error;
      }
      throw new CommandError(`${dirname(path)} cannot be written: ${describe(error)}`);
    }
  }
}

function describe(error: unknown): string {
  const { code = '', message } = error as NodeJS.ErrnoException;
  return WHY_NOT[code] ?? `${message}.`;
}

const WHY_NOT: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such folder.',
  ENOTDIR: 'there is no such folder.',
  EACCES: 'it is read-only for you.',
  EROFS: 'it is read-only for you.',
  ENOSPC: 'the disk is full.',
};

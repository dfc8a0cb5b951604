import { Failure } from '../../base/errors.ts';
import { bytesPayload, type Payload } from '../../payload/payload.ts';
import { receivePicture } from '../../payload/receive-picture.ts';
import { SpliceError } from '../../payload/splice-error.ts';
import type { Spool } from '../../payload/spool.ts';
import type { EditInputs, PictureSource } from '../../pipeline/pictures.ts';
import { pictureText } from './picture-text.ts';

/** Where in the request a picture stood. */
export interface PicturePlace {
  /** The field as the caller wrote it. */
  readonly param: string;
  readonly isMask: boolean;
}

/** As many as any model takes; what the card allows is looked at when the call is admitted. */
const IMAGES_MAX = 16;

/** Longer than any address that a browser takes. */
export const URL_CHARACTERS_MAX = 16 * 1024;

/** Receives the pictures of one edit, and keeps them in the order in which they are added. */
export class PictureTaker {
  readonly #images: PictureSource[] = [];
  readonly #spool: Spool;
  #mask: PictureSource | undefined;
  #received = 0;

  constructor(spool: Spool) {
    this.#spool = spool;
  }

  /** What was added. Throws when there is no picture. */
  inputs(): EditInputs {
    if (this.#images.length === 0) {
      const message = "Missing required parameter: 'image'. An edit needs at least one picture.";
      throw new Failure('missing_required_parameter', { param: 'image', message });
    }
    return {
      images: this.#images,
      spool: this.#spool,
      ...(this.#mask === undefined ? {} : { mask: this.#mask }),
    };
  }

  add(source: PictureSource, { param, isMask }: PicturePlace): void {
    if (!isMask) {
      this.#images.push(source);
    } else if (this.#mask === undefined) {
      this.#mask = source;
    } else {
      throw new Failure('invalid_mask', { param, message: 'There can be one mask only.' });
    }
  }

  /** A picture that arrives. Refused before a byte is read when there are too many. */
  async receive(payload: Payload, place: PicturePlace): Promise<PictureSource> {
    this.#count(place);
    const { param, isMask } = place;
    const called = isMask ? 'The mask' : `Picture ${this.#received}`;
    const failure = isMask ? 'invalid_mask' : 'invalid_image';
    try {
      const options = { spool: this.#spool, param, called, failure } as const;
      return { kind: 'file', param, picture: await receivePicture(payload, options) };
    } catch (error) {
      if (error instanceof SpliceError && error.fault === 'not_base64') {
        const message = `${called} is not base64 from its first to its last character.`;
        throw new Failure(failure, { param, message, cause: error });
      }
      throw error;
    }
  }

  /** A text that is there as a whole: an address, a `data:` URI, or base64 by itself. */
  async read(text: string, place: PicturePlace): Promise<PictureSource> {
    const { param, isMask } = place;
    const found = pictureText(text);
    if (found.kind === 'base64') {
      const base64 = Buffer.from(text.slice(found.start).trim(), 'latin1');
      return this.receive(bytesPayload(base64, 'base64'), place);
    }
    this.#count(place);
    const url = text.trim();
    if (found.kind === 'other' || url.length > URL_CHARACTERS_MAX) {
      const message = `'${param}' must be a file, an https: URL, or a data: URI in base64.`;
      throw new Failure(isMask ? 'invalid_mask' : 'invalid_image', { param, message });
    }
    return { kind: 'url', param, url };
  }

  #count({ param, isMask }: PicturePlace): void {
    if (isMask) {
      return;
    }
    this.#received += 1;
    if (this.#received > IMAGES_MAX) {
      const message = `An edit takes at most ${IMAGES_MAX} pictures.`;
      throw new Failure('too_many_images', { param, message });
    }
  }
}

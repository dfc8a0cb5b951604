import { Failure } from '../base/errors.ts';
import { formatSize } from '../base/image.ts';
import { hasAlpha } from '../payload/mask.ts';
import type { Payload } from '../payload/payload.ts';
import { receivePicture } from '../payload/receive-picture.ts';
import type { ReferencePicture } from '../payload/reference.ts';
import type { Spool } from '../payload/spool.ts';

/** A picture of an edit as the request brought it: the file, or an address still to be fetched. */
export type PictureSource = {
  /** The field that it came by: `image`, `images.1.image_url`. */
  readonly param: string;
} & (
  | { readonly kind: 'file'; readonly picture: ReferencePicture }
  | { readonly kind: 'url'; readonly url: string }
);

/** All the pictures of an edit, in the caller's order. */
export interface EditInputs {
  readonly images: readonly PictureSource[];
  readonly mask?: PictureSource;
  /** Keeps the files; whoever carries the request out disposes of it. */
  readonly spool: Spool;
}

/** The same, read and checked. */
export interface Pictures {
  readonly references: readonly ReferencePicture[];
  readonly mask?: ReferencePicture;
}

/** What a generation has. */
export const NO_PICTURES: Pictures = { references: [] };

/** Begins to fetch a caller's URL. Throws `image_url_refused` without a param. */
export type FetchPicture = (url: string, signal: AbortSignal) => Promise<Payload>;

/**
 * Fetches what the request only named, all at once, and checks that the mask fits the first
 * picture. Throws a Failure that names the field.
 */
export async function readPictures(
  { images, mask, spool }: EditInputs,
  fetchPicture: FetchPicture,
  signal: AbortSignal,
): Promise<Pictures> {
  const abort = new AbortController();
  const fetching = { spool, fetchPicture, signal: AbortSignal.any([signal, abort.signal]) };
  const reading = images.map((source, index) => read(source, `Picture ${index + 1}`, fetching));
  const readingMask = mask === undefined ? undefined : read(mask, 'The mask', fetching);
  try {
    // All at once: a mask that fails while a picture is awaited must not go unheard.
    const [references, readMask] = await Promise.all([Promise.all(reading), readingMask]);
    const [first] = references;
    if (readMask === undefined || first === undefined) {
      return { references };
    }
    await checkMask(readMask, first);
    return { references, mask: readMask };
  } finally {
    // After the first failure nobody wants the others.
    abort.abort();
    await Promise.allSettled([...reading, readingMask]);
  }
}

interface Fetching {
  readonly spool: Spool;
  readonly fetchPicture: FetchPicture;
  readonly signal: AbortSignal;
}

async function read(
  source: PictureSource,
  called: string,
  { spool, fetchPicture, signal }: Fetching,
): Promise<ReferencePicture> {
  if (source.kind === 'file') {
    return source.picture;
  }
  const { param, url } = source;
  const failure = param.startsWith('mask') ? 'invalid_mask' : 'invalid_image';
  try {
    const arriving = await fetchPicture(url, signal);
    return await receivePicture(arriving, { spool, param, called, failure });
  } catch (error) {
    if (error instanceof Failure && error.errorName === 'image_url_refused') {
      const { message, cause, internal } = error;
      const details = internal === undefined ? {} : { internal };
      throw new Failure('image_url_refused', { param, message, cause, ...details });
    }
    throw error;
  }
}

/** OpenAI's rule: a mask has the size of the first picture, and transparency. */
async function checkMask(mask: ReferencePicture, first: ReferencePicture): Promise<void> {
  if (formatSize(mask) !== formatSize(first)) {
    throw invalidMask(
      `The mask has ${formatSize(mask)} pixels, the first picture ${formatSize(first)}: ` +
        'they must be of the same size.',
    );
  }
  if (!(await hasAlpha(mask))) {
    throw invalidMask(
      'The mask has no transparency: it must be a png or webp that is transparent where to repaint.',
    );
  }
}

function invalidMask(message: string): Failure {
  return new Failure('invalid_mask', { param: 'mask', message });
}

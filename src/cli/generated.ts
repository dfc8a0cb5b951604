import type { ImageFormat, PixelSize } from '../base/image.ts';
import type { Nanousd } from '../base/money.ts';
import type { InputPictures } from './input-pictures.ts';
import type { OutputFiles } from './output-files.ts';
import type { FieldValue } from './request-body.ts';
import type { WireWarning } from './warnings.ts';

/** What `generate` and `edit` ask for, here or of a server. */
export interface GenerateTask {
  /** The fields of `POST /v1/images/generations`, or of an edit. */
  readonly body: Readonly<Record<string, FieldValue>>;
  /** The pictures of an edit. */
  readonly inputs?: InputPictures;
  /** Take the pictures as they come. */
  readonly files: OutputFiles;
  readonly signal: AbortSignal;
}

/** An answer whose pictures lie in files already. */
export interface Generated {
  readonly id: string;
  /** Seconds since 1970. */
  readonly created: number;
  readonly model: string;
  /** `1024x1024` */
  readonly size: string;
  readonly pictures: readonly (PixelSize & { readonly format: ImageFormat })[];
  readonly cost: Nanousd;
  readonly warnings: readonly WireWarning[];
  /** What the answer says besides, under its names on the wire: seed, quality, test … */
  readonly extra: Readonly<Record<string, unknown>>;
}

import type { ImageFormat, PixelSize } from '../base/image.ts';
import type { Nanousd } from '../base/money.ts';
import type { OutputFiles } from './output-files.ts';
import type { WireWarning } from './warnings.ts';

/** What `generate` asks for, here or of a server. */
export interface GenerateTask {
  /** The body of `POST /v1/images/generations`. */
  readonly body: Readonly<Record<string, unknown>>;
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

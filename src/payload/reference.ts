import type { ImageFormat, PixelSize } from '../base/image.ts';
import type { Payload } from './payload.ts';

/** A file that is there as a whole, so that its length is known before it is sent. */
export interface WholeFile {
  /** Binary, to be read again and again until the request has ended. */
  readonly payload: Payload;
  readonly bytes: number;
}

/** A picture that a caller sent with an edit: whole, checked, and as it came to the byte. */
export interface ReferencePicture extends WholeFile, PixelSize {
  /** By its magic bytes, whatever its name or media type said. */
  readonly format: ImageFormat;
  /** Of the file, in hexadecimal. */
  readonly sha256: string;
}

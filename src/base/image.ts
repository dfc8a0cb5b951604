/** The encodings that Easel delivers. */
export type ImageFormat = 'png' | 'jpeg' | 'webp';

export const IMAGE_FORMATS = ['png', 'jpeg', 'webp'] as const satisfies readonly ImageFormat[];

/** Whether Easel hands pictures out in this encoding; it can read more. */
export function isImageFormat(name: string): name is ImageFormat {
  return IMAGE_FORMATS.some((format) => format === name);
}

/** Width and height in pixels. */
export interface PixelSize {
  readonly width: number;
  readonly height: number;
}

/** `1024x1024`, as the `size` of an answer has it. */
export function formatSize(size: PixelSize): string {
  return `${size.width}x${size.height}`;
}

/** Reads `1024x1024` (also with `X`, `×` or `*`); undefined when it is no size. */
export function parseSize(text: string): PixelSize | undefined {
  const match = /^\s*(\d{1,5})\s*[xX×*]\s*(\d{1,5})\s*$/.exec(text);
  const width = Number(match?.[1]);
  const height = Number(match?.[2]);
  return width > 0 && height > 0 ? { width, height } : undefined;
}

/** The media type of an encoding: `image/png`. */
export function mediaType(format: ImageFormat): string {
  return `image/${format}`;
}

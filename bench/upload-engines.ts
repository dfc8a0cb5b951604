import type { EaselUse } from './systems/easel.ts';

/** Who is behind Easel. */
export interface UploadEngine {
  readonly name: string;
  readonly title: string;
  readonly setup: string;
  readonly model: string;
  readonly keyKind: EaselUse['keyKind'];
}

/** In the order in which they are measured. */
export const UPLOAD_ENGINES: readonly UploadEngine[] = [
  {
    name: 'upstream',
    title: 'upstream',
    setup:
      'gpt-image-2 with a live key, the pictures sent on to a process that reads them to their ' +
      'end and answers with a picture of 64 KB',
    model: 'gpt-image-2',
    keyKind: 'live',
  },
  {
    name: 'painter',
    title: 'painter',
    setup: 'deepshi-image-1 with a test key: the pictures are decoded and painted with, in Easel',
    model: 'deepshi-image-1',
    keyKind: 'test',
  },
];

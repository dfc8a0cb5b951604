import { elements, elementText } from './bucket-text.ts';
import { type BucketWire, textOf } from './bucket-wire.ts';

/** A multipart upload that has begun and is neither complete nor aborted. */
export interface UploadId {
  readonly key: string;
  readonly uploadId: string;
}

export interface ListedObject {
  readonly key: string;
  /** By the storage's own clock, in milliseconds since 1970. */
  readonly writtenAt: number;
}

export interface ListedUpload extends UploadId {
  readonly begunAt: number;
}

/** All objects whose keys begin so, page by page. */
export async function* listObjects(
  wire: BucketWire,
  prefix: string,
): AsyncGenerator<ListedObject, void, void> {
  for (let from: string | undefined = ''; from !== undefined;) {
    const more: Record<string, string> = from === '' ? {} : { 'continuation-token': from };
    const text = await wire.ask(
      { method: 'GET', query: { 'list-type': '2', prefix, ...more } },
      textOf,
    );
    for (const entry of elements(text, 'Contents')) {
      const key = elementText(entry, 'Key');
      const writtenAt = Date.parse(elementText(entry, 'LastModified') ?? '');
      if (key !== undefined && !Number.isNaN(writtenAt)) {
        yield { key, writtenAt };
      }
    }
    from = isCut(text) ? elementText(text, 'NextContinuationToken') : undefined;
  }
}

/** All uploads that have begun and are neither complete nor aborted, of such keys. */
export async function* listUploads(
  wire: BucketWire,
  prefix: string,
): AsyncGenerator<ListedUpload, void, void> {
  for (let from: Record<string, string> | undefined = {}; from !== undefined;) {
    const text: string = await wire.ask(
      { method: 'GET', query: { uploads: '', prefix, ...from } },
      textOf,
    );
    for (const entry of elements(text, 'Upload')) {
      const [key, uploadId] = ['Key', 'UploadId'].map((name) => elementText(entry, name));
      const begunAt = Date.parse(elementText(entry, 'Initiated') ?? '');
      if (key !== undefined && uploadId !== undefined && !Number.isNaN(begunAt)) {
        yield { key, uploadId, begunAt };
      }
    }
    const next = elementText(text, 'NextKeyMarker');
    from =
      isCut(text) && next !== undefined
        ? {
            'key-marker': next,
            'upload-id-marker': elementText(text, 'NextUploadIdMarker') ?? '',
          }
        : undefined;
  }
}

function isCut(text: string): boolean {
  return elementText(text, 'IsTruncated') === 'true';
}

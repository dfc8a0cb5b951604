import type { EgressRequest } from '../egress/egress.ts';
import { jsonBody } from '../egress/streamed-body.ts';
import type { ImageTask } from './provider.ts';

/** A slow line takes a millisecond for so many bytes of the pictures: one MiB a second. */
const UPLOAD_BYTES_PER_MS = 1024;

/**
 * A request's document as it is sent, and how long the upstream may take to accept it. That of an
 * edit may hold Base64Values: its pictures are streamed, and the time to send them is added.
 */
export function jobSubmission(
  { references }: Pick<ImageTask, 'references'>,
  { document, acceptMs }: { readonly document: object; readonly acceptMs: number },
): Pick<EgressRequest, 'body' | 'firstByteMs'> & Required<Pick<EgressRequest, 'headers'>> {
  if (references.length === 0) {
    const headers = { 'content-type': 'application/json' };
    return { headers, body: JSON.stringify(document), firstByteMs: acceptMs };
  }
  const body = jsonBody(document);
  const uploadMs = Math.ceil(body.contentLength / UPLOAD_BYTES_PER_MS);
  return { headers: {}, body, firstByteMs: acceptMs + uploadMs };
}

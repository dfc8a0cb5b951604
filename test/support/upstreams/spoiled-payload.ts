import type { Fault } from './faults.ts';

/** A picture as base64; text of the same length where the fault says that it is none. */
export function payloadText(picture: Buffer, fault: Fault | undefined): string {
  const bytes =
    fault?.kind === 'not_a_picture' ? Buffer.alloc(picture.length, 'no picture ') : picture;
  return bytes.toString('base64');
}

/**
 * The body as it goes over the wire. A `payload_with` fault puts its text, as it stands, into the
 * middle of this payload: `JSON.stringify` would escape it.
 */
export function wireBody(body: object, payload: string, fault: Fault | undefined): string {
  const json = JSON.stringify(body);
  if (fault?.kind !== 'payload_with') {
    return json;
  }
  const middle = json.indexOf(payload) + (payload.length >> 1);
  return json.slice(0, middle) + fault.text + json.slice(middle);
}

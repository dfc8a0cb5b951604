import type { ReceivedRequest } from './simulator.ts';

/** The pictures of an edit as they reached an upstream, decoded, in order. */
export interface ReceivedEdit {
  readonly images: readonly Buffer[];
  readonly mask?: Buffer;
}

/** One field of a form: a text or a file. */
export interface ReceivedPart {
  readonly name: string;
  readonly text?: string;
  readonly file?: { readonly name: string; readonly mediaType: string; readonly bytes: Buffer };
}

/** A multipart body, read by Node's own parser; undefined when it is none. */
export async function readForm(
  request: ReceivedRequest,
): Promise<readonly ReceivedPart[] | undefined> {
  const contentType = request.headers['content-type'] ?? '';
  const headers = { 'content-type': contentType };
  const body = new Uint8Array(request.body);
  const form = await new Response(body, { headers }).formData().catch(() => undefined);
  if (form === undefined || !contentType.startsWith('multipart/form-data')) {
    return undefined;
  }
  return Promise.all(
    [...form].map(async ([name, value]): Promise<ReceivedPart> => {
      if (typeof value === 'string') {
        return { name, text: value };
      }
      const bytes = Buffer.from(await value.arrayBuffer());
      return { name, file: { name: value.name, mediaType: value.type, bytes } };
    }),
  );
}

/** The bytes of a `data:` URI; undefined when it is none of a png, jpeg or webp in base64. */
export function dataUriBytes(text: unknown): Buffer | undefined {
  const match = /^data:image\/(?:png|jpeg|webp);base64,([A-Za-z0-9+/]+={0,2})$/.exec(String(text));
  return match?.[1] === undefined ? undefined : Buffer.from(match[1], 'base64');
}

import { randomUUID } from 'node:crypto';

/** One part of a form, with nothing added that it does not say. */
export interface RawPart {
  readonly name: string;
  readonly body: string | Buffer;
  readonly fileName?: string;
  readonly contentType?: string;
}

/** A multipart body written by hand, so that a test decides each of its headers. */
export interface RawForm {
  readonly contentType: string;
  readonly body: Buffer<ArrayBuffer>;
}

export function rawForm(parts: readonly RawPart[]): RawForm {
  const boundary = `----test${randomUUID()}`;
  const pieces = parts.flatMap(({ name, body, fileName, contentType }) => {
    const disposition = `content-disposition: form-data; name="${name}"`;
    const file = fileName === undefined ? '' : `; filename="${fileName}"`;
    const type = contentType === undefined ? '' : `\r\ncontent-type: ${contentType}`;
    const head = `--${boundary}\r\n${disposition}${file}${type}\r\n\r\n`;
    return [Buffer.from(head), Buffer.from(body), Buffer.from('\r\n')];
  });
  return {
    contentType: `multipart/form-data; boundary=${boundary}`,
    body: Buffer.concat([...pieces, Buffer.from(`--${boundary}--\r\n`)]),
  };
}

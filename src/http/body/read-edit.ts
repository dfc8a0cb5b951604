import type { FastifyRequest } from 'fastify';
import { Failure } from '../../base/errors.ts';
import type { ImageCall } from '../../contract/call.ts';
import { toEditCall } from '../../contract/edits.ts';
import { ImageGenerationRequest, withoutAbsent } from '../../contract/generations.ts';
import { validate } from '../../contract/validate.ts';
import type { Spool } from '../../payload/spool.ts';
import type { EditInputs } from '../../pipeline/pictures.ts';
import { arrivingBody, passBy } from './arriving.ts';
import { readEditForm } from './edit-form.ts';
import { readEditJson } from './edit-json.ts';
import { formParts } from './form-parts.ts';
import { PictureTaker } from './picture-taker.ts';

export interface ReadEditOptions {
  /** Keeps the pictures; disposed of when this throws. */
  readonly spool: Spool;
  /** The most bytes of the whole body, pictures included. */
  readonly bodyBytesMax: number;
  /** The most bytes of what is no picture. */
  readonly textBytesMax: number;
  /** The longest silence in the body, in milliseconds. */
  readonly idleMs: number;
  /** A body that comes more slowly on the average is refused. */
  readonly bytesPerSecondMin: number;
}

/** An edit as it was sent, its pictures kept. */
export interface ReadEdit {
  readonly call: ImageCall;
  readonly inputs: EditInputs;
}

/** Reads the body of an edit as it arrives: a form, or JSON. Throws a Failure that names the field. */
export async function readEdit(
  request: FastifyRequest,
  options: ReadEditOptions,
): Promise<ReadEdit> {
  const { spool, bodyBytesMax, idleMs, bytesPerSecondMin } = options;
  try {
    const taker = new PictureTaker(spool);
    const { fields, textFields } = await readFields(request, taker, options);
    const body = validate(ImageGenerationRequest, withoutAbsent(fields));
    const inputs = taker.inputs();
    const facts = {
      referenceCount: inputs.images.length,
      hasMask: inputs.mask !== undefined,
      textFields,
    };
    return { call: toEditCall(body, facts), inputs };
  } catch (error) {
    passBy(request, { bytesMax: bodyBytesMax, idleMs, bytesPerSecondMin });
    await spool.dispose();
    throw error;
  }
}

async function readFields(
  request: FastifyRequest,
  taker: PictureTaker,
  { bodyBytesMax, textBytesMax, idleMs, bytesPerSecondMin }: ReadEditOptions,
): Promise<{ readonly fields: unknown; readonly textFields: boolean }> {
  const contentType = request.headers['content-type'] ?? '';
  const body = arrivingBody(request, { bytesMax: bodyBytesMax, idleMs, bytesPerSecondMin });
  if (/^multipart\/form-data\b/i.test(contentType)) {
    const parts = formParts(body, contentType);
    return { fields: await readEditForm(parts, taker, textBytesMax), textFields: true };
  }
  if (/^application\/json\b/i.test(contentType)) {
    return { fields: await readEditJson(body, taker, textBytesMax), textFields: false };
  }
  throw new Failure('unsupported_media_type');
}

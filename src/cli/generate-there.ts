import { newId } from '../base/ids.ts';
import { isImageFormat } from '../base/image.ts';
import { parseUsd } from '../base/money.ts';
import { ImageResponse } from '../contract/answers.ts';
import { probe } from '../payload/probe.ts';
import { jsonBody, multipartBody } from '../egress/streamed-body.ts';
import { CommandError } from './command.ts';
import type { Generated, GenerateTask } from './generated.ts';
import { formParts } from './input-pictures.ts';
import { readAnswer, type Remote } from './remote.ts';

/** Has a running server paint or edit. Throws an ApiError with the server's own words. */
export async function generateThere(
  remote: Remote,
  { body, inputs, files, signal }: GenerateTask,
): Promise<Generated> {
  const asked = { ...body, response_format: 'b64_json', stream: false };
  const options = { signal, requestId: newId('req') };
  const answering =
    inputs === undefined
      ? remote.post('/v1/images/generations', jsonBody(asked), options)
      : remote.post('/v1/images/edits', multipartBody(formParts(asked, inputs)), options);
  const answer = await answering.catch(async (error: unknown) => {
    if (signal.aborted) {
      await giveUp(remote, options.requestId);
    }
    throw error;
  });
  const { id, created, model, size, data, usage, warnings, ...rest } = readAnswer(
    ImageResponse,
    answer,
    remote,
  );
  const pictures: Generated['pictures'][number][] = [];
  for (const [index, { b64_json: text }] of (data ?? []).entries()) {
    const bytes = Buffer.from(text ?? '', 'base64');
    const header = probe(bytes);
    if (header === undefined || !isImageFormat(header.format)) {
      throw new CommandError(`${remote.url} answered with something that is no picture.`);
    }
    await files.write(index, [bytes]);
    pictures.push({ ...header, format: header.format });
  }
  const charged = usage?.cost?.total_cost;
  if (id === undefined || charged === undefined || pictures.length === 0) {
    throw new CommandError(`${remote.url} gave an answer without a picture or its cost.`);
  }
  const { output_format: _, ...extra } = rest;
  return {
    id,
    created: created ?? 0,
    model: model ?? '',
    size: size ?? '',
    pictures,
    cost: parseUsd(charged),
    warnings: warnings ?? [],
    extra,
  };
}

/**
 * The server would carry the request out though nobody listens any more: it is told not to. Where
 * it cannot stop it, or this fails, the picture is charged, and kept for a while.
 */
async function giveUp(remote: Remote, requestId: string): Promise<void> {
  try {
    const listed = (await remote.get(`/v1/images?request_id=${requestId}`)) as {
      readonly data?: readonly { readonly id?: string }[];
    };
    await Promise.all((listed.data ?? []).map(({ id }) => remote.remove(`/v1/images/${id}`)));
  } catch {
    // What interrupted it is what its caller is told.
  }
}

import { formatSize } from '../base/image.ts';
import type { StreamedBody } from '../egress/streamed-body.ts';
import type { ProviderAccount } from './account.ts';
import { editForm, OPENAI_PICTURES, pictureParts } from './images-api/edit-form.ts';
import { alphaMask } from './images-api/edit-mask.ts';
import { readJsonAnswer } from './images-api/json-answer.ts';
import { isPictureField } from './images-api/picture-fields.ts';
import { readRefusal } from './images-api/refusal.ts';
import { isEventStream, readStreamAnswer } from './images-api/stream-answer.ts';
import type { ImageTask, Provider, ProviderContext, ProviderEvent, Receipt } from './provider.ts';
import { formFile, sendable } from './references.ts';

/**
 * OpenAI's GPT Image models (openai 7.55.0 `resources/images.d.ts`, openai-openapi of August 2026;
 * PROVIDERS §1). Pictures pass through as they arrive. Settings: `organization` and `project`,
 * whose ids go with each request. Throws when the account has no key, or a setting is not one.
 */
export function createOpenai(account: ProviderAccount): Provider {
  const headers = accountHeaders(account);
  return {
    name: account.name,
    holdsBack: isPictureField,
    generate: (task, context) => generate(account, headers, { task, context }),
  };
}

async function* generate(
  account: ProviderAccount,
  headers: Readonly<Record<string, string>>,
  { task, context }: { readonly task: ImageTask; readonly context: ProviderContext },
): AsyncGenerator<ProviderEvent, Receipt, void> {
  const provider = account.name;
  const isEdit = task.references.length > 0;
  const fields = requestFields(task);
  const answer = await account.egress.request({
    method: 'POST',
    url: `${account.baseUrl}/images/${isEdit ? 'edits' : 'generations'}`,
    headers,
    body: isEdit ? await editBody(fields, task) : JSON.stringify(fields),
    signal: context.signal,
  });
  if (answer.status !== 200) {
    throw await readRefusal(provider, answer);
  }
  // A proxy in between may not know streams, and answers JSON all the same.
  return isEventStream(answer)
    ? yield* readStreamAnswer(answer, { provider, context, partialImages: task.partialImages })
    : yield* readJsonAnswer(answer, { provider, n: task.n });
}

/** The pictures go out as they came, all three encodings being taken. */
async function editBody(
  fields: Readonly<Record<string, unknown>>,
  { references, mask }: ImageTask,
): Promise<StreamedBody> {
  const pictures = pictureParts(await sendable(references, OPENAI_PICTURES));
  const masks = mask === undefined ? [] : [formFile('mask', await alphaMask(mask), 'mask')];
  return editForm(fields, [...pictures, ...masks]);
}

/** The card's names are OpenAI's own but for `image_size`; an edit has the fields of a generation. */
function requestFields(task: ImageTask): Readonly<Record<string, unknown>> {
  const { image_size, size, width, ...others } = task.parameters;
  const { height: _height, ...parameters } = others;
  const passthrough = Object.entries(task.passthrough).filter(([name]) => !isPictureField(name));
  const body: Record<string, unknown> = {
    ...Object.fromEntries(passthrough),
    ...parameters,
    ...task.upstreamParameters,
    model: task.upstreamModel,
    prompt: task.prompt,
    n: task.n,
    size: image_size ?? size ?? (width === undefined ? 'auto' : formatSize(task.size)),
    output_format: task.format,
    ...(task.compression === undefined ? {} : { output_compression: task.compression }),
    ...streamFields(task),
  };
  // The GPT models answer 400 to it: they always give base64.
  delete body['response_format'];
  return body;
}

/**
 * A stream's events carry no number of the picture, so the pictures of n > 1 could not be told
 * from one another (nor is it known that every model streams them): those come as JSON.
 */
function streamFields({ stream, n, partialImages }: ImageTask): object {
  if (!stream || n > 1) {
    return {};
  }
  return { stream: true, ...(partialImages === 0 ? {} : { partial_images: partialImages }) };
}

function accountHeaders({ name, apiKey, settings }: ProviderAccount): Record<string, string> {
  if (apiKey === undefined) {
    throw new Error(`provider ${name}: OpenAI needs an API key`);
  }
  const headers: Record<string, string> = {
    authorization: `Bearer ${apiKey}`,
    'content-type': 'application/json',
  };
  for (const [setting, value] of Object.entries(settings)) {
    if (setting !== 'organization' && setting !== 'project') {
      throw new Error(`provider ${name}: unknown setting '${setting}' (organization, project)`);
    }
    if (typeof value !== 'string' || !/^[\w-]{1,128}$/.test(value)) {
      throw new Error(`provider ${name}: ${setting} must be an id`);
    }
    headers[`openai-${setting}`] = value;
  }
  return headers;
}

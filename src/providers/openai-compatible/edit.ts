import { Failure } from '../../base/errors.ts';
import {
  Base64Value,
  type FormPart,
  jsonBody,
  type StreamedBody,
} from '../../egress/streamed-body.ts';
import { base64Chunks } from '../../payload/base64.ts';
import type { ReferencePicture } from '../../payload/reference.ts';
import { editForm, OPENAI_PICTURES, pictureParts } from '../images-api/edit-form.ts';
import { alphaMask } from '../images-api/edit-mask.ts';
import type { ImageTask } from '../provider.ts';
import { formFile, type ReferenceRules, sendable, type SentPicture } from '../references.ts';
import { sentWhiteMask } from '../sent-mask.ts';
import { requestFields } from './body.ts';
import type { CompatibleSettings, Flavour } from './settings.ts';

/** Which of the account's paths a request goes to. */
export type Operation = 'edits' | 'generations';

/** The request of an edit. */
export interface EditRequest {
  /** `generations` for LocalAI, which takes reference pictures there. */
  readonly operation: Operation;
  readonly body: StreamedBody;
  /** Whether the server paints by the seed that goes with the request. */
  readonly takesSeed: boolean;
}

/**
 * The edit in the form of the account's flavour (PROVIDERS §7; sources of stable-diffusion.cpp,
 * LocalAI, SGLang and vLLM-Omni, August 2026). Throws before anything is sent, in words: what the
 * server cannot do (`edit_not_supported`, `mask_not_supported`, `too_many_images`), and pictures
 * that cannot be read.
 */
export async function editRequest(
  task: ImageTask,
  settings: CompatibleSettings,
): Promise<EditRequest> {
  refuseImpossible(task, settings);
  const { flavour } = settings;
  const { references, mask } = task;
  const fields = requestFields(task, settings);
  const pictures = await sendable(references, PICTURES[flavour]);
  if (flavour === 'localai' && mask === undefined) {
    const ref_images = pictures.map((picture) => new Base64Value(picture));
    const body = jsonBody({ ...fields, ref_images });
    return { operation: 'generations', body, takesSeed: true };
  }
  const masks = mask === undefined ? [] : [await maskPart(mask, settings)];
  const files = [...pictureParts(pictures), ...masks];
  // LocalAI's inpainting reads the prompt as it stands, and no seed.
  const isInpainting = flavour === 'localai';
  const texts = isInpainting ? { ...fields, prompt: task.prompt } : fields;
  return { operation: 'edits', body: editForm(texts, files), takesSeed: !isInpainting };
}

/**
 * stable-diffusion.cpp may be built without webp, and skips in silence what it cannot decode; so
 * may what LocalAI runs. The Python servers read all three.
 */
const WITHOUT_WEBP: ReferenceRules = { formats: ['png', 'jpeg'] };
const ANY_PICTURE: ReferenceRules = { formats: ['png', 'jpeg', 'webp'] };

const PICTURES = {
  plain: WITHOUT_WEBP,
  azure: OPENAI_PICTURES,
  localai: WITHOUT_WEBP,
  ollama: ANY_PICTURE,
  sglang: ANY_PICTURE,
  vllm: ANY_PICTURE,
} as const satisfies Record<Flavour, ReferenceRules>;

/** What a server would ignore, or fail at, is refused: nobody pays for another picture. */
function refuseImpossible(task: ImageTask, { flavour, mask }: CompatibleSettings): void {
  if (flavour === 'ollama') {
    const message = 'This model makes pictures from words alone: its server has no edits.';
    throw new Failure('edit_not_supported', { param: 'model', message });
  }
  if (task.mask === undefined) {
    return;
  }
  if (mask === 'none') {
    const message = 'This model does not take a mask: its server has no use for one.';
    throw new Failure('mask_not_supported', { param: 'mask', message });
  }
  if (flavour !== 'localai') {
    return;
  }
  if (task.references.length > 1) {
    const message = 'With a mask this model takes exactly one picture.';
    throw new Failure('too_many_images', { param: 'image', message });
  }
  const { negative_prompt = '' } = task.parameters;
  if (negative_prompt !== '') {
    const message = 'With a mask this model takes no negative prompt.';
    throw new Failure('invalid_value', { param: 'negative_prompt', message });
  }
}

/** vLLM-Omni reads a mask only as a data URI in a text field of its own. */
async function maskPart(
  mask: ReferencePicture,
  { flavour, mask: meaning }: CompatibleSettings,
): Promise<FormPart> {
  const picture = meaning === 'white' ? await sentWhiteMask(mask) : await alphaMask(mask);
  return flavour === 'vllm'
    ? { name: 'mask_image', value: await dataUriText(picture) }
    : formFile('mask', picture, 'mask');
}

async function dataUriText({ payload }: SentPicture): Promise<string> {
  const base64 = Buffer.concat(await Array.fromAsync(base64Chunks(payload)));
  return `data:image/png;base64,${base64.toString('latin1')}`;
}

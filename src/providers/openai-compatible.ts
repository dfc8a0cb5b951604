import type { Payload } from '../payload/payload.ts';
import type { ProviderAccount } from './account.ts';
import { downloadPicture } from './downloaded.ts';
import { readJsonAnswer } from './images-api/json-answer.ts';
import { readRefusal } from './images-api/refusal.ts';
import { isEventStream, readStreamAnswer } from './images-api/stream-answer.ts';
import { isHeldBack, requestFields } from './openai-compatible/body.ts';
import { editRequest, type Operation } from './openai-compatible/edit.ts';
import { type CompatibleSettings, readSettings } from './openai-compatible/settings.ts';
import type { ImageTask, Provider, ProviderContext, ProviderEvent, Receipt } from './provider.ts';
import { brokenAnswer } from './upstream-errors.ts';

/**
 * Any server of OpenAI's Images API: Azure OpenAI, LocalAI, Ollama, SGLang, vLLM-Omni,
 * stable-diffusion.cpp and others (PROVIDERS §1.8, §7; August to November 2026). The settings are
 * those of CompatibleSettings; throws when one of them is wrong. Nothing of an answer is passed on
 * but its pictures and token counts.
 */
export function createOpenaiCompatible(account: ProviderAccount): Provider {
  const settings = readSettings(account);
  return {
    name: account.name,
    holdsBack: (field) => isHeldBack(settings.flavour, field),
    generate: (task, context) => generate(account, settings, { task, context }),
  };
}

async function* generate(
  account: ProviderAccount,
  settings: CompatibleSettings,
  { task, context }: { readonly task: ImageTask; readonly context: ProviderContext },
): AsyncGenerator<ProviderEvent, Receipt, void> {
  const provider = account.name;
  const { signal } = context;
  const { operation, body, takesSeed } =
    task.references.length > 0 ? await editRequest(task, settings) : generation(task, settings);
  const answer = await account.egress.request({
    method: 'POST',
    url: operationUrl(account.baseUrl, settings, { operation, task }),
    headers: { 'content-type': 'application/json', ...credential(account, settings) },
    body,
    signal,
  });
  if (answer.status !== 200) {
    throw await readRefusal(provider, answer);
  }
  if (isEventStream(answer)) {
    const { partialImages } = task;
    return yield* readStreamAnswer(answer, { provider, context, partialImages });
  }
  return yield* readJsonAnswer(answer, {
    provider,
    n: task.n,
    ...(task.seed === undefined || !takesSeed ? {} : { seed: task.seed }),
    fetchPicture: (url) => fetchPicture(account, url, context),
  });
}

function generation(
  task: ImageTask,
  settings: CompatibleSettings,
): { readonly operation: Operation; readonly body: string; readonly takesSeed: boolean } {
  const body = JSON.stringify(requestFields(task, settings));
  return { operation: 'generations', body, takesSeed: true };
}

function credential(
  { apiKey = '' }: ProviderAccount,
  { authHeader }: CompatibleSettings,
): Readonly<Record<string, string>> {
  switch (authHeader) {
    case 'authorization':
      return { authorization: `Bearer ${apiKey}` };
    case 'api-key':
      return { 'api-key': apiKey };
    case 'none':
      return {};
  }
}

/**
 * Azure's address, whether the base URL ends at the resource, at `/openai` or at `/openai/v1`
 * (openai 7.55.0 `azure.mjs`, November 2026): a version that is a date means the classic path.
 */
function operationUrl(
  baseUrl: string,
  settings: CompatibleSettings,
  { operation, task }: { readonly operation: Operation; readonly task: ImageTask },
): string {
  const { flavour, apiVersion, deployment = task.upstreamModel } = settings;
  if (flavour !== 'azure') {
    return baseUrl + (operation === 'edits' ? settings.editsPath : settings.path);
  }
  const root = `${baseUrl.replace(/\/openai(\/v1)?$/, '')}/openai`;
  const isClassic = /^\d{4}-/.test(apiVersion);
  const place = isClassic ? `deployments/${encodeURIComponent(deployment)}` : 'v1';
  return `${root}/${place}/images/${operation}?api-version=${apiVersion}`;
}

/** A picture is asked for again so soon where its server stumbles, which mostly stands nearby. */
const DOWNLOAD_INTERVAL_MS = 100;

/**
 * Fetches a picture that the answer names, whole, so that the death of one spares the others. A
 * URL without a host is one of the server itself.
 */
async function fetchPicture(
  account: ProviderAccount,
  named: string,
  context: ProviderContext,
): Promise<Payload> {
  const url = URL.parse(named, account.baseUrl)?.href;
  if (url === undefined) {
    throw brokenAnswer(account.name, 'an address of a picture that is none');
  }
  const download = { url, context, intervalMs: DOWNLOAD_INTERVAL_MS };
  const { payload } = await downloadPicture(account, download);
  return context.spool(payload);
}

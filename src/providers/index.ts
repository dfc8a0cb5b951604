import type { ProviderAccount } from './account.ts';
import { createArk } from './ark.ts';
import { createBfl } from './bfl.ts';
import { createFal } from './fal.ts';
import { createGemini } from './gemini.ts';
import { createOpenaiCompatible } from './openai-compatible.ts';
import { createOpenai } from './openai.ts';
import type { Provider } from './provider.ts';
import { createSdServer } from './sd-server.ts';
import { createXai } from './xai.ts';

/** One kind of upstream. */
export interface Adapter {
  readonly create: (account: ProviderAccount) => Provider;
  /**
   * Domains of the vendor beside the base URL's host: an answer may send us there, and our
   * credential goes along over https.
   */
  readonly ownDomains?: readonly string[];
}

/** Every kind of upstream, by the name that `easel.yaml` has for it. */
export const ADAPTERS = {
  openai: { create: createOpenai },
  gemini: { create: createGemini },
  bfl: { create: createBfl, ownDomains: ['bfl.ai'] },
  xai: { create: createXai },
  ark: { create: createArk },
  fal: { create: createFal, ownDomains: ['fal.run'] },
  'openai-compatible': { create: createOpenaiCompatible },
  'sd-server': { create: createSdServer },
} as const satisfies Readonly<Record<string, Adapter>>;

import { startArk } from '../support/upstreams/ark.ts';
import { startBfl } from '../support/upstreams/bfl.ts';
import { startFal } from '../support/upstreams/fal.ts';
import { startGemini } from '../support/upstreams/gemini.ts';
import { startOpenaiCompatible } from '../support/upstreams/openai-compatible.ts';
import { startOpenai } from '../support/upstreams/openai.ts';
import { startSdServer } from '../support/upstreams/sd-server.ts';
import type { ReceivedEdit } from '../support/upstreams/received-edit.ts';
import type { Simulator } from '../support/upstreams/simulator.ts';
import { startXai } from '../support/upstreams/xai.ts';

/** A simulated upstream, and what makes Easel reach it. */
export interface StartedUpstream extends AsyncDisposable {
  /** Where requests for pictures arrive; its faults strike them. */
  readonly upstream: Simulator;
  /** Where the pictures come from, when that is another place. */
  readonly delivery: Simulator;
  /** The pictures of every edit that it took. */
  readonly edits: readonly ReceivedEdit[];
  readonly environment: Readonly<Record<string, string>>;
  /** The text of an `easel.yaml`, for what has no card in the catalogue. */
  readonly yaml?: string;
}

/** One upstream of the shared suite: adding a provider means adding a row. */
export interface UpstreamRow {
  readonly name: string;
  readonly model: string;
  readonly fields?: Readonly<Record<string, unknown>>;
  /** USD for one picture of a simulated answer. */
  readonly cost: number;
  /** Whether a payload goes on to the caller while it arrives: then its death breaks the answer. */
  readonly isLive: boolean;
  /** Faults of the shared list that this upstream cannot have, each with its reason. */
  readonly without?: Readonly<Record<string, string>>;
  /** What a fault becomes where this upstream means something else by it. */
  readonly becomes?: Readonly<Record<string, string>>;
  /** A field that a caller may send and that is not passed on, where the card passes any on. */
  readonly heldBack?: string;
  /** The model that edits, where it is another. */
  readonly editModel?: string;
  /** How a mask reaches it, where it takes one: as it came, or white where to repaint. */
  readonly mask?: 'alpha' | 'white';
  readonly start: () => Promise<StartedUpstream>;
}

export const UPSTREAMS: readonly UpstreamRow[] = [
  {
    name: 'openai',
    model: 'gpt-image-2',
    fields: { quality: 'low' },
    // 7 text tokens at 5 USD a million, 196 image tokens at 30.
    cost: 0.005915,
    isLive: true,
    mask: 'alpha',
    start: async () => {
      const sim = await startOpenai();
      return reached(sim, { OPENAI_API_KEY: sim.apiKey, OPENAI_BASE_URL: sim.baseUrl });
    },
  },
  {
    name: 'gemini',
    model: 'nano-banana-2',
    cost: 0.0336,
    isLive: false,
    start: async () => {
      const sim = await startGemini();
      return reached(sim, { GEMINI_API_KEY: sim.apiKey, GEMINI_BASE_URL: sim.baseUrl });
    },
  },
  {
    name: 'xai',
    model: 'grok-imagine',
    cost: 0.02,
    isLive: false,
    // Its way of refusing all pictures.
    becomes: { empty_data: '400 moderation_blocked' },
    start: async () => {
      const sim = await startXai();
      return reached(sim, { XAI_API_KEY: sim.apiKey, XAI_BASE_URL: sim.baseUrl });
    },
  },
  {
    name: 'ark',
    model: 'seedream-4.5',
    cost: 0.04,
    isLive: true,
    start: async () => {
      const sim = await startArk();
      return reached(sim, { ARK_API_KEY: sim.apiKey, ARK_BASE_URL: sim.baseUrl });
    },
  },
  {
    name: 'bfl',
    model: 'flux-2-pro',
    cost: 0.03,
    isLive: true,
    start: async () => {
      const sim = await startBfl();
      return {
        ...reached(
          sim,
          {
            BFL_API_KEY: sim.apiKey,
            BFL_BASE_URL: sim.baseUrl,
            EASEL_FETCH_ALLOW: sim.hosts.join(','),
          },
          pollFast('bfl', 'bfl', { polling_hosts: [sim.clusterHost] }),
        ),
        delivery: sim.delivery,
      };
    },
  },
  {
    name: 'fal',
    heldBack: 'image_url',
    editModel: 'fal-edit-model',
    mask: 'white',
    model: 'fal-model',
    cost: 0.025,
    isLive: true,
    start: async () => {
      const sim = await startFal();
      const environment = {
        FAL_KEY: sim.apiKey,
        FAL_BASE_URL: sim.baseUrl,
        EASEL_FETCH_ALLOW: sim.cdnHost,
      };
      const yaml =
        pollFast('fal', 'fal', {}) +
        ownCards(
          ownCard('fal-model', 'fal', 'fal-ai/flux/dev'),
          ownCard('fal-edit-model', 'fal', 'fal-ai/simulated/edit'),
        );
      return { ...reached(sim, environment, yaml), delivery: sim.cdn };
    },
  },
  {
    name: 'openai-compatible',
    heldBack: 'lora',
    model: 'local-model',
    cost: 0.025,
    isLive: true,
    without: { insufficient_quota: 'a local server has no quota' },
    start: async () => {
      const sim = await startOpenaiCompatible({ flavour: 'vllm' });
      const account =
        `providers:\n  local:\n    kind: openai-compatible\n    base_url: ${sim.baseUrl}\n` +
        '    settings: { flavour: vllm }\n';
      return reached(sim, {}, account + ownCards(ownCard('local-model', 'local', 'qwen-image')));
    },
  },
  {
    name: 'sd-server',
    heldBack: 'lora',
    mask: 'white',
    model: 'local-model',
    cost: 0.025,
    isLive: true,
    without: {
      moderation: 'a local engine refuses nothing',
      insufficient_quota: 'a local engine has no quota',
    },
    start: async () => {
      const sim = await startSdServer();
      const yaml =
        pollFast('sd-server', 'sd-server', {}) +
        ownCards(ownCard('local-model', 'sd-server', 'sd-cpp-local'));
      return reached(sim, { SDSERVER_BASE_URL: sim.baseUrl }, yaml);
    },
  },
];

function reached(
  sim: AsyncDisposable & Pick<StartedUpstream, 'upstream' | 'edits'>,
  environment: Readonly<Record<string, string>>,
  yaml?: string,
): StartedUpstream {
  return {
    upstream: sim.upstream,
    delivery: sim.upstream,
    edits: sim.edits,
    environment,
    ...(yaml === undefined ? {} : { yaml }),
    [Symbol.asyncDispose]: () => sim[Symbol.asyncDispose](),
  };
}

/** Polls follow at once, so that no test waits. */
function pollFast(name: string, kind: string, settings: object): string {
  const all = JSON.stringify({ poll_interval_ms: 1, ...settings });
  return `providers:\n  ${name}:\n    kind: ${kind}\n    settings: ${all}\n`;
}

export function ownCards(...cards: readonly string[]): string {
  return `models:\n${cards.join('')}`;
}

/** A model of 0.025 USD a picture, in pixels, that takes four references and a mask. */
export function ownCard(id: string, provider: string, upstreamModel: string): string {
  return `  - id: ${id}
    created: '2026-11-01'
    description: A model of the test's own.
    provider: ${provider}
    upstream_model: ${upstreamModel}
    sizing: pixels
    parameters:
      width: { type: integer, minimum: 256, maximum: 2048, multiple_of: 8, default: 512 }
      height: { type: integer, minimum: 256, maximum: 2048, multiple_of: 8, default: 512 }
      seed: { type: integer, minimum: 0, maximum: 2147483647 }
    sizes: { kind: pixels, max_pixels: 4194304 }
    prompt_max_length: 8000
    edit: { max_reference_images: 4, mask: true }
    max_n: 4
    images_per_call: 4
    formats: { native: [png, jpeg], default: png }
    passthrough: any
    prices:
      - { from: '2026-11-01', kind: image, rates: [{ usd: 0.025 }] }
`;
}

import { startArk } from './ark.ts';
import { startBfl } from './bfl.ts';
import { startFal } from './fal.ts';
import { startGemini } from './gemini.ts';
import { startOpenai } from './openai.ts';
import { startSdServer } from './sd-server.ts';
import { startXai } from './xai.ts';

type Started<Start extends (...options: never[]) => Promise<AsyncDisposable>> = Awaited<
  ReturnType<Start>
>;

/** A simulator of every upstream that a credential in the environment reaches. */
export interface AllUpstreams extends AsyncDisposable {
  readonly openai: Started<typeof startOpenai>;
  readonly gemini: Started<typeof startGemini>;
  readonly xai: Started<typeof startXai>;
  readonly ark: Started<typeof startArk>;
  readonly bfl: Started<typeof startBfl>;
  readonly fal: Started<typeof startFal>;
  readonly sdServer: Started<typeof startSdServer>;
  /** What makes Easel reach them all. */
  readonly environment: Readonly<Record<string, string>>;
  /** The `providers` of an `easel.yaml` that polls them at this pace. */
  readonly yaml: (pollIntervalMs: number) => string;
}

export async function startAllUpstreams(): Promise<AllUpstreams> {
  const [openai, gemini, xai, ark, bfl, fal, sdServer] = await Promise.all([
    startOpenai(),
    startGemini(),
    startXai(),
    startArk(),
    startBfl(),
    startFal(),
    startSdServer(),
  ]);
  const simulators = { openai, gemini, xai, ark, bfl, fal, sdServer };
  return {
    ...simulators,
    environment: {
      OPENAI_API_KEY: openai.apiKey,
      OPENAI_BASE_URL: openai.baseUrl,
      GEMINI_API_KEY: gemini.apiKey,
      GEMINI_BASE_URL: gemini.baseUrl,
      XAI_API_KEY: xai.apiKey,
      XAI_BASE_URL: xai.baseUrl,
      ARK_API_KEY: ark.apiKey,
      ARK_BASE_URL: ark.baseUrl,
      BFL_API_KEY: bfl.apiKey,
      BFL_BASE_URL: bfl.baseUrl,
      FAL_KEY: fal.apiKey,
      FAL_BASE_URL: fal.baseUrl,
      SDSERVER_BASE_URL: sdServer.baseUrl,
      EASEL_FETCH_ALLOW: [...bfl.hosts, fal.cdnHost].join(','),
    },
    yaml: (pollIntervalMs) => {
      const pace = { poll_interval_ms: pollIntervalMs };
      const polling = { ...pace, polling_hosts: [bfl.clusterHost] };
      return (
        'providers:\n' +
        `  bfl: { kind: bfl, settings: ${JSON.stringify(polling)} }\n` +
        `  fal: { kind: fal, settings: ${JSON.stringify(pace)} }\n` +
        `  sd-server: { kind: sd-server, settings: ${JSON.stringify(pace)} }\n`
      );
    },
    [Symbol.asyncDispose]: async () => {
      await Promise.all(Object.values(simulators).map((sim) => sim[Symbol.asyncDispose]()));
    },
  };
}

/** What a `Prefer` header asks for (RFC 7240). */
export interface Preference {
  readonly respondAsync: boolean;
  /** Seconds that the client is willing to wait. */
  readonly waitSeconds?: number;
}

/** No answer is waited for longer; who wants more asks again. */
const WAIT_SECONDS_MAX = 600;

/** Reads `respond-async` and `wait=N`, in one header or several; what else is there is not ours. */
export function parsePrefer(header: string | string[] | undefined): Preference {
  const preferences = [header ?? '']
    .flat()
    .flatMap((text) => text.split(','))
    .map((text) => text.split(';', 1)[0]?.trim().toLowerCase() ?? '');
  const wait = preferences
    .map((preference) => /^wait\s*=\s*"?(\d{1,6})"?$/.exec(preference)?.[1])
    .find((seconds) => seconds !== undefined);
  return {
    respondAsync: preferences.includes('respond-async'),
    ...(wait === undefined ? {} : { waitSeconds: Math.min(Number(wait), WAIT_SECONDS_MAX) }),
  };
}

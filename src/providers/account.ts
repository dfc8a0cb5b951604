import type { Egress } from '../egress/egress.ts';

/** One set of credentials with one upstream, as the operator configured it. */
export interface ProviderAccount {
  /** The operator's name of it, as logs and records show it: `openai`, `my-azure`. */
  readonly name: string;
  readonly egress: Egress;
  /** Without a slash at the end: `https://api.openai.com/v1`. */
  readonly baseUrl: string;
  /** Absent for servers that ask for none. */
  readonly apiKey?: string;
  /** What else the operator set for this account; each adapter checks its own. */
  readonly settings: Readonly<Record<string, unknown>>;
}

/** Throws when the account has a setting that its adapter does not read: a misspelt one, say. */
export function refuseUnknownSettings(account: ProviderAccount, known: readonly string[]): void {
  const { name, settings } = account;
  const unknown = Object.keys(settings).find((setting) => !known.includes(setting));
  if (unknown !== undefined) {
    const taken = known.length === 0 ? 'none' : known.join(', ');
    throw new Error(`${name}: there is no setting ${unknown}; it takes ${taken}`);
  }
}

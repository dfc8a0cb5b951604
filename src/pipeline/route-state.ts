/** Whether calls go through a route: all, none for a while, or one to see whether it works again. */
export type Circuit = 'closed' | 'open' | 'half_open';

/** How one route stands, for operators. */
export interface RouteState {
  /** The account and the upstream's model: `openai/gpt-image-2`. */
  readonly route: string;
  readonly account: string;
  readonly circuit: Circuit;
  /** Calls that are under way. */
  readonly running: number;
  /** Calls that wait for one of the account's places. */
  readonly queued: number;
  /** The account's places, shared by all its routes; absent: there is no bound. */
  readonly limit?: number;
  /** So long the upstream wants to be left alone, in milliseconds; absent: it does not. */
  readonly pausedMs?: number;
}

import type { Target } from '../connection.ts';

/** One of the things that are compared. Adding one is adding a file, and a line to `all.ts`. */
export interface System {
  /** How the command line calls it. */
  readonly name: string;
  readonly title: string;
  /** How it is set up, in a sentence for the report. */
  readonly setup: string;
  /** Resolves when it takes requests. Throws, with its output, when it cannot be started. */
  readonly start: (options: SystemOptions) => Promise<RunningSystem>;
}

export interface SystemOptions {
  /** What it takes for OpenAI's base URL, without `/v1`. */
  readonly upstreamUrl: string;
  /** An empty folder of its own. */
  readonly folder: string;
}

export interface RunningSystem extends Target {
  /** The root of its process tree; absent where nothing stands between load and upstream. */
  readonly pid?: number;
  readonly stop: () => Promise<void>;
}

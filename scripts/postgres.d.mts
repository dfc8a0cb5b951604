export interface PostgresServer {
  /** Of its superuser, to its first database. */
  readonly url: string;
  readonly pid: number;
  readonly port: number;
  readonly folder: string;
  /** `keep`: its folder stays, to be started again. */
  readonly stop: (options?: {
    readonly keep?: boolean;
    readonly signal?: NodeJS.Signals;
  }) => Promise<void>;
}

export interface PostgresServerOptions {
  readonly settings?: Readonly<Record<string, string | number>>;
  readonly port?: number;
  readonly folder?: string;
}

export function findPostgres(): string | undefined;
export function startPostgres(options?: PostgresServerOptions): Promise<PostgresServer>;

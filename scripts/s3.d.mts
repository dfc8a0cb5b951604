/** An S3-compatible server of its own, with one bucket; see `s3.mjs`. */
export interface S3Server {
  readonly url: string;
  readonly bucket: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly pid: number;
  readonly port: number;
  readonly folder: string;
  stop(options?: { readonly keep?: boolean; readonly signal?: NodeJS.Signals }): Promise<void>;
}

export function hasS3(): boolean;

export function startS3(options?: {
  readonly port?: number;
  readonly folder?: string;
}): Promise<S3Server>;

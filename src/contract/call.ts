import type { ImageFormat } from '../base/image.ts';

/** What a warning says about a field; `docs/warnings.md` explains each. */
export type WarningCode =
  | 'ignored'
  | 'adjusted'
  | 'converted'
  | 'conversion_failed'
  | 'model_redirected'
  | 'image_failed'
  | 'not_kept';

/** One thing that Easel changed, ignored or could not do, named so that nothing is silent. */
export interface Warning {
  /** The field of the request it is about. */
  readonly param: string;
  readonly code: WarningCode;
  readonly message: string;
}

/** A request's body after the contract's schema: typed where the contract speaks, raw elsewhere. */
export interface ImageCall {
  readonly operation: 'generation' | 'edit';
  readonly model: string;
  readonly prompt: string;
  /** 1 to 4; the model's own maximum is looked at when the call is admitted. */
  readonly n: number;
  readonly responseFormat: 'b64_json' | 'url';
  /** Absent: the model's own default. */
  readonly outputFormat?: ImageFormat;
  readonly stream: boolean;
  readonly metadata: Readonly<Record<string, string>>;
  /** Where the end of an asynchronous request is told. */
  readonly webhookUrl?: string;
  /** Every other field as sent, nulls removed: the model's card decides what they mean. */
  readonly fields: Readonly<Record<string, unknown>>;
  readonly referenceCount: number;
  readonly hasMask: boolean;
  /** Multipart bodies hold text only, so numbers and booleans come as strings there. */
  readonly textFields: boolean;
}

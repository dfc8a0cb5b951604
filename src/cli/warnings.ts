import { plain, type Terminal } from './terminal.ts';

/** A warning as it comes over the wire or from the pipeline. */
export interface WireWarning {
  readonly param: string;
  readonly code: string;
  readonly message: string;
}

/** Tells what was changed or ignored, on standard error. */
export function noteWarnings(warnings: readonly WireWarning[], terminal: Terminal): void {
  for (const { param, code, message } of warnings) {
    const label = terminal.styleNote('yellow', 'Warning');
    terminal.note(`${label}  ${plain(param)} ${plain(code)}: ${plain(message)}`);
  }
}

import { stripVTControlCharacters, styleText } from 'node:util';
import type { Environment } from '../config/env.ts';

type Style = 'bold' | 'dim' | 'red' | 'yellow' | 'green';

/** Where a command writes: results to standard output, everything else to standard error. */
export interface Terminal {
  /** One line, or several, of result. */
  readonly print: (text: string) => void;
  readonly printJson: (value: unknown) => void;
  /** One line for the person, not for the pipe. */
  readonly note: (text: string) => void;
  /** Colours for `print`; plain text when standard output is no terminal or wants no colour. */
  readonly style: (style: Style, text: string) => string;
  /** The same for `note`. */
  readonly styleNote: (style: Style, text: string) => string;
  /** Shows what is going on, and for how long, on a terminal only. Returns how to end it. */
  readonly progress: (text: string | (() => string)) => () => void;
}

const TICK_MS = 100;
/** What a terminal is taken to have that does not say. */
const COLUMNS_UNKNOWN = 80;
const FRAMES = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];
const CLEAR_LINE = '\r\u001B[2K';

export function openTerminal(environment: Environment): Terminal {
  const { stdout, stderr } = process;
  const noColour = (environment['NO_COLOR'] ?? '') !== '' || environment['TERM'] === 'dumb';
  const painter = (isTerminal: boolean) => (style: Style, text: string) =>
    isTerminal && !noColour ? styleText(style, text, { validateStream: false }) : text;
  // `easel models | head` closes the pipe early: that is no failure.
  stdout.on('error', (error: NodeJS.ErrnoException) => {
    process.exit(error.code === 'EPIPE' ? 0 : 1);
  });
  return {
    print: (text) => void stdout.write(`${text}\n`),
    printJson: (value) => void stdout.write(`${JSON.stringify(value, undefined, 2)}\n`),
    note: (text) => void stderr.write(`${text}\n`),
    style: painter(stdout.isTTY),
    styleNote: painter(stderr.isTTY),
    progress: (text) =>
      stderr.isTTY && environment['TERM'] !== 'dumb' ? showProgress(stderr, text) : () => undefined,
  };
}

function showProgress(stream: NodeJS.WriteStream, text: string | (() => string)): () => void {
  const startedAtMs = Date.now();
  const draw = (): void => {
    const elapsedMs = Date.now() - startedAtMs;
    const frame = FRAMES[Math.floor(elapsedMs / TICK_MS) % FRAMES.length];
    const end = `  ${(elapsedMs / 1000).toFixed(1)} s`;
    // A line that wraps could not be cleared again.
    const room = (stream.columns || COLUMNS_UNKNOWN) - end.length - 3;
    stream.write(
      `${CLEAR_LINE}${frame} ${shorten(typeof text === 'string' ? text : text(), room)}${end}`,
    );
  };
  draw();
  const timer = setInterval(draw, TICK_MS);
  return () => {
    clearInterval(timer);
    stream.write(CLEAR_LINE);
  };
}

/** At most this many characters, the last of them `…` where some are missing. */
export function shorten(text: string, most: number): string {
  const characters = Array.from(text);
  return characters.length <= most
    ? text
    : `${characters.slice(0, Math.max(0, most - 1)).join('')}…`;
}

/** Text from elsewhere, on one line and without what could steer the terminal. */
export function plain(text: string): string {
  return stripVTControlCharacters(text).replaceAll(/\p{Cc}+/gu, ' ');
}

export interface Column {
  readonly title: string;
  readonly align?: 'right';
}

/** Rows under their titles, two spaces between columns. */
export function formatTable(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  style: Terminal['style'],
): string {
  const titles = columns.map(({ title }) => title);
  const widths = columns.map((_, index) =>
    Math.max(...[titles, ...rows].map((row) => (row[index] ?? '').length)),
  );
  const line = (row: readonly string[]): string =>
    columns
      .map(({ align }, index) => {
        const text = row[index] ?? '';
        const width = widths[index] ?? 0;
        return align === 'right' ? text.padStart(width) : text.padEnd(width);
      })
      .join('  ')
      .trimEnd();
  return [style('dim', line(titles)), ...rows.map(line)].join('\n');
}

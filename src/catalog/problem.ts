import type { z } from 'zod';

/** Something that is wrong with a file, where a person can find it. */
export interface Problem {
  readonly file: string;
  /** From 1. */
  readonly line: number;
  /** `models[1].prices[0].rates`; empty for the whole file. */
  readonly path: string;
  readonly reason: string;
}

/** Steps into a file, from the outside: keys and, in lists, indices. */
export type Path = readonly PropertyKey[];

/** Says what is wrong with the part at that path. */
export type PlaceProblem = (path: Path, reason: string) => Problem;

/** Files that were refused. The message holds one line for each problem. */
export class CatalogError extends Error {
  readonly problems: readonly Problem[];

  constructor(problems: readonly Problem[]) {
    super(problems.map(formatProblem).join('\n'));
    this.name = 'CatalogError';
    this.problems = problems;
  }
}

/** `gpt-image.yaml:42: models[1].prices[0].rates: …` */
export function formatProblem({ file, line, path, reason }: Problem): string {
  return `${file}:${line}: ${path === '' ? '' : `${path}: `}${reason}`;
}

export function formatPath(path: Path): string {
  return path
    .map((step) => (typeof step === 'number' ? `[${step}]` : `.${String(step)}`))
    .join('')
    .replace(/^\./, '');
}

/** Throws a CatalogError when there are any. */
export function refuse(problems: readonly Problem[]): void {
  if (problems.length > 0) {
    throw new CatalogError(problems);
  }
}

/** What a schema says is wrong, each unknown key by itself. */
export function issueFaults(error: z.ZodError): { path: Path; reason: string }[] {
  return error.issues.flatMap((issue) =>
    issue.code === 'unrecognized_keys'
      ? issue.keys.map((key) => ({ path: [...issue.path, key], reason: 'unknown key' }))
      : [{ path: issue.path, reason: issue.message }],
  );
}

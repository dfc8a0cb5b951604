import { type Document, LineCounter, isAlias, parseDocument, visit } from 'yaml';
import { type PlaceProblem, type Problem, formatPath } from './problem.ts';
import { offsetOf } from './yaml-lines.ts';

/** A file that has been read from wherever it lies. */
export interface CardFile {
  /** Its name in messages: `gpt-image.yaml`. */
  readonly name: string;
  readonly text: string;
}

export interface YamlFile {
  /** Aliases and merge keys followed; nothing else is known of it. */
  readonly value: unknown;
  readonly problem: PlaceProblem;
}

/**
 * The file's one YAML document; undefined when it is none, with the reasons among the problems.
 * They quote nothing of the text: the operator's file may hold credentials.
 */
export function readYaml(file: CardFile, problems: Problem[]): YamlFile | undefined {
  const lines = new LineCounter();
  const document = parseDocument(file.text, {
    lineCounter: lines,
    prettyErrors: false,
    merge: true,
  });
  const lineAt = (offset: number): number => lines.linePos(offset).line;
  const broken = [
    ...document.errors.map(({ pos, message }) => ({ offset: pos[0], message })),
    ...loneAliases(document),
  ];
  if (broken.length > 0) {
    for (const { offset, message } of broken) {
      const reason = message.replace(/(: |\\|").*$/s, '');
      problems.push({ file: file.name, line: lineAt(offset), path: '', reason });
    }
    return undefined;
  }
  return {
    value: document.toJS(),
    problem: (path, reason) => ({
      file: file.name,
      line: lineAt(offsetOf(document, path)),
      path: formatPath(path),
      reason,
    }),
  };
}

function loneAliases(document: Document): { offset: number; message: string }[] {
  const found: { offset: number; message: string }[] = [];
  visit(document, {
    Alias: (_key, node) => {
      if (isAlias(node) && node.resolve(document) === undefined) {
        found.push({ offset: node.range?.[0] ?? 0, message: 'there is no anchor for this alias' });
      }
    },
  });
  return found;
}

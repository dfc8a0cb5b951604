import { SpliceError } from './splice-error.ts';

/** JSON.parse whose error quotes nothing of the text: it may hold prompts and pictures. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw malformed();
  }
}

/** The error of a document that JSON.parse refuses, or would refuse. */
export function malformed(): SpliceError {
  return new SpliceError('malformed', 'the document is not JSON');
}

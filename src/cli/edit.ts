import { existsSync, statSync } from 'node:fs';
import { type Command, type Invocation, UsageError } from './command.ts';
import { findPictures, withFileNames } from './input-pictures.ts';
import { paintIntoFiles, paintOptions } from './paint-into-files.ts';
import { EDITING_MODEL } from './request-body.ts';

export const editCommand: Command = {
  name: 'edit',
  summary: 'Change a picture, or several, by an instruction.',
  operand: { placeholder: 'PICTURE… "INSTRUCTION"', required: true },
  manyOperands: true,
  options: {
    mask: {
      type: 'string',
      placeholder: 'FILE',
      summary: 'Transparent where the first picture may change.',
    },
    ...paintOptions(EDITING_MODEL),
  },
  notes: [
    'A PICTURE is a png, jpeg or webp file, or an https URL. The instruction comes last. The',
    'mask is a png or webp as large as the first picture, for models that take masks.',
    'npx easel models --json says which models edit, and how many pictures they take.',
    '',
    'Without a server it works by itself, with the test balance of the account default.',
    'The size follows the first picture, and the extension of -o chooses the format.',
  ],
  examples: [
    'easel edit in.png "make it autumn" -o out.png',
    'easel edit cat.png hat.png "the cat wears the hat" -m nano-banana-pro -o out.jpg',
    'easel edit in.png "a red door" --mask door.png -o out.png',
  ],
  run: async (invocation) => {
    const { names, instruction } = readOperands(invocation);
    const inputs = await findPictures(names, invocation.options.text('mask'));
    try {
      await paintIntoFiles(invocation, {
        prompt: instruction,
        defaultModel: EDITING_MODEL,
        inputs,
      });
    } catch (error) {
      throw withFileNames(error, inputs);
    }
    return 0;
  },
};

const PICTURE_FIELD = /^(?:images?|image_urls?|mask|mask_url)(?:\[|$)/;

/** The last operand is the instruction. Throws a UsageError when one of the two is missing. */
function readOperands({ operands, options }: Invocation): {
  readonly names: readonly string[];
  readonly instruction: string;
} {
  const hint = 'For example: npx easel edit in.png "make it autumn" -o out.png';
  const instruction = operands.at(-1)?.trim() ?? '';
  if (instruction === '' || isFile(instruction)) {
    throw new UsageError('edit needs an "INSTRUCTION" after its pictures.', hint);
  }
  const names = operands.slice(0, -1);
  if (names.length === 0) {
    throw new UsageError('edit needs a PICTURE before its instruction.', hint);
  }
  if (
    options.list('param').some((parameter) => PICTURE_FIELD.test(parameter.split('=', 1)[0] ?? ''))
  ) {
    throw new UsageError('Pictures stand before the instruction, the mask in --mask.', hint);
  }
  return { names, instruction };
}

function isFile(path: string): boolean {
  // A long instruction is no name at all, which would be an error of the file system.
  return existsSync(path) && statSync(path).isFile();
}

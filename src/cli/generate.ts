import type { Command } from './command.ts';
import { paintIntoFiles, paintOptions } from './paint-into-files.ts';
import { PAINTING_MODEL } from './request-body.ts';

export const generateCommand: Command = {
  name: 'generate',
  summary: 'Paint a picture into a file.',
  operand: { placeholder: '"PROMPT"', required: true },
  manyOperands: true,
  options: paintOptions(PAINTING_MODEL),
  notes: [
    'Without a server it works by itself, with the test balance of the account default:',
    'every model is painted by the built-in painter. A live key of a server reaches them.',
    '',
    'The extension of FILE chooses the format. With -n 2 the files are out-1.png and',
    'out-2.png. A file that is there is overwritten.',
  ],
  examples: [
    'easel generate "a red boat" -o boat.png',
    'easel generate "a red boat" -m nano-banana-pro -p aspect_ratio=16:9 -o boat.jpg',
    'easel generate "a red boat" --server http://127.0.0.1:8080 --key "$EASEL_API_KEY"',
  ],
  run: async (invocation) => {
    await paintIntoFiles(invocation, {
      prompt: invocation.operand,
      defaultModel: PAINTING_MODEL,
    });
    return 0;
  },
};

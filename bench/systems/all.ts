import { direct } from './direct.ts';
import { easel } from './easel.ts';
import { nginxDefaults } from './nginx-defaults.ts';
import { nginxTuned } from './nginx-tuned.ts';
import { nodePipe } from './node-pipe.ts';
import { parseAndStringify } from './parse-and-stringify.ts';
import type { System } from './system.ts';

/** Everything that can be measured. */
export const ALL_SYSTEMS: readonly System[] = [
  direct,
  nginxTuned,
  nginxDefaults,
  nodePipe,
  parseAndStringify,
  easel,
];

/** What is measured when nobody says otherwise, in the order of the table. */
export const DEFAULT_SYSTEMS: readonly System[] = [
  direct,
  nginxTuned,
  nginxDefaults,
  parseAndStringify,
  easel,
];

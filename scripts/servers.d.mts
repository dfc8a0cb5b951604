import type { ChildProcess } from 'node:child_process';

export function freePort(): Promise<number>;
export function accepts(port: number): Promise<boolean>;
export function untilReady(
  child: ChildProcess,
  name: string,
  look: () => Promise<boolean>,
): Promise<void>;

import { cpus } from 'node:os';
import { cpuMs, machineCpuMs } from './proc.ts';

/** Above this the figures say more of the others than of the systems. */
const OTHERS_SHARE_MAX = 0.05;

/**
 * Begins to watch what programs that are not the bench's take of the machine's CPU. The function
 * that it returns gives their share since, from 0 to 1.
 */
export function watchOthers(): () => number {
  const startedAt = performance.now();
  const before = othersCpuMs();
  return () => (othersCpuMs() - before) / ((performance.now() - startedAt) * cpus().length);
}

/** The sentence of a report that says how alone the bench was. */
export function othersSentence(share: number): string {
  const verdict = share > OTHERS_SHARE_MAX ? ': **too much for figures to rely on**' : '';
  const percent = (share * 100).toFixed(1);
  return `Other programs took ${percent} % of the machine's CPU meanwhile${verdict}.`;
}

function othersCpuMs(): number {
  return machineCpuMs() - cpuMs(process.pid);
}

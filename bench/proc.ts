import { readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';

/** Linux counts `utime` and `stime` in hundredths of a second on every machine (USER_HZ). */
const MS_PER_TICK = 10;

/** A process and all that descend from it, as far as they live. */
export function processTree(root: number): number[] {
  const children = new Map<number, number[]>();
  for (const entry of readdirSync('/proc')) {
    const fields = /^\d+$/.test(entry) ? statFields(Number(entry)) : undefined;
    if (fields !== undefined) {
      const parent = Number(fields[1]);
      children.set(parent, [...(children.get(parent) ?? []), Number(entry)]);
    }
  }
  const tree = [root];
  for (const pid of tree) {
    tree.push(...(children.get(pid) ?? []));
  }
  return tree;
}

/** CPU time in ms, user and system, of a process tree: children that have ended included. */
export function cpuMs(root: number): number {
  let ticks = 0;
  for (const pid of processTree(root)) {
    // utime, stime, cutime, cstime: 14th to 17th of proc(5); these fields begin with the third.
    for (const field of statFields(pid)?.slice(11, 15) ?? []) {
      ticks += Number(field);
    }
  }
  return ticks * MS_PER_TICK;
}

/** CPU time in ms that anybody used on this machine since it started. */
export function machineCpuMs(): number {
  const [, ...fields] =
    /^cpu .*$/m.exec(readFileSync('/proc/stat', 'utf8'))?.[0].split(/\s+/) ?? [];
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0, steal = 0] = fields.map(Number);
  return (user + nice + system + irq + softirq + steal) * MS_PER_TICK;
}

/** What a process tree holds in memory now, in bytes. */
export function rssBytes(root: number): number {
  return rssBytesOf(processTree(root));
}

/** The same of processes that are known: cheap enough to be asked every few milliseconds. */
export function rssBytesOf(pids: readonly number[]): number {
  return sumOf(pids, 'VmRSS');
}

/** How many open descriptors of a process lead into that folder, to removed files included. */
export function descriptorsInto(pid: number, folder: string): number {
  const descriptors = `/proc/${pid}/fd`;
  return readdirSync(descriptors).filter((descriptor) =>
    linkTarget(`${descriptors}/${descriptor}`)?.startsWith(`${folder}/`),
  ).length;
}

/** The most that each process of a tree held since `resetPeak`, in bytes, summed up. */
export function peakRssBytes(root: number): number {
  return sumOf(processTree(root), 'VmHWM');
}

/** Lets the peak begin anew at what is held now. False where the kernel does not let us. */
export function resetPeak(root: number): boolean {
  try {
    for (const pid of processTree(root)) {
      writeFileSync(`/proc/${pid}/clear_refs`, '5');
    }
    return true;
  } catch {
    return false;
  }
}

function sumOf(pids: readonly number[], field: 'VmRSS' | 'VmHWM'): number {
  let kibibytes = 0;
  for (const pid of pids) {
    const text = readProc(pid, 'status') ?? '';
    kibibytes += Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(text)?.[1] ?? 0);
  }
  return kibibytes * 1024;
}

/** From the third field of `stat` on: the second, the name, may hold blanks and brackets. */
function statFields(pid: number): string[] | undefined {
  const text = readProc(pid, 'stat');
  return text?.slice(text.lastIndexOf(')') + 2).split(' ');
}

/** Undefined when the process has ended meanwhile. */
function readProc(pid: number, file: 'stat' | 'status'): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    return undefined;
  }
}

/** Undefined when the descriptor was closed meanwhile. */
function linkTarget(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}

import { accessSync, constants, existsSync, statfsSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Card } from '../catalog/card.ts';
import { BUILT_IN_PROVIDER } from '../config/account.ts';
import { type Config, ConfigError } from '../config/config.ts';
import { openCatalog } from './catalogue.ts';

/** One thing that the doctor looked at. */
export interface Finding {
  readonly what: string;
  /** `note`: nothing is broken, but the operator should know. */
  readonly state: 'fine' | 'note' | 'wrong';
  /** Sentences or short facts, one a line. */
  readonly says: readonly string[];
  readonly mend?: string;
}

const MEBIBYTE = 1024 * 1024;
const FREE_LEAST_BYTES = 200 * MEBIBYTE;

/** Whether the settings make sense; without sensible ones nothing else can be found. */
export function checkSettings(read: () => Config): {
  readonly findings: Finding[];
  readonly config: Config | undefined;
} {
  const what = 'settings';
  try {
    const config = read();
    const node = `Node ${process.versions.node}`;
    const notices = config.notices;
    const findings: Finding[] = [{ what, state: 'fine', says: [`make sense, ${node}`] }];
    if (notices.length > 0) {
      findings.push({ what, state: 'note', says: notices });
    }
    return { findings, config };
  } catch (error) {
    if (!(error instanceof ConfigError)) {
      throw error;
    }
    const mend = 'Correct them in the environment or in the config file.';
    const says = error.message.split('\n');
    return { findings: [{ what, state: 'wrong', says, mend }], config: undefined };
  }
}

/** Whether the model cards can be read. */
export function checkCatalogue(config: Config | undefined): Finding {
  const what = 'catalogue';
  try {
    return { what, state: 'fine', says: [`${openCatalog(config).list().length} models`] };
  } catch (error) {
    const mend = 'Correct the cards, or put back those of this version.';
    return { what, state: 'wrong', says: messageOf(error).split('\n'), mend };
  }
}

/** Models with more than one way to them, and the ways that have no credential. */
export function checkRoutes(config: Config): Finding[] {
  const what = 'routes';
  const isThere = (provider: string): boolean =>
    provider === BUILT_IN_PROVIDER || config.providers.some(({ name }) => name === provider);
  let cards: readonly Card[];
  try {
    cards = openCatalog(config).list();
  } catch {
    // The catalogue's own finding tells why.
    return [];
  }
  const says = cards
    .filter(({ routes, fallback }) => routes.length > 1 || fallback !== undefined)
    .map(({ id, routes, fallback }) => {
      const ways = routes.map(
        ({ provider, upstreamModel, weight, priority }) =>
          `${provider}/${upstreamModel} (priority ${priority}, weight ${weight}` +
          `${isThere(provider) ? '' : ', no credential'})`,
      );
      return `${id}: ${[...ways, ...(fallback === undefined ? [] : [`else ${fallback}`])].join(', ')}`;
    });
  return says.length === 0 ? [] : [{ what, state: 'fine', says }];
}

/** Whether the home can be written, or made, and has room. */
export function checkHome(homeFolder: string): Finding[] {
  const folder = nearestFolder(homeFolder);
  const isThere = folder === homeFolder;
  const home: Finding = isWritable(folder)
    ? { what: 'home', state: 'fine', says: [`${homeFolder}${isThere ? '' : ' (not made yet)'}`] }
    : {
        what: 'home',
        state: 'wrong',
        says: [`${folder} cannot be written by this user.`],
        mend: `Give it to the user that runs Easel: chown -R $(whoami) ${folder}`,
      };
  const { bavail, bsize } = statfsSync(folder);
  const freeBytes = bavail * bsize;
  const says = [`${Math.floor(freeBytes / MEBIBYTE).toLocaleString('en')} MiB free`];
  const disk: Finding =
    freeBytes >= FREE_LEAST_BYTES
      ? { what: 'disk', state: 'fine', says }
      : {
          what: 'disk',
          state: 'wrong',
          says,
          mend: 'Make room: a full disk refuses every request, since none can be booked.',
        };
  return [home, disk];
}

/** The folder itself, or the nearest above it that exists. */
function nearestFolder(path: string): string {
  return existsSync(path) || dirname(path) === path ? path : nearestFolder(dirname(path));
}

function isWritable(folder: string): boolean {
  try {
    accessSync(folder, constants.W_OK | constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** What an error says, and what is behind it. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

import { pathToFileURL } from 'node:url';
import { formatUsd } from '../base/money.ts';
import type { Config } from '../config/config.ts';
import type { ResultsPlace } from '../config/results.ts';
import { movedFile } from '../moved.ts';
import type { MoveOutcome, MoveProgress } from '../store/move-database.ts';
import { inShort, type MovedMoney } from './move-checks.ts';
import { formatTable, type Terminal } from './terminal.ts';

/** Where things are from now on. */
interface MovePlace {
  readonly url: string;
  readonly resultsUrl: string;
  readonly homeFolder: string;
  readonly markedBy: string;
  /** Files of the home that every process of the new installation needs, by setting. */
  readonly secrets: Readonly<Record<string, string>>;
}

interface FinishedMove extends MoveOutcome<MovedMoney>, MovePlace {
  readonly seconds: number;
  readonly isJson: boolean;
}

const DIGEST_CHARACTERS = 12;

/** Tells how far it is: all the time on a terminal, else when the next table is begun. */
export function showMove(terminal: Terminal): {
  readonly show: (progress: MoveProgress) => void;
  readonly end: () => void;
} {
  let line = '';
  let begun = '';
  const end = terminal.progress(() => line);
  return {
    show: ({ doing, table, rows, of }) => {
      const verb = doing === 'copy' ? 'Copying' : 'Comparing';
      const share = of === 0 ? '' : ` (${Math.floor((rows / of) * 100)} %)`;
      line = `${verb} ${table}: ${number(rows)} of ${number(of)} rows${share}`;
      const what = `${verb} ${table}, ${number(of)} rows …`;
      if (begun !== what && rows === 0) {
        begun = what;
        terminal.note(what);
      }
    },
    end,
  };
}

/** What is to be set from now on, without a password. */
export function movePlace(config: Config, url: string): MovePlace {
  const shown = new URL(url);
  if (shown.password !== '') {
    shown.password = '***';
  }
  const { homeFolder, results, secret, adminKey } = config;
  return {
    url: shown.href,
    resultsUrl: resultsUrl(results.place),
    homeFolder,
    markedBy: movedFile(homeFolder),
    secrets: {
      ...(secret === undefined ? { EASEL_SECRET: `${homeFolder}/secret` } : {}),
      ...(adminKey === undefined ? { EASEL_ADMIN_KEY: `${homeFolder}/admin-key` } : {}),
    },
  };
}

function resultsUrl(place: ResultsPlace): string {
  return place.kind === 'folder'
    ? pathToFileURL(place.folder).href
    : `s3://${[place.bucket, place.prefix].filter((part) => part !== '').join('/')}`;
}

export function printMove(move: FinishedMove, terminal: Terminal): void {
  if (move.isJson) {
    terminal.printJson(toJson(move));
    return;
  }
  const { tables, checks, wasThere, seconds } = move;
  const { print, style } = terminal;
  const rows = tables.reduce((sum, table) => sum + table.sourceRows, 0);
  print(tableOfTables(move, style));
  print('');
  print(tableOfMoney(move, style));
  print('');
  print(`Audit of SQLite      ${inShort(checks.sourceAudit)}`);
  print(`Audit of PostgreSQL  ${inShort(checks.targetAudit)}`);
  print('');
  const done = wasThere ? 'were there already, and are the same' : 'moved, every cell compared';
  print(style('bold', `${number(rows)} rows ${done}, in ${seconds.toFixed(1)} s.`));
  print(`${move.markedBy} keeps Easel from starting on the SQLite file again.`);
  print('');
  for (const line of whatNow(move)) {
    print(line);
  }
}

function whatNow({ url, resultsUrl, homeFolder, secrets }: FinishedMove): string[] {
  const files = Object.entries(secrets).map(
    ([name, file]) => `  ${name}  (the content of ${file})`,
  );
  return [
    'From now on start Easel with',
    `  EASEL_DATABASE_URL=${url}`,
    `  EASEL_RESULTS_URL=${resultsUrl}`,
    `A process with this EASEL_HOME (${homeFolder}) needs only the first.`,
    ...(files.length === 0 ? [] : ['One elsewhere must see that folder, and needs also', ...files]),
  ];
}

function tableOfTables({ tables }: FinishedMove, style: Terminal['style']): string {
  return formatTable(
    [
      { title: 'Table' },
      { title: 'SQLite', align: 'right' },
      { title: 'PostgreSQL', align: 'right' },
      { title: 'SHA-256 of both' },
    ],
    tables.map(({ table, sourceRows, targetRows, targetDigest }) => [
      table,
      number(sourceRows),
      number(targetRows),
      targetDigest.slice(0, DIGEST_CHARACTERS),
    ]),
    style,
  );
}

function tableOfMoney({ checks }: FinishedMove, style: Terminal['style']): string {
  return formatTable(
    [
      { title: 'USD of both' },
      { title: 'balance', align: 'right' },
      { title: 'held', align: 'right' },
      { title: 'spent', align: 'right' },
    ],
    checks.money.map(({ mode, balance, held, spent }) => [
      mode,
      formatUsd(balance),
      formatUsd(held),
      formatUsd(spent),
    ]),
    style,
  );
}

function toJson({ tables, checks, wasThere, seconds, url, markedBy }: FinishedMove): unknown {
  const auditJson = ({ accounts, transfers, openHolds, ok }: MovedMoney['sourceAudit']) => ({
    ok,
    balances: accounts,
    transfers,
    open_holds: openHolds,
  });
  return {
    tables: tables.map(({ table, sourceRows, targetRows, sourceDigest, targetDigest }) => ({
      table,
      sqlite_rows: sourceRows,
      postgresql_rows: targetRows,
      sqlite_sha256: sourceDigest,
      postgresql_sha256: targetDigest,
    })),
    money: checks.money.map(({ mode, balance, held, spent }) => ({
      mode,
      balance_usd: formatUsd(balance),
      held_usd: formatUsd(held),
      spent_usd: formatUsd(spent),
    })),
    sqlite_audit: auditJson(checks.sourceAudit),
    postgresql_audit: auditJson(checks.targetAudit),
    was_there: wasThere,
    seconds,
    database_url: url,
    marked_by: markedBy,
  };
}

function number(value: number): string {
  return value.toLocaleString('en');
}

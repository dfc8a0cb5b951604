import { audit, type AuditReport } from '../ledger/audit.ts';
import { findDamage } from '../store/integrity.ts';
import { type Mode, MODES } from '../store/database.ts';
import { type TableComparison } from '../store/compare-tables.ts';
import { listLeases } from '../store/leases.ts';
import { listBalances, sumTransfers } from '../store/ledger-checks.ts';
import { readMigrationState } from '../store/migrate.ts';
import type { SqliteSource } from '../store/sqlite-source.ts';
import type { Executor } from '../store/transaction.ts';
import type { Nanousd } from '../base/money.ts';
import { CommandError } from './command.ts';

/** What an installation is worth in one mode, over all accounts. */
export interface ModeMoney {
  readonly mode: Mode;
  readonly balance: Nanousd;
  readonly held: Nanousd;
  readonly spent: Nanousd;
}

/** What both sides agree on. */
export interface MovedMoney {
  readonly money: readonly ModeMoney[];
  readonly sourceAudit: AuditReport;
  readonly targetAudit: AuditReport;
}

const SENTENCES_MAX = 12;

/**
 * Throws a CommandError unless the installation is of this version, undamaged, at rest, and its ledger
 * adds up. Gives what the audit found.
 */
export async function checkSource({ executor }: SqliteSource): Promise<AuditReport> {
  const { pending, added, breaking } = await readMigrationState(executor);
  const newer = [...added, ...breaking];
  if (newer.length > 0) {
    throw new CommandError(`A newer Easel has changed this installation: ${newer.join(', ')}.`, {
      hint: 'Nothing was moved. Move it with that version.',
    });
  }
  if (pending.length > 0) {
    throw new CommandError(`This installation lacks migrations: ${pending.join(', ')}.`, {
      hint: 'Nothing was moved. npx easel migrate, without EASEL_DATABASE_URL, brings it up to date.',
    });
  }
  const damage = await findDamage(executor);
  if (damage.length > 0) {
    throw new CommandError(inLines('The SQLite file is damaged:', damage), {
      hint: 'Nothing was moved. npx easel doctor says how to mend it.',
    });
  }
  await refuseWorking(executor);
  const report = await auditOf(executor);
  if (!report.ok) {
    throw new CommandError(inLines('The ledger does not add up:', report.problems), {
      hint: 'Nothing was moved. npx easel doctor says more.',
    });
  }
  return report;
}

/** A command that paints in the home beside its server has a lease, and no lock. */
async function refuseWorking(executor: Executor): Promise<void> {
  const leases = await listLeases(executor);
  const working = leases.find(({ kind, expiresAt }) => kind === 'cli' && expiresAt > Date.now());
  if (working !== undefined) {
    const until = new Date(working.expiresAt).toISOString();
    throw new CommandError(`A command is painting in this home: process ${working.pid}.`, {
      hint: `Nothing was moved. If it is dead, it counts as such from ${until} on.`,
    });
  }
}

/** Throws a CommandError in words when anything at all differs. */
export async function compareMoney(sides: {
  readonly source: SqliteSource;
  readonly target: Executor;
  readonly tables: readonly TableComparison[];
  readonly before: AuditReport;
}): Promise<MovedMoney> {
  const { source, target, tables, before } = sides;
  const targetAudit = await auditOf(target);
  const [here, there] = [await moneyOf(source.executor), await moneyOf(target)];
  const differences = [
    ...tables.flatMap((table) => table.differences),
    ...tables
      .filter(({ sourceDigest, targetDigest }) => sourceDigest !== targetDigest)
      .map(({ table }) => `${table}: the digests of its rows differ.`),
    ...targetAudit.problems,
    ...compareLists(here.lines, there.lines),
  ];
  const isSame = JSON.stringify(before) === JSON.stringify(targetAudit);
  if (differences.length > 0 || !isSame) {
    throw new CommandError(
      inLines('The copy is not what the original is:', [
        ...differences,
        ...(isSame ? [] : [`The audit here: ${inShort(before)}; there: ${inShort(targetAudit)}.`]),
      ]),
      { hint: 'Nothing was kept: the database is as empty as it was.' },
    );
  }
  return { money: here.modes, sourceAudit: before, targetAudit };
}

/** What an audit found, on one line. */
export function inShort({ ok, accounts, transfers, openHolds }: AuditReport): string {
  const verdict = ok ? 'agree' : 'do not agree';
  return `${accounts} balances ${verdict} with ${transfers} transfers, ${openHolds} holds open`;
}

function auditOf(executor: Executor): Promise<AuditReport> {
  return audit({ snapshot: (work) => work(executor) });
}

/** As the database itself adds it up: each account with its balance, and with its transfers. */
async function moneyOf(
  executor: Executor,
): Promise<{ readonly modes: readonly ModeMoney[]; readonly lines: readonly string[] }> {
  const balances = await listBalances(executor);
  const transfers = await sumTransfers(executor);
  const sum = (mode: Mode, field: 'balance' | 'held' | 'spent'): Nanousd =>
    balances
      .filter((balance) => balance.mode === mode)
      .reduce((total, balance) => total + balance[field], 0n);
  return {
    modes: MODES.map((mode) => ({
      mode,
      balance: sum(mode, 'balance'),
      held: sum(mode, 'held'),
      spent: sum(mode, 'spent'),
    })),
    lines: [...balances, ...transfers].map((row) =>
      Object.entries(row)
        .map(([name, value]) => `${name} ${String(value)}`)
        .join(', '),
    ),
  };
}

function compareLists(here: readonly string[], there: readonly string[]): string[] {
  const [ours, theirs] = [new Set(here), new Set(there)];
  return [
    ...here.filter((line) => !theirs.has(line)).map((line) => `Only here: ${line}.`),
    ...there.filter((line) => !ours.has(line)).map((line) => `Only there: ${line}.`),
  ];
}

function inLines(title: string, sentences: readonly string[]): string {
  const shown = sentences.slice(0, SENTENCES_MAX);
  const more = sentences.length - shown.length;
  return [title, ...shown, ...(more > 0 ? [`… and ${more} more.`] : [])].join('\n  ');
}

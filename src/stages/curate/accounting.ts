/** The books of one curation: every received record is accepted, filtered, deduplicated or rejected, and counted by rule. */
import { GranaryError } from '../../lib/errors.ts';
import { ident } from '../../lib/sql.ts';
import { plural } from '../../lib/units.ts';
import type { ByRule } from '../../model/books.ts';
import type { Reason } from '../../model/objects.ts';
import type { Engine } from '../../ports/engine.ts';
import type { Dataset } from '../../project/project.ts';
import type { Check } from './checks.ts';
import { sumMatches } from './contract.ts';
import type { Plan } from './plan.ts';
import { ALL_PARSE_REJECTS } from './rejects.ts';
import type { StagedPayload } from './staging.ts';
import { DEDUPLICATED, storedRows, UNIQUE_BREAKS } from './whole-object.ts';

export interface Accounting {
  received: number;
  accepted: number;
  filtered: number;
  deduplicated: number;
  rejected: number;
  byRule: ByRule;
  /** Reasons of quarantine rules that were broken too often. */
  quarantine: Reason[];
}

/** Counts and proves the balance; throws `books.imbalance` when a record is unaccounted for. */
export async function account(
  engine: Engine,
  dataset: Dataset,
  plan: Plan,
  staged: StagedPayload[],
  all: string,
): Promise<Accounting> {
  const out: Accounting = {
    received: 0,
    accepted: 0,
    filtered: 0,
    deduplicated: 0,
    rejected: 0,
    byRule: {},
    quarantine: [],
  };
  for (const s of staged) {
    out.received += s.settlement.received;
    out.rejected += s.settlement.rejected;
  }
  const combinations = await combinationsOf(engine, plan.checks, `FROM ${all}`);
  addMarks(combinations, out);
  await addParseRejects(engine, out);
  const lost = await addWholeObject(engine, out);
  const warns = plan.checks.some((c) => c.effect === 'warn');
  addWarnings(
    warns && lost > 0 ? await combinationsOf(engine, plan.checks, storedRows(all, dataset, plan)) : combinations,
    out,
  );
  const accounted = out.accepted + out.filtered + out.deduplicated + out.rejected;
  if (accounted !== out.received) {
    throw new GranaryError(
      'books.imbalance',
      `Received ${plural(out.received, 'record')}, accounted for ${accounted}.`,
      {
        hint: 'Nothing was published. Please report this with the file: it is a defect of Granary.',
        details: { ...out },
      },
    );
  }
  out.quarantine = quarantineReasons(plan, out);
  return out;
}

function count(out: Accounting, rule: string, severity: string, rows: number): void {
  const entry = out.byRule[rule] ?? { severity, rows: 0 };
  entry.rows += rows;
  out.byRule[rule] = entry;
}

/** Rows that break exactly these checks. */
interface Combination {
  broken: Check[];
  rows: number;
}

/** Rows by the combination of checks they break: there are few combinations, however many rows. `from`: `FROM …` of staged rows. */
async function combinationsOf(engine: Engine, checks: Check[], from: string): Promise<Combination[]> {
  const masks = Array.from({ length: Math.max(1, Math.ceil(checks.length / 60)) }, (_, i) => `_m${i}`);
  const text = masks.map((m) => `${m}::VARCHAR AS ${m}`);
  const found = await engine.all<Record<string, string> & { n: number }>(
    `SELECT ${text.join(', ')}, count(*) AS n ${from} GROUP BY ALL ORDER BY ALL`,
  );
  return found.map((marks) => ({
    broken: checks.filter((_, i) => ((BigInt(marks[masks[Math.floor(i / 60)]!]!) >> BigInt(i % 60)) & 1n) === 1n),
    rows: marks.n,
  }));
}

/** Rows are rejected for their types, else filtered, else rejected by rules, else accepted. */
function addMarks(combinations: Combination[], out: Accounting): void {
  for (const { broken, rows } of combinations) {
    const has = (effect: Check['effect']) => broken.some((c) => c.effect === effect);
    const filtered = !has('type') && has('filter');
    if (filtered) out.filtered += rows;
    else if (has('type') || has('reject')) out.rejected += rows;
    else out.accepted += rows;
    countRules(out, broken, filtered ? ['filter'] : ['type', 'reject'], rows);
  }
}

/** A warning is about a row that is stored: of `combinations` only those of accepted rows count. */
function addWarnings(combinations: Combination[], out: Accounting): void {
  for (const { broken, rows } of combinations)
    if (broken.every((c) => c.effect === 'warn')) countRules(out, broken, ['warn'], rows);
}

/** Several checks may share a rule: a row counts once. */
function countRules(out: Accounting, broken: Check[], effects: Check['effect'][], rows: number): void {
  const counted = broken.filter((c) => effects.includes(c.effect));
  for (const [rule, severity] of new Map(counted.map((c) => [c.rule, c.severity]))) count(out, rule, severity, rows);
}

async function addParseRejects(engine: Engine, out: Accounting): Promise<void> {
  const rows = await engine.all<{ rule: string; n: number }>(
    `SELECT rule, count(DISTINCT (_p, line)) AS n FROM ${ALL_PARSE_REJECTS} GROUP BY ALL ORDER BY ALL`,
  );
  for (const r of rows) count(out, r.rule, 'reject', r.n);
}

/** Returns how many rows that passed their own checks are not stored. */
async function addWholeObject(engine: Engine, out: Accounting): Promise<number> {
  const lost = `(SELECT _p, _n FROM ${UNIQUE_BREAKS} WHERE severity <> 'warn' UNION SELECT _p, _n FROM ${DEDUPLICATED})`;
  const breaks = await engine.all<{ rule: string; severity: string; n: number }>(
    `SELECT rule, severity, count(*) AS n FROM ${UNIQUE_BREAKS} WHERE severity <> 'warn' OR (_p, _n) NOT IN ${lost} GROUP BY ALL ORDER BY ALL`,
  );
  for (const b of breaks) count(out, b.rule, b.severity, b.n);
  const [row] = await engine.all<{ rejected: number; deduplicated: number }>(
    `SELECT (SELECT count(DISTINCT (_p, _n)) FROM ${UNIQUE_BREAKS} WHERE severity <> 'warn') AS rejected, (SELECT count(*) FROM ${DEDUPLICATED}) AS deduplicated`,
  );
  out.rejected += row!.rejected;
  out.deduplicated += row!.deduplicated;
  out.accepted -= row!.rejected + row!.deduplicated;
  return row!.rejected + row!.deduplicated;
}

function quarantineReasons(plan: Plan, out: Accounting): Reason[] {
  const limits = new Map<string, number>();
  for (const c of plan.checks) if (c.severity === 'quarantine') limits.set(c.rule, c.above ?? 0);
  for (const r of plan.uniqueRules)
    if (r.severity === 'quarantine') limits.set(r.name ?? `unique(${r.unique!.join(', ')})`, r.above ?? 0);
  const reasons: Reason[] = [];
  for (const [rule, above] of limits) {
    const rows = out.byRule[rule]?.rows ?? 0;
    const share = out.received === 0 ? 0 : (100 * rows) / out.received;
    if (rows > 0 && share > above) {
      reasons.push({
        code: 'rule',
        message: `${rows} of ${plural(out.received, 'row')} (${share.toFixed(share < 1 ? 2 : 1)} %) break ${rule}; allowed are ${above} %.`,
      });
    }
  }
  return reasons;
}

/** Reasons why the sums of columns are not what the sender declared. Rows that could not be read are in no sum. */
export async function sumReasons(
  engine: Engine,
  all: string,
  sums: Record<string, string>,
  plan: Plan,
): Promise<Reason[]> {
  const reasons: Reason[] = [];
  for (const [name, declared] of Object.entries(sums)) {
    if (!plan.stagedColumns.some((c) => c.name === name)) {
      reasons.push({ code: 'declared_sum', message: `A sum of ${name} is declared, but there is no such column.` });
      continue;
    }
    const [row] = await engine.all<{ same: boolean; found: string | null }>(
      `SELECT ${sumMatches(ident(name).text, declared)} AS same, sum(${ident(name)})::VARCHAR AS found FROM ${all}`,
    );
    if (!row!.same)
      reasons.push({
        code: 'declared_sum',
        message: `The sum of ${name} is ${row!.found ?? 0}, declared is ${declared}.`,
      });
  }
  return reasons;
}

/** What needs all rows of an object at once: unique rules and deduplication. */
import { ident, literal, raw, sql } from '../../lib/sql.ts';
import type { Engine } from '../../ports/engine.ts';
import type { Dataset } from '../../project/project.ts';
import { acceptedCondition, ruleName, shownValue } from './checks.ts';
import type { Plan } from './plan.ts';

/** Rows that break a unique rule: `_p, _n, _line, rule, column, severity, reason`. */
export const UNIQUE_BREAKS = '_unique_breaks';
/** Rows that lose to another of the same key: `_p, _n`. */
export const DEDUPLICATED = '_deduplicated';

/** Fills both tables. `all` is the table expression of all staged rows. */
export async function judgeWholeObject(engine: Engine, dataset: Dataset, plan: Plan, all: string): Promise<void> {
  const accepted = acceptedCondition(plan.checks);
  await engine.run(
    `CREATE OR REPLACE TEMP TABLE ${UNIQUE_BREAKS} (_p INTEGER, _n BIGINT, _line BIGINT, rule VARCHAR, "column" VARCHAR, severity VARCHAR, reason VARCHAR)`,
  );
  for (const rule of plan.uniqueRules) {
    const keys = rule.unique!;
    const list = keys.map((k) => ident(k).text).join(', ');
    const values = keys.map((k) => `coalesce(${shownValue(k, dataset)}, '')`).join(` || ', ' || `);
    await engine.run(sql`
      INSERT INTO ${raw(UNIQUE_BREAKS)}
      SELECT _p, _n, _line, ${literal(ruleName(rule))}, ${literal(keys[0]!)}, ${literal(rule.severity)}, ${raw(values)} || ' occurs more than once, first in line ' || _first
      FROM (
        SELECT _p, _n, _line, ${raw(list)}, row_number() OVER w AS _k, first_value(_line) OVER w AS _first
        FROM ${raw(all)} WHERE ${raw(accepted)} AND ${raw(keys.map((k) => `${ident(k)} IS NOT NULL`).join(' AND '))}
        WINDOW w AS (PARTITION BY ${raw(list)} ORDER BY _p, _n)
      ) WHERE _k > 1`);
  }
  const { deduplicate } = dataset.config;
  await engine.run(`CREATE OR REPLACE TEMP TABLE ${DEDUPLICATED} (_p INTEGER, _n BIGINT)`);
  if (!deduplicate) return;
  const latest = [
    ...(deduplicate.latest_by ?? []).map((c) => `${ident(c)} DESC NULLS LAST`),
    '_p DESC',
    '_n DESC',
  ].join(', ');
  await engine.run(sql`
    INSERT INTO ${raw(DEDUPLICATED)}
    SELECT _p, _n FROM (
      SELECT _p, _n, row_number() OVER (PARTITION BY ${raw(deduplicate.key.map((k) => ident(k).text).join(', '))} ORDER BY ${raw(latest)}) AS _k
      FROM ${raw(withoutBreaks(all, plan))} WHERE ${raw(acceptedCondition(plan.checks))}
    ) WHERE _k > 1`);
}

/** Left out of what follows: rows that a unique rule rejects. */
function withoutBreaks(all: string, plan: Plan): string {
  const rejecting = plan.uniqueRules.some((r) => r.severity !== 'warn');
  return rejecting
    ? `${all} a ANTI JOIN (SELECT _p, _n FROM ${UNIQUE_BREAKS} WHERE severity <> 'warn') u USING (_p, _n)`
    : `${all} a`;
}

/** `FROM … WHERE …` of the rows that are stored. */
export function storedRows(all: string, dataset: Dataset, plan: Plan): string {
  const without = dataset.config.deduplicate ? ` ANTI JOIN ${DEDUPLICATED} d USING (_p, _n)` : '';
  return `FROM ${withoutBreaks(all, plan)}${without} WHERE ${acceptedCondition(plan.checks)}`;
}

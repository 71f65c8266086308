/**
 * Small payloads are staged together: a page of an API or a small member of an archive is read in less time than the engine needs for the
 * statements of its staging. Each keeps its lines, its rejects and its own settlement.
 */
import { mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import { GranaryError } from '../../lib/errors.ts';
import { literal, raw, sql } from '../../lib/sql.ts';
import type { Engine } from '../../ports/engine.ts';
import type { Attempt, Relation } from '../../ports/format.ts';
import type { Plan } from './plan.ts';
import { attemptsOf, copy, type StagedPayload, type StagingInput } from './staging.ts';

/** Above this the reading costs more than the statements, and a format's fastest attempt is worth its own. */
const SMALL_BYTES = 1e6;
/** Relations of one statement: planning it takes some milliseconds, and their files lie in scratch at the same time. */
const MOST_TOGETHER = 64;

/** In order; what is not small stands alone. */
export function together<T extends { bytes: number }>(payloads: readonly T[]): T[][] {
  const groups: T[][] = [];
  for (const payload of payloads) {
    const last = groups.at(-1);
    const fits = last && last.length < MOST_TOGETHER && last[0]!.bytes <= SMALL_BYTES && payload.bytes <= SMALL_BYTES;
    if (fits) last.push(payload);
    else groups.push([payload]);
  }
  return groups;
}

/** A payload of a group, with its ordinal among all payloads of the object. */
export interface Member extends StagingInput {
  ordinal: number;
}

export interface StagedMembers {
  /** One for each member, in order. */
  staged: StagedPayload[];
  /** Parquet files with `_p`, `_n` and `_line`. */
  files: string[];
}

interface Prepared {
  member: Member;
  attempt: Attempt;
  relation: Relation;
}

/**
 * Reads each member by the last attempt of its format, which accounts for every record. `settled` is called for each while its rejects are
 * in `PARSE_REJECTS`. Undefined: they have to be staged one by one, for one of them is not accounted for, or has no lines of its own.
 */
export async function stageMembers(
  members: Member[],
  settled: (staged: StagedPayload, ordinal: number) => Promise<void>,
): Promise<StagedMembers | undefined> {
  const { engine, plan, scratch } = members[0]!;
  try {
    const prepared: Prepared[] = [];
    for (const member of members) {
      const attempts = await attemptsOf({ ...member, scratch: await mkdtemp(join(scratch, 'member-')) });
      const attempt = attempts.at(-1)!;
      const relation = await attempt.prepare();
      if (!relation.hasLine) return undefined;
      prepared.push({ member, attempt, relation });
    }
    const out: StagedMembers = { staged: [], files: [] };
    // Members with other columns may come in other types.
    for (const alike of Map.groupBy(prepared, ({ relation }) => relation.typed.join()).values()) {
      const path = join(scratch, `staged-${out.files.length}.parquet`);
      const textColumns = await stageAlike(engine, plan, alike, path);
      out.files.push(path);
      const rows = await rowsByMember(engine, path);
      for (const { member, attempt } of alike) {
        const own = rows.get(member.ordinal) ?? 0;
        const settlement = await attempt.settle(own);
        if (settlement === 'mismatch') return undefined;
        const staged = {
          payload: member.payload,
          paths: [path],
          rows: own,
          settlement,
          attempt: attempt.name,
          holds: { line: true, number: true },
          textColumns,
        };
        out.staged[members.indexOf(member)] = staged;
        await settled(staged, member.ordinal);
      }
    }
    return out;
  } catch (e) {
    if (e instanceof GranaryError && e.code === 'curate.failed' && !e.transient) return undefined;
    throw e;
  }
}

/** Returns the columns with texts that are not of their type. */
async function stageAlike(engine: Engine, plan: Plan, prepared: Prepared[], path: string): Promise<string[]> {
  const columns = [...plan.readColumns.map((_, i) => `c${i}`), '_line'].join(', ');
  const parts = prepared.map(
    ({ member, relation }) => sql`SELECT ${member.ordinal}::INTEGER AS _p, ${raw(columns)} FROM ${raw(relation.sql)}`,
  );
  const source = `(SELECT row_number() OVER () - 1 AS _n, * FROM (${parts.join(' UNION ALL ')}))`;
  const { relation, member } = prepared[0]!;
  const lineage = ['_line', '_n', '_p'];
  const { sql: typed, textColumns } = plan.typedSelect(source, relation.typed, lineage, member.constants);
  const judged = plan.judgedSelect(typed, [...textColumns, ...lineage]);
  await engine.run(copy(judged, path));
  return textColumns;
}

async function rowsByMember(engine: Engine, path: string): Promise<Map<number, number>> {
  const counts = await engine.all<{ p: number; n: number }>(
    sql`SELECT _p AS p, count(*)::BIGINT AS n FROM read_parquet(${literal(path)}) GROUP BY ALL`,
  );
  return new Map(counts.map(({ p, n }) => [p, n]));
}

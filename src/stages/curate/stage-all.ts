/** Stages all payloads of an object, and gives one relation of all their rows. */
import { mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import { literal, raw, sql } from '../../lib/sql.ts';
import type { ObjectDoc } from '../../model/objects.ts';
import type { Engine } from '../../ports/engine.ts';
import { type Format, PARSE_REJECTS } from '../../ports/format.ts';
import { readObject } from '../../ports/object-store.ts';
import type { Versioned } from '../../ports/state-store.ts';
import type { Dataset } from '../../project/project.ts';
import type { StageContext } from '../context.ts';
import type { Payload } from '../verify/payloads.ts';
import { type ContractColumn, type Plan, planCuration } from './plan.ts';
import { ALL_PARSE_REJECTS } from './rejects.ts';
import { type Member, stageMembers, together } from './stage-members.ts';
import { copy, resolved, type StagedPayload, stagePayload } from './staging.ts';
import { transformFor } from './transform.ts';

/** What a curation works on. */
export interface Work {
  object: Versioned<ObjectDoc>;
  dataset: Dataset;
  curation: string;
  payloads: Payload[];
  references: Record<string, string>;
  scratch: string;
  contract: ContractColumn[];
}

export interface Staged {
  plan: Plan;
  files: StagedPayload[];
  /** Table expression of all rows of the object, with `_p`, `_n`, `_line`. */
  all: string;
}

export async function stageAll(
  engine: Engine,
  work: Work,
  contract: ContractColumn[],
  format: Format<unknown>,
  config: unknown,
  context: StageContext,
): Promise<Staged> {
  const references = new Map<string, string>();
  for (const [table, key] of Object.entries(work.references))
    references.set(table, sql`read_parquet(${literal(await context.objects.localPath(key))})`);
  const plan = planCuration(work.dataset, contract, references, work.object.complete);
  await engine.run(
    `CREATE OR REPLACE TEMP TABLE ${ALL_PARSE_REJECTS} (_p INTEGER, line BIGINT, rule VARCHAR, "column" VARCHAR, reason VARCHAR, raw VARCHAR)`,
  );
  const files: StagedPayload[] = [];
  const parts: string[] = [];
  const total = work.payloads.reduce((n, p) => n + p.facts.records, 0);
  let done = 0;
  const inputOf = async (payload: Payload, ordinal: number, scratch: string): Promise<Member> => {
    context.progress({ what: `reading ${work.object.file}`, done, total, unit: 'rows' });
    done += payload.facts.records;
    return {
      engine,
      format,
      config,
      plan,
      payload,
      facts: payload.facts,
      path: await context.objects.localPath(payload.key),
      index: payload.index ? await readObject(context.objects, payload.index) : undefined,
      constants: work.object.nameParts,
      scratch,
      transform: transformFor(work.dataset, contract, context, { file: payload.name, parts: work.object.nameParts }),
      signal: context.signal,
      ordinal,
    };
  };
  const keepRejects = async ({ settlement }: StagedPayload, ordinal: number): Promise<void> => {
    if (settlement.rejected === 0) return;
    await engine.run(
      `INSERT INTO ${ALL_PARSE_REJECTS} SELECT ${ordinal}, line, CASE WHEN rule = 'type' AND "column" IS NOT NULL THEN 'type(' || "column" || ')' ELSE rule END, "column", reason, raw FROM ${PARSE_REJECTS}`,
    );
  };
  const stageAlone = async (member: Member): Promise<void> => {
    const staged = await stagePayload(member);
    await keepRejects(staged, member.ordinal);
    files.push(staged);
    if (work.payloads.length === 1) parts.push(resolved(staged, 0));
    else {
      const path = join(member.scratch, 'resolved.parquet');
      await engine.run(copy(sql`SELECT * FROM ${raw(resolved(staged, member.ordinal))}`, path));
      parts.push(path);
    }
  };
  // A transform is told whose rows it has.
  const groups = work.dataset.transform ? work.payloads.map((p) => [p]) : together(work.payloads);
  for (const group of groups) {
    const first = files.length;
    const scratch = await mkdtemp(join(work.scratch, 'payload-'));
    const members: Member[] = [];
    for (const payload of group) members.push(await inputOf(payload, first + members.length, scratch));
    const staged = members.length > 1 ? await stageMembers(members, keepRejects) : undefined;
    if (staged) {
      files.push(...staged.staged);
      parts.push(...staged.files);
      continue;
    }
    if (members.length > 1) await engine.run(`DELETE FROM ${ALL_PARSE_REJECTS} WHERE _p >= ${first}`);
    for (const member of members)
      await stageAlone(
        members.length === 1 ? member : { ...member, scratch: await mkdtemp(join(work.scratch, 'payload-')) },
      );
  }
  const all = work.payloads.length === 1 ? parts[0]! : sql`read_parquet(${literal(parts)}, union_by_name = true)`;
  return { plan, files, all };
}

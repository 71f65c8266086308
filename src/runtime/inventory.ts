/** Lists of what is in the data directory: objects and runs. They read the state only, so they work while another process runs. */
import { OBJECTS, type ObjectDoc, type ObjectStatus } from '../model/objects.ts';
import { RUNS, type RunDoc } from '../model/runs.ts';
import type { StageContext } from '../stages/context.ts';
import { plain } from '../stages/verify/verify.ts';
import { isInDatasets } from './names.ts';

export interface ObjectFilter {
  /** `source` or `source.dataset`; all if empty. */
  datasets?: readonly string[];
  /** All if empty. */
  statuses?: readonly string[];
}

/** Newest first. */
export async function findObjects(filter: ObjectFilter, context: StageContext): Promise<ObjectDoc[]> {
  const out: ObjectDoc[] = [];
  const statuses = filter.statuses ?? [];
  const queries =
    statuses.length > 0 ? statuses.map((status) => ({ index: 'status', equals: [status as ObjectStatus] })) : [{}];
  for (const query of queries) {
    for await (const object of context.state.query(OBJECTS, query))
      if (isInDatasets(object.dataset, filter.datasets ?? [])) out.push(plain<ObjectDoc>(object));
  }
  return out.sort((a, b) => (a.landedAt < b.landedAt ? 1 : a.landedAt > b.landedAt ? -1 : a.order < b.order ? 1 : -1));
}

/** Newest first. */
export async function findRuns(limit: number, context: StageContext): Promise<RunDoc[]> {
  const out: RunDoc[] = [];
  for await (const run of context.state.query(RUNS, { index: 'started', descending: true, limit }))
    out.push(plain<RunDoc>(run));
  return out;
}

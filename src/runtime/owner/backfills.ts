/** Backfills as the API has them: plans for all datasets that are meant, and lists of what happens to each date. */
import type { StageContext } from '../../stages/context.ts';
import { type BackfillPlan, planBackfill } from '../backfill.ts';
import { checkDatasets, shortName } from '../names.ts';
import type * as api from '../operations.ts';

/** Errors: `stage.bad_input` for a dataset that is not there, and those of `planBackfill`. */
export async function plansOf(
  { dataset, from, to }: api.BackfillRequest,
  context: StageContext,
): Promise<BackfillPlan[]> {
  checkDatasets([dataset], context.project);
  const [source, name] = dataset.split('.') as [string, string | undefined];
  const all = [...context.project.sources.get(source)!.datasets.values()].filter(
    (d) => d.config.files !== undefined && (name === undefined || d.name === name),
  );
  const plans: BackfillPlan[] = [];
  for (const one of all) plans.push(await planBackfill(context, one, from, to));
  return plans;
}

/** A plan as a list of what happens to each date. */
export function itemsOf(plan: BackfillPlan): api.BackfillPlan['items'] {
  const dataset = shortName(plan.dataset);
  return [
    ...plan.land.map(({ date, file, gaveUp }) => ({
      dataset,
      date,
      ref: file.path,
      action: 'collect' as const,
      reason: gaveUp ?? 'at the source, never taken',
    })),
    ...plan.process.map(({ date, object, gaveUp }) => ({
      dataset,
      date,
      ref: object,
      action: 'replay' as const,
      reason: gaveUp ?? 'landed, not at its end',
    })),
    ...plan.held.map(({ date, name, reason }) => ({ dataset, date, ref: name, action: 'nothing' as const, reason })),
    ...plan.nothing.map((date) => ({
      dataset,
      date,
      ref: null,
      action: 'nothing' as const,
      reason: 'nothing at the source',
    })),
  ].sort((a, b) => (a.date < b.date ? -1 : a.date > b.date ? 1 : 0));
}

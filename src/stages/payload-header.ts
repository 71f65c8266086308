/** What a payload has for a dataset that reads it: several may, each records of its own. */
import type { Format } from '../ports/format.ts';
import type { Dataset } from '../project/project.ts';
import { datasetOf, type StageContext } from './context.ts';
import { formatConfig } from './format-config.ts';
import type { Payload } from './verify/payloads.ts';

/** Names of its columns. `path`: the payload as a local file. `sources`: what the dataset's contract reads. Null when there is no header. */
export async function payloadHeader(
  context: StageContext,
  dataset: Dataset,
  path: string,
  sources: readonly string[],
): Promise<string[] | null> {
  const format = context.formats.get(dataset.format.type)! as Format<unknown>;
  const named = (name: string) => datasetOf(context, `${dataset.tenant}/${dataset.source}/${name}`);
  const main = dataset.config.part_of === undefined ? dataset : named(dataset.config.part_of);
  const others = [main, ...main.parts.map(named)].filter((d) => d.key !== dataset.key).map(formatConfig);
  return (await format.header({ path, config: formatConfig(dataset), sources, others })) ?? null;
}

/** A verified payload with the facts and the header that concern the dataset, whose contract reads `sources`. */
export async function payloadFor(
  context: StageContext,
  payload: Payload,
  dataset: Dataset,
  sources: readonly string[],
): Promise<Payload> {
  const { headerBySources } = context.formats.get(dataset.format.type)!;
  const header = headerBySources
    ? await payloadHeader(context, dataset, await context.objects.localPath(payload.key), sources)
    : payload.header;
  return { ...payload, facts: factsFor(payload, dataset), header };
}

/** Of a payload with several record types, a part reads its own. */
function factsFor(payload: Payload, dataset: Dataset): Payload['facts'] {
  const byType = payload.facts['byType'] as Record<string, number> | undefined;
  const record = dataset.format['record'] as string | undefined;
  return byType && record !== undefined ? { ...payload.facts, records: byType[record] ?? 0 } : payload.facts;
}

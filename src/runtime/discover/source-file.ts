/** The YAML of discovered datasets: a new file, or added to one that is there. Pure. */
import { isMap, parseDocument, type YAMLMap } from 'yaml';
import { type DraftSource, writeSourceYaml } from '../../project/source-yaml.ts';

/** `before`: the text of the source's file, which is kept as it is but for the datasets that are added. */
export function sourceYaml(draft: DraftSource, before: string | undefined): string {
  const fresh = writeSourceYaml(draft);
  if (before === undefined) return fresh;
  const document = parseDocument(before);
  const added = parseDocument(fresh).get('datasets') as YAMLMap;
  const datasets = document.get('datasets');
  if (isMap(datasets) && datasets.items.length > 0) {
    for (const pair of added.items) {
      (pair.key as { spaceBefore?: boolean }).spaceBefore = true;
      datasets.items.push(pair as (typeof datasets.items)[number]);
    }
    datasets.flow = false;
  } else document.set('datasets', added);
  return document.toString({ lineWidth: 0 });
}

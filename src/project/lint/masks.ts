/** Masks: the columns they hide, the key they need, and keys that they spoil. */
import type { Dataset } from '../project.ts';
import type { Report } from '../report.ts';
import { columnSets, expectColumn, withPaths } from './column-sets.ts';

export function checkMasks(dataset: Dataset, hasMaskKey: boolean, report: Report): void {
  const { config } = dataset;
  const sets = columnSets(dataset);
  const masks = config.mask ?? {};
  for (const [name, { type }] of Object.entries(masks)) {
    if (!expectColumn(name, sets, report, ['mask', name], true)) continue;
    if (!sets.stored.has(name))
      report.warn(['mask', name], { message: `column "${name}" is dropped, there is nothing to mask`, atKey: true });
    if ((type === 'hash' || type === 'tokenise') && !hasMaskKey)
      report.error(['mask', name], {
        message: `"${type}" needs a key`,
        hint: 'Set mask_key in granary.yaml: mask_key: ${secret:MASK_KEY}',
      });
  }
  for (const field of ['key', 'version', 'partition'] as const)
    for (const [name, path] of withPaths(config.load[field], ['load', field])) {
      const type = masks[name]?.type;
      if (type === 'redact' || type === 'truncate')
        report.warn(path, {
          message: `column "${name}" is masked by "${type}", so different rows may look the same to the load`,
          hint: 'Use hash or tokenise',
        });
    }
}

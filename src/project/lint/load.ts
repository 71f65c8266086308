/** How rows enter the table: what each strategy needs. */
import type { Dataset } from '../project.ts';
import type { Report } from '../report.ts';
import { NAME } from '../specs/dataset.ts';
import { type ColumnSets, columnSets, expectStored, storedTypes, withPaths } from './column-sets.ts';

export function checkLoad(dataset: Dataset, report: Report): void {
  const { config, table } = dataset;
  const { load } = config;
  const { strategy } = load;
  const sets = columnSets(dataset);
  for (const field of ['key', 'version', 'partition'] as const)
    for (const [name, path] of withPaths(load[field], ['load', field])) expectStored(name, sets, report, path);

  const keyed = strategy === 'merge' || strategy === 'snapshot';
  if (keyed && !load.key?.length)
    report.error(['load'], {
      message: `"${strategy}" needs a key: the columns that identify a row`,
      hint: `load: { strategy: ${strategy}, key: [${[...sets.stored][0] ?? '…'}] }`,
    });
  if (strategy === 'replace_partition' && !load.partition?.length)
    report.error(['load'], { message: '"replace_partition" needs a partition: the columns whose values make one' });

  const useless = (field: 'key' | 'version' | 'partition' | 'deletes', used: boolean) => {
    const given = field === 'deletes' ? load.deletes : load[field] !== undefined;
    if (given && !used)
      report.warn(['load', field], { message: `"${field}" does nothing with strategy "${strategy}"`, atKey: true });
  };
  useless('key', keyed);
  useless('version', keyed);
  useless('partition', strategy === 'replace_partition');
  useless('deletes', strategy === 'snapshot');

  checkDeleted(dataset, sets, report);
  if (!NAME.regex.test(table.name)) report.error(['table'], `"${table.name}" is not ${NAME.meaning}`);
}

/** The column that says that a key was deleted. Types that only the engine knows are checked when rows are loaded. */
function checkDeleted(dataset: Dataset, sets: ColumnSets, report: Report): void {
  const { strategy, deleted, key = [], version = [] } = dataset.config.load;
  if (deleted === undefined) return;
  const path = ['load', 'deleted'];
  if (strategy === 'replace' || strategy === 'replace_partition') {
    report.error(path, {
      message: `"${strategy}" takes whole objects or partitions, so no row can say that its key was deleted`,
      hint: 'Use "merge" or "snapshot" with a key, or leave out "deleted"',
      atKey: true,
    });
    return;
  }
  expectStored(deleted, sets, report, path);
  const type = storedTypes(dataset).get(deleted);
  if (type !== undefined && type !== 'boolean')
    report.error(path, {
      message: `column "${deleted}" is ${type}, and only a boolean can say that a key was deleted`,
      hint: `Give it the type boolean, or make a column from it: computed: { is_deleted: "${deleted} = '…'" }`,
    });
  if (strategy !== 'append' && [...key, ...version].includes(deleted))
    report.error(path, {
      message: `column "${deleted}" is not in the table, so it can be neither key nor version`,
      hint: `Take it out of "${key.includes(deleted) ? 'key' : 'version'}"`,
    });
}

/** How rows enter the table: what each strategy needs. */
import type { Dataset } from '../project.ts';
import type { Report } from '../report.ts';
import { NAME } from '../specs/dataset.ts';
import { columnSets, expectStored, withPaths } from './column-sets.ts';

export function checkLoad({ config, table }: Dataset, report: Report): void {
  const { load } = config;
  const { strategy } = load;
  const sets = columnSets(config);
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

  if (!NAME.regex.test(table.name)) report.error(['table'], `"${table.name}" is not ${NAME.meaning}`);
}

/** Names of columns, wherever a dataset uses them, and settings of a column that contradict each other. */
import { nearest } from '../../lib/nearest.ts';
import type { NamePattern } from '../name-pattern.ts';
import type { Dataset } from '../project.ts';
import type { Report } from '../report.ts';
import type { Column } from '../specs/column.ts';
import { NAME } from '../specs/dataset.ts';
import { type ColumnSets, columnSets, expectColumn, expectStored, withPaths } from './column-sets.ts';
import { checkRules } from './rules.ts';

export function checkColumns(dataset: Dataset, pattern: NamePattern, report: Report): void {
  const { config } = dataset;
  const sets = columnSets(dataset);
  for (const [name, column] of Object.entries(config.columns)) {
    checkColumn(column, report.at('columns', name));
    checkPart(column, pattern, report.at('columns', name));
  }
  for (const name of Object.keys(config.computed ?? {}))
    if (name in config.columns)
      report.error(['computed', name], { message: `"${name}" is already a column of the contract`, atKey: true });
  checkTransform(dataset, report);
  checkLookups(dataset, sets, report);
  checkRules(config.rules ?? [], sets, report.at('rules'));

  for (const [name, path] of withPaths(config.drop, ['drop'])) expectColumn(name, sets, report, path);
  const { deduplicate } = config;
  for (const [name, path] of withPaths(deduplicate?.key, ['deduplicate', 'key']))
    expectColumn(name, sets, report, path);
  for (const [name, path] of withPaths(deduplicate?.latest_by, ['deduplicate', 'latest_by']))
    expectColumn(name, sets, report, path);
  for (const [name, path] of withPaths(config.sort_by, ['sort_by'])) expectStored(name, sets, report, path);
  for (const [text, path] of withPaths(config.partition_by, ['partition_by']))
    if (/^\w+$/.test(text)) expectStored(text, sets, report, path);
  if (sets.stored.size === 0) report.error(['columns'], { message: 'no column is left to store', atKey: true });
}

const TEMPORAL = ['date', 'time', 'timestamp', 'timestamp_tz'];
const isNumeric = (type: string) => ['integer', 'bigint', 'double'].includes(type) || type.startsWith('decimal');

function checkColumn(column: Column, report: Report): void {
  const unfit = (
    field: 'format' | 'decimal' | 'thousands' | 'true_values' | 'false_values',
    fits: boolean,
    kind: string,
  ) => {
    if (column[field] !== undefined && !fits)
      report.error([field], { message: `"${field}" is for ${kind}; this column is ${column.type}`, atKey: true });
  };
  unfit('format', TEMPORAL.includes(column.type), 'dates and times');
  unfit('decimal', isNumeric(column.type), 'numbers');
  unfit('thousands', isNumeric(column.type), 'numbers');
  unfit('true_values', column.type === 'boolean', 'booleans');
  unfit('false_values', column.type === 'boolean', 'booleans');
  if (column.thousands !== undefined && column.thousands === (column.decimal ?? '.'))
    report.error(['thousands'], `"${column.thousands}" is the decimal sign already`);
  if (column.required && column.default !== undefined)
    report.warn(['required'], {
      message: 'with a "default" the column is never missing',
      hint: 'Take one of the two out',
    });
}

function checkPart(column: Column, pattern: NamePattern, report: Report): void {
  const part = column.from_name;
  if (part === undefined) return;
  if (column.from !== undefined)
    report.error(['from'], { message: 'a column is taken "from" the file or "from_name", not both', atKey: true });
  if (pattern.parts.includes(part)) return;
  const known = pattern.parts.length > 0 ? `its parts: ${pattern.parts.join(', ')}` : 'it has none';
  report.error(['from_name'], {
    message: `"${part}" is not a part of "${pattern.text}"; ${known}`,
    suggestion: nearest(part, pattern.parts),
    hint: pattern.parts.length > 0 ? undefined : `Name one as in "{${part}}_*.csv"`,
  });
}

/** Columns that a transform adds are new ones. */
function checkTransform({ config, transform }: Dataset, report: Report): void {
  for (const name of Object.keys(transform?.columns ?? {}))
    for (const [there, columns] of [
      ['the contract', config.columns],
      ['"computed"', config.computed ?? {}],
    ] as const)
      if (name in columns)
        report.error(['transform'], {
          message: `${transform!.type} adds the column "${name}", which is in ${there} already`,
          hint: 'What a transform changes needs no declaration, only what it adds',
        });
}

/** A lookup may use what earlier ones have taken. */
function checkLookups({ config, transform }: Dataset, { all }: ColumnSets, report: Report): void {
  const { columns, computed, lookups } = config;
  const known = new Set([columns, transform?.columns ?? {}, computed ?? {}].flatMap((c) => Object.keys(c)));
  for (const [i, lookup] of (lookups ?? []).entries()) {
    const at = report.at('lookups', i);
    for (const name of Object.keys(lookup.on)) {
      if (known.has(name)) continue;
      if (all.has(name))
        at.error(['on', name], { message: `column "${name}" is only taken by this or a later lookup`, atKey: true });
      else expectColumn(name, { all: known, stored: known }, at, ['on', name], true);
    }
    for (const name of Object.keys(lookup.take)) {
      if (known.has(name)) at.error(['take', name], { message: `there is a column "${name}" already`, atKey: true });
      if (!NAME.regex.test(name))
        at.error(['take', name], { message: `"${name}" is not ${NAME.meaning}`, atKey: true });
      known.add(name);
    }
  }
}

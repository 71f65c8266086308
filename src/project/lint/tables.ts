/** Tables: datasets that fill the same one must agree, and reference tables must be filled by something. */
import { nearest } from '../../lib/nearest.ts';
import type { Path } from '../../lib/spec/common.ts';
import { CIRCLE_HINT, circleText, inWaves } from '../referenced-tables.ts';
import type { ResolvedDataset } from '../resolve-datasets.ts';
import { storedTypes } from './column-sets.ts';

export function checkTables(datasets: ResolvedDataset[]): void {
  const byTable = new Map<string, ResolvedDataset[]>();
  for (const d of datasets) {
    const name = tableOf(d);
    byTable.set(name, [...(byTable.get(name) ?? []), d]);
  }
  for (const [first, ...others] of byTable.values()) for (const other of others) checkSameTable(first!, other);
  for (const d of datasets) checkReferences(d, [...byTable.keys()]);
  checkCircle(datasets);
}

/** Tables are filled in an order in which what is looked up is there; see `wavesOf`. */
function checkCircle(datasets: ResolvedDataset[]): void {
  const { circle } = inWaves(datasets.map((d) => d.dataset));
  const [first, next] = circle ?? [];
  if (!circle || !first || !next) return;
  const { lookups = [], rules = [] } = first.config;
  const lookup = lookups.findIndex((l) => l.table === next.table.name);
  const path =
    lookup >= 0 ? ['lookups', lookup] : ['rules', rules.findIndex((r) => r.exists?.table === next.table.name)];
  const { report } = datasets.find((d) => d.dataset === first)!;
  report.error(path, { message: circleText(circle), hint: CIRCLE_HINT });
}

const tableOf = ({ dataset: { table } }: ResolvedDataset) => `${table.schema}.${table.name}`;

function checkSameTable(first: ResolvedDataset, other: ResolvedDataset): void {
  const { config } = other.dataset;
  const path: Path = config.table === undefined ? [] : ['table'];
  const atKey = config.table === undefined;
  const who = `${first.dataset.source}/${first.dataset.name}`;
  const difference = differenceOf(storedTypes(first.dataset), storedTypes(other.dataset));
  if (difference)
    other.report.error(path, {
      message: `fills table "${other.dataset.table.name}" as ${who} does, but with another contract: ${difference}`,
      atKey,
    });
  const how = (d: ResolvedDataset) => JSON.stringify([d.dataset.config.load.strategy, d.dataset.config.load.key]);
  if (how(first) !== how(other))
    other.report.error(path, {
      message: `fills table "${other.dataset.table.name}" as ${who} does, but with another load strategy or key`,
      atKey,
    });
  const [there, here] = [first, other].map((d) => d.dataset.config.load.deleted);
  const says = (deleted: string | undefined) => (deleted === undefined ? 'none' : `"deleted: ${deleted}"`);
  if (there !== here)
    other.report.error(path, {
      message: `fills table "${other.dataset.table.name}" as ${who} does, but that one has ${says(there)} in "load" and this one ${says(here)}`,
      atKey,
    });
}

function differenceOf(a: Map<string, string | undefined>, b: Map<string, string | undefined>): string | undefined {
  for (const [name, type] of b) {
    if (!a.has(name)) return `column "${name}" is only here`;
    const there = a.get(name);
    if (type !== undefined && there !== undefined && type !== there)
      return `column "${name}" is ${type} here and ${there} there`;
  }
  const missing = [...a.keys()].find((name) => !b.has(name));
  return missing === undefined ? undefined : `column "${missing}" is missing here`;
}

/** Tables that lookups and `exists` rules read. Only a warning: a table may be made by other means. */
function checkReferences({ dataset, report }: ResolvedDataset, tables: string[]): void {
  const { schema } = dataset.table;
  const check = (table: string, path: Path) => {
    if (!/^[a-z_]\w*(\.[a-z_]\w*)?$/i.test(table)) report.error(path, `"${table}" is not the name of a table`);
    else if (!tables.includes(table.includes('.') ? table : `${schema}.${table}`))
      report.warn(path, {
        message: `no dataset of tenant "${schema}" fills a table "${table}"`,
        suggestion: nearest(table, table.includes('.') ? tables : tablesOf(schema, tables)),
      });
  };
  for (const [i, lookup] of (dataset.config.lookups ?? []).entries()) check(lookup.table, ['lookups', i, 'table']);
  for (const [i, rule] of (dataset.config.rules ?? []).entries())
    if (rule.exists) check(rule.exists.table, ['rules', i, 'exists', 'table']);
}

function tablesOf(schema: string, tables: string[]): string[] {
  return tables.filter((t) => t.startsWith(`${schema}.`)).map((t) => t.slice(schema.length + 1));
}

/** From a dataset's contract to the SQL that curates a payload in one pass over its data. Pure. */
import { ident, literal, raw, sql } from '../../lib/sql.ts';
import { type ColumnType, engineType, LINEAGE } from '../../model/schema.ts';
import type { ReadColumn } from '../../ports/format.ts';
import type { Dataset } from '../../project/project.ts';
import type { Column } from '../../project/specs/column.ts';
import type { Rule } from '../../project/specs/quality.ts';
import {
  type Check,
  columnsNamed,
  exceptDeleted,
  maskColumns,
  type RefusedTexts,
  ruleChecks,
  shownValue,
  whereReadable,
  withTransform,
} from './checks.ts';
import { closingOf } from './closing.ts';
import { convert, masked, needsText, withDefault } from './conversions.ts';

/** A column of the contract as it stands now: declared, or added by drift. */
export interface ContractColumn {
  name: string;
  type: ColumnType;
  column: Column;
}

/** Those that are read, not taken from the name of the file. */
export const fromPayload = (contract: readonly ContractColumn[]): ContractColumn[] =>
  contract.filter((c) => c.column.from_name === undefined);

export interface Plan {
  /** What the format must deliver. */
  readColumns: ReadColumn[];
  checks: Check[];
  /** Columns of the staging file: contract, transform, lookups, computed. */
  stagedColumns: { name: string; type: ColumnType | undefined }[];
  /** Rules over the whole object. */
  uniqueRules: Rule[];
  /** True when reference tables are joined: rows then need their numbers beforehand. */
  joins: boolean;
  /** SELECT of typed rows from a relation that delivers `c0`…; `typed` says which have their contract type already. */
  typedSelect(
    relation: string,
    typed: boolean[],
    passthrough: string[],
    constants: Record<string, string>,
  ): StagingSelect;
  /** SELECT of staging rows: typed (and transformed) rows with the marks of the checks. `keep` are further columns of those rows. */
  judgedSelect(rows: string, keep: string[]): string;
  /** Expressions of the curated file over staging columns: masked, dropped columns left out. */
  curated: { name: string; sql: string }[];
}

export interface StagingSelect {
  sql: string;
  /** Columns `_t<i>` that hold the text of values which are not of their type. */
  textColumns: string[];
}

/** `references` maps a reference table to a table expression in the engine; `isComplete`: the object lists all rows that there are. */
export function planCuration(
  dataset: Dataset,
  contract: ContractColumn[],
  references: ReadonlyMap<string, string>,
  isComplete = false,
): Plan {
  const { config } = dataset;
  const read = fromPayload(contract);
  const readColumns: ReadColumn[] = read.map((c, position) => ({
    source: c.column.from ?? c.name,
    position,
    type: c.type,
    asText: needsText(c.column),
  }));
  const types = new Map<string, ColumnType>(contract.map((c) => [c.name, c.type]));
  const lookups = config.lookups ?? [];
  const exists = (config.rules ?? []).filter((r) => r.exists);
  const found: Check[] = [];
  const lookupColumns = lookups.flatMap((l) => Object.keys(l.take));
  const computed = Object.entries(config.computed ?? {});
  const { transform } = dataset;
  const texts = refusedTexts(dataset, read);
  const existsFlag = (rule: Rule) => `_e${exists.indexOf(rule)}`;

  read.forEach((c, i) => {
    if (c.type !== 'text') {
      const value = config.mask?.[c.name] ? `'(masked)'` : `'"' || left(_t${i}, 100) || '"'`;
      found.push({
        effect: 'type',
        rule: `type(${c.name})`,
        column: c.name,
        severity: 'reject',
        textColumn: `_t${i}`,
        broken: `_t${i} IS NOT NULL`,
        reason: sql`${literal(`${c.name}: expected ${c.type}${c.column.format ? ` as ${c.column.format}` : ''}, found `)} || ${raw(value)}`,
      });
    }
  });
  if (config.keep)
    found.push({
      effect: 'filter',
      rule: 'keep',
      column: null,
      severity: 'filter',
      broken: `(${config.keep}) IS NOT TRUE`,
      reason: `'filtered'`,
    });
  lookups.forEach((l, i) => {
    if (l.missing === 'null') return;
    const columns = Object.keys(l.on);
    const values = columns.map((c) => `coalesce(${shownValue(c, dataset)}, '')`).join(` || ', ' || `);
    found.push({
      effect: l.missing,
      rule: `lookup(${l.table})`,
      column: columns[0]!,
      severity: l.missing,
      broken: whereReadable(`_l${i}`, columns, texts),
      reason: sql`${raw(values)} || ${literal(` is not in ${l.table}`)}`,
    });
  });
  found.push(...ruleChecks(dataset, types, texts, existsFlag));
  const judged = transform ? withTransform(found, transform, config) : found;
  const closing = closingOf(dataset, isComplete);
  const checks = [...exceptDeleted(judged, config), ...(closing?.notes(judged) ?? [])];

  const plan: Plan = {
    readColumns,
    checks,
    stagedColumns: [
      ...contract.map((c) => ({ name: c.name, type: c.type as ColumnType | undefined })),
      ...Object.entries(transform?.columns ?? {}).map(([name, type]) => ({ name, type })),
      ...lookupColumns.map((name) => ({ name, type: undefined })),
      ...computed.filter(([name]) => !types.has(name)).map(([name]) => ({ name, type: undefined })),
    ],
    uniqueRules: (config.rules ?? []).filter((r) => r.kind === 'unique'),
    joins: lookups.length + exists.length > 0,
    typedSelect(relation, typed, passthrough, constants) {
      const usedFlags = new Set<number>();
      const fields: string[] = [];
      let i = 0;
      for (const c of contract) {
        if (c.column.from_name !== undefined) {
          fields.push(
            sql`CAST(${literal(constants[c.column.from_name] ?? null)} AS ${raw(engineType(c.type))}) AS ${ident(c.name)}`,
          );
          continue;
        }
        const field = raw(`r.c${i}`);
        if (typed[i] && !readColumns[i]!.asText) {
          fields.push(sql`${raw(withDefault(field.text, c.column, c.type))} AS ${ident(c.name)}`);
        } else {
          const { value, present } = convert(field, c.column, c.type);
          fields.push(sql`${raw(withDefault(value, c.column, c.type))} AS ${ident(c.name)}`);
          if (c.type !== 'text') {
            usedFlags.add(i);
            fields.push(`CASE WHEN (${value}) IS NULL THEN ${present} END AS _t${i}`);
          }
        }
        i++;
      }
      for (let f = 0; f < readColumns.length; f++) if (!usedFlags.has(f)) fields.push(`NULL::VARCHAR AS _t${f}`);
      return {
        sql: `SELECT ${[...fields, ...passthrough.map((p) => `r.${p}`)].join(', ')} FROM ${relation} r`,
        textColumns: [...usedFlags].map((f) => `_t${f}`),
      };
    },
    judgedSelect(rows, keep) {
      let select = rows;
      if (plan.joins) select = joinReferences(select, dataset, references, exists);
      if (computed.length > 0) {
        const replaced = computed
          .filter(([name]) => types.has(name))
          .map(([name, e]) => sql`(${raw(e)}) AS ${ident(name)}`);
        const added = computed
          .filter(([name]) => !types.has(name))
          .map(([name, e]) => sql`(${raw(e)}) AS ${ident(name)}`);
        select = `SELECT *${replaced.length > 0 ? ` REPLACE (${replaced.join(', ')})` : ''}${added.map((a) => `, ${a}`).join('')} FROM (${select})`;
      }
      if (closing) select = closing.select(select);
      const kept = [...plan.stagedColumns.map((c) => ident(c.name).text), ...keep];
      const masks = maskColumns(checks).map((m) => `${m.sql} AS ${m.name}`);
      return `SELECT ${[...kept, ...masks].join(', ')} FROM (${select})`;
    },
    curated: [],
  };
  const dropped = new Set(config.drop ?? []);
  plan.curated = plan.stagedColumns
    .filter((c) => !dropped.has(c.name))
    .map((c) => ({
      name: c.name,
      sql: config.mask?.[c.name] ? masked(c.name, config.mask[c.name]!) : ident(c.name).text,
    }));
  return plan;
}

/** `read` are the columns in staging order. Columns that are taken or computed from others depend on the texts of those. */
function refusedTexts(dataset: Dataset, read: ContractColumn[]): RefusedTexts {
  const texts = new Map<string, string[]>();
  const of = (columns: string[]) => [...new Set(columns.flatMap((c) => texts.get(c) ?? []))];
  read.forEach((c, i) => {
    if (c.type !== 'text') texts.set(c.name, [`_t${i}`]);
  });
  for (const name of Object.keys(dataset.transform?.columns ?? {})) texts.set(name, of([...texts.keys()]));
  for (const l of dataset.config.lookups ?? [])
    for (const name of Object.keys(l.take)) texts.set(name, of(Object.keys(l.on)));
  for (const [name, expression] of Object.entries(dataset.config.computed ?? {}))
    texts.set(name, of(columnsNamed(expression, texts.keys())));
  return texts;
}

/** Left joins with the reference tables, each reduced to one row per key. */
function joinReferences(
  select: string,
  dataset: Dataset,
  references: ReadonlyMap<string, string>,
  exists: Rule[],
): string {
  const fields = ['b.*'];
  const joins: string[] = [];
  (dataset.config.lookups ?? []).forEach((l, i) => {
    const keys = Object.values(l.on);
    const taken = Object.values(l.take).filter((c) => !keys.includes(c));
    const columns = [
      ...keys.map((k) => ident(k).text),
      ...[...new Set(taken)].map((c) => sql`any_value(${ident(c)}) AS ${ident(c)}`),
    ];
    joins.push(
      `LEFT JOIN (SELECT ${columns.join(', ')}, true AS _hit FROM ${references.get(l.table)} GROUP BY ${keys.map((k) => ident(k).text).join(', ')}) l${i}` +
        ` ON ${Object.entries(l.on)
          .map(([mine, theirs]) => sql`b.${ident(mine)} = l${i}.${ident(theirs)}`)
          .join(' AND ')}`,
    );
    fields.push(
      `(l${i}._hit IS NULL) AS _l${i}`,
      ...Object.entries(l.take).map(([name, c]) => sql`l${i}.${ident(c)} AS ${ident(name)}`),
    );
  });
  exists.forEach((rule, i) => {
    const { columns, table, key = columns } = rule.exists!;
    const keys = key.map((k) => ident(k).text).join(', ');
    joins.push(
      `LEFT JOIN (SELECT ${keys}, true AS _hit FROM ${references.get(table)} GROUP BY ${keys}) e${i}` +
        ` ON ${columns.map((c, k) => sql`b.${ident(c)} = e${i}.${ident(key[k]!)}`).join(' AND ')}`,
    );
    fields.push(
      `(e${i}._hit IS NULL AND ${columns.map((c) => sql`b.${ident(c)} IS NOT NULL`).join(' AND ')}) AS _e${i}`,
    );
  });
  return `SELECT ${fields.join(', ')} FROM (${select}) b ${joins.join(' ')}`;
}

/** The lineage columns of a curated file. */
export function lineageColumns(archive: boolean): { name: string; type: ColumnType }[] {
  return [
    { name: LINEAGE.object, type: 'text' },
    { name: LINEAGE.line, type: 'bigint' },
    ...(archive ? [{ name: LINEAGE.member, type: 'text' as const }] : []),
  ];
}

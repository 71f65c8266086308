/** The contract as it stands for one object: as declared, widened and extended by earlier drift, and by this object's own where that is allowed. */
import { GranaryError } from '../../lib/errors.ts';
import { literal, raw, sql } from '../../lib/sql.ts';
import { SCHEMAS, type SchemaColumn, type SchemaDoc } from '../../model/runs.ts';
import { type ColumnType, widen } from '../../model/schema.ts';
import { isoNow } from '../../ports/clock.ts';
import type { DiscoveredColumn } from '../../ports/format.ts';
import type { Dataset } from '../../project/project.ts';
import { column } from '../../project/specs/column.ts';
import type { StageContext } from '../context.ts';
import { driftOf, driftText } from '../verify/header.ts';
import type { ContractColumn } from './plan.ts';

export async function latestSchema(context: StageContext, dataset: string): Promise<SchemaDoc | undefined> {
  for await (const doc of context.state.query(SCHEMAS, {
    index: 'dataset',
    equals: [dataset],
    descending: true,
    limit: 1,
  }))
    return doc;
  return undefined;
}

/** Declared columns, with the types and further columns that earlier drift has brought where the dataset evolves. */
export function standingContract(dataset: Dataset, schema: SchemaDoc | undefined): ContractColumn[] {
  const declared: ContractColumn[] = Object.entries(dataset.config.columns).map(([name, c]) => ({
    name,
    type: c.type,
    column: c,
  }));
  if (dataset.config.on_drift !== 'evolve' || !schema) return declared;
  for (const c of declared) {
    const known = schema.columns.find((s) => s.name === c.name);
    if (known) c.type = widen(c.type, known.type) ?? c.type;
  }
  const names = new Set(declared.map((c) => c.name));
  const added = schema.columns.filter((s) => s.from !== undefined && !names.has(s.name));
  return [...declared, ...added.map((s) => contractColumn(s.name, s.type, s.from!))];
}

function contractColumn(name: string, type: ColumnType, from: string): ContractColumn {
  return { name, type, column: column.parse({ type, from }, [], { issues: [] })! };
}

/** A payload's new columns, added; `discovered` are all its columns. */
export function withAdded(
  contract: ContractColumn[],
  header: string[] | null,
  dataset: Dataset,
  discovered: DiscoveredColumn[],
): { contract: ContractColumn[]; added: string[] } {
  if (header === null) return { contract, added: [] };
  const known = new Set(contract.map((c) => (c.column.from ?? c.name).trim().toLowerCase()));
  const fresh = driftOf(header, dataset).added.filter((name) => !known.has(name.trim().toLowerCase()));
  const names = new Set(contract.map((c) => c.name));
  const out = [...contract];
  for (const source of fresh) {
    const name = freeName(slug(source), names);
    names.add(name);
    out.push(contractColumn(name, discovered.find((d) => d.source === source)?.type ?? 'text', source));
  }
  return { contract: out, added: fresh };
}

/** Columns whose values need a wider type than the contract has, widened; none when only text would hold them. */
export function withWidened(
  contract: ContractColumn[],
  discovered: DiscoveredColumn[],
): { contract: ContractColumn[]; widened: string[] } {
  const widened: string[] = [];
  const out = contract.map((c) => {
    const found = discovered.find((d) => d.source === (c.column.from ?? c.name));
    const type = found && widen(c.type, found.type);
    if (!type || type === c.type || type === 'text') return c;
    widened.push(`${c.name}: ${c.type} → ${type}`);
    return { ...c, type };
  });
  return { contract: widened.length > 0 ? out : contract, widened };
}

/** A header as a column name: lower-case letters, digits and `_`. */
export function slug(header: string): string {
  const s = header
    .normalize('NFKD')
    .replaceAll(/[\u0300-\u036f]/g, '')
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '_')
    .replaceAll(/^_+|_+$/g, '');
  return /^[a-z]/.test(s) ? s.slice(0, 60) : `c_${s}`.slice(0, 60);
}

function freeName(name: string, taken: ReadonlySet<string>): string {
  let candidate = name;
  for (let n = 2; taken.has(candidate); n++) candidate = `${name}_${n}`;
  return candidate;
}

/** What a person should know of how a payload's columns differ from the contract. */
export function driftNotes(header: string[] | null, dataset: Dataset): string[] {
  if (header === null || dataset.config.verify.header === 'any') return [];
  const drift = driftOf(header, dataset);
  return drift.missing.length + drift.added.length > 0 ? [driftText(drift)] : [];
}

/** Objects of a dataset are curated side by side: each may find a version recorded since it read the latest. */
const RECORD_ATTEMPTS = 20;

/**
 * Records a new version of the schema when its columns are not those of the latest one. What other objects have added or widened
 * meanwhile stays. Throws `state.conflict` when others are always faster.
 */
export async function recordSchema(
  context: StageContext,
  dataset: Dataset,
  contract: ContractColumn[],
  cause: string,
): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    const latest = await latestSchema(context, dataset.key);
    const columns = schemaColumns(dataset, union(standingContract(dataset, latest), contract));
    if (latest && JSON.stringify(latest.columns) === JSON.stringify(columns)) return;
    const version = (latest?.version ?? 0) + 1;
    const doc = {
      id: `${dataset.key}#${version}`,
      dataset: dataset.key,
      version,
      columns,
      cause,
      at: isoNow(context.clock),
    };
    try {
      await context.state.put(SCHEMAS, doc, { absent: true });
      return;
    } catch (e) {
      if (!(e instanceof GranaryError) || e.code !== 'state.conflict' || attempt === RECORD_ATTEMPTS) throw e;
    }
  }
}

/** The columns of both, in the wider type. Where there is none, the type of `theirs`. */
function union(standing: ContractColumn[], theirs: ContractColumn[]): ContractColumn[] {
  const mine = new Map(theirs.map((c) => [c.name, c]));
  const known = new Set(standing.map((c) => c.name));
  return [
    ...standing.map((c) => {
      const other = mine.get(c.name);
      return other ? { ...other, type: widen(c.type, other.type) ?? other.type } : c;
    }),
    ...theirs.filter((c) => !known.has(c.name)),
  ];
}

function schemaColumns(dataset: Dataset, contract: ContractColumn[]): SchemaColumn[] {
  return contract.map((c) => ({
    name: c.name,
    type: c.type,
    ...(dataset.config.columns[c.name] === undefined && { from: c.column.from ?? c.name }),
  }));
}

/** SQL that is true when the sum of a column is the declared one. */
export function sumMatches(columnSql: string, declared: string): string {
  return sql`coalesce(sum(${raw(columnSql)}), 0) = CAST(${literal(declared)} AS DECIMAL(38,6))`;
}

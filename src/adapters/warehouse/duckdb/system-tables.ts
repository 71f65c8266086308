/** The tables of schema `granary`: what they have, and how facts enter them. */
import { randomUUID } from 'node:crypto';
import { rm, writeFile } from 'node:fs/promises';
import { join as joinPath } from 'node:path';
import type { Session } from '../../../lib/duckdb.ts';
import { ident, join, literal, raw, type Sql, sql } from '../../../lib/sql.ts';
import { SYSTEM_SCHEMA } from '../../../ports/warehouse.ts';
import type { BookFact, Facts, ObjectFact, RunFact } from '../../../ports/warehouse-facts.ts';
import { readColumns } from './evolve.ts';

interface SystemTable<Column extends string = string> {
  name: string;
  /** Columns that identify a row. */
  id: readonly Column[];
  /** Name to DuckDB type. */
  columns: Record<Column, string>;
}

const OBJECTS: SystemTable<keyof ObjectFact> = {
  name: 'objects',
  id: ['id'],
  columns: {
    id: 'VARCHAR',
    tenant: 'VARCHAR',
    source: 'VARCHAR',
    dataset: 'VARCHAR',
    name: 'VARCHAR',
    path: 'VARCHAR',
    version: 'INTEGER',
    bytes: 'BIGINT',
    sha256: 'VARCHAR',
    status: 'VARCHAR',
    arrived_at: 'TIMESTAMPTZ',
    superseded_by: 'VARCHAR',
    quarantine: 'JSON',
  },
};

const BOOKS: SystemTable<keyof BookFact> = {
  name: 'books',
  id: ['run_id', 'object_id', 'dataset'],
  columns: {
    run_id: 'VARCHAR',
    object_id: 'VARCHAR',
    dataset: 'VARCHAR',
    table: 'VARCHAR',
    received: 'BIGINT',
    loaded: 'BIGINT',
    filtered: 'BIGINT',
    deduplicated: 'BIGINT',
    rejected: 'BIGINT',
    declared_rows: 'BIGINT',
    balanced: 'BOOLEAN',
    active: 'BOOLEAN',
    by_rule: 'JSON',
  },
};

const RUNS: SystemTable<keyof RunFact> = {
  name: 'runs',
  id: ['id'],
  columns: {
    id: 'VARCHAR',
    status: 'VARCHAR',
    started_at: 'TIMESTAMPTZ',
    finished_at: 'TIMESTAMPTZ',
    objects: 'BIGINT',
    received: 'BIGINT',
    loaded: 'BIGINT',
    rejected: 'BIGINT',
    error: 'VARCHAR',
  },
};

/**
 * Written by loads. `load_seq` grows with every load; `order_key` and `effective_at` are the object's `order` and `effective`. `complete` is null
 * in records from before there was such a thing.
 */
export const LOADS: SystemTable = {
  name: 'loads',
  id: ['object_id', 'dataset'],
  columns: {
    object_id: 'VARCHAR',
    dataset: 'VARCHAR',
    tenant: 'VARCHAR',
    table_schema: 'VARCHAR',
    table_name: 'VARCHAR',
    curation_id: 'VARCHAR',
    order_key: 'VARCHAR',
    effective_at: 'TIMESTAMP',
    strategy: 'JSON',
    supersedes: 'VARCHAR[]',
    rows: 'BIGINT',
    inserted: 'BIGINT',
    deduplicated: 'BIGINT',
    replaced: 'BIGINT',
    table_rows: 'BIGINT',
    load_seq: 'BIGINT',
    loaded_at: 'TIMESTAMPTZ',
    complete: 'BOOLEAN',
    highest_version: 'VARCHAR[]',
  },
};

/** Written by loads: one row for each reason of each rejected record. */
export const REJECTS: SystemTable = {
  name: 'rejects',
  id: ['object_id', 'dataset'],
  columns: {
    object_id: 'VARCHAR',
    dataset: 'VARCHAR',
    curation_id: 'VARCHAR',
    line: 'BIGINT',
    member: 'VARCHAR',
    rule: 'VARCHAR',
    column_name: 'VARCHAR',
    severity: 'VARCHAR',
    reason: 'VARCHAR',
    raw: 'VARCHAR',
  },
};

/** Makes the system tables, and the columns of them, that are not there yet. */
export async function createSystemTables(session: Session): Promise<void> {
  await session.run(sql`CREATE SCHEMA IF NOT EXISTS ${ident(SYSTEM_SCHEMA)}`);
  for (const table of [OBJECTS, BOOKS, RUNS, LOADS, REJECTS]) {
    const name = ident(SYSTEM_SCHEMA, table.name);
    const columns = Object.entries(table.columns).map(([column, type]) => raw(sql`${ident(column)} ${raw(type)}`));
    const existing = await readColumns(session, { schema: SYSTEM_SCHEMA, name: table.name });
    if (!existing) await session.run(sql`CREATE TABLE ${name} (${join(columns)})`);
    else if (existing.length < columns.length)
      for (const column of columns) await session.run(sql`ALTER TABLE ${name} ADD COLUMN IF NOT EXISTS ${column}`);
  }
}

/** Replaces the rows with the ids of these facts. `scratch` holds the facts as NDJSON for a moment: the fastest way in. */
export async function upsertFacts(session: Session, facts: Facts, scratch: string): Promise<void> {
  await upsert(session, OBJECTS, facts.objects ?? [], scratch);
  await upsert(session, BOOKS, facts.books ?? [], scratch);
  await upsert(session, RUNS, facts.runs ?? [], scratch);
}

/** Of several facts with one id the last counts. */
async function upsert<Fact extends object>(
  session: Session,
  table: SystemTable<keyof Fact & string>,
  facts: readonly Fact[],
  scratch: string,
): Promise<void> {
  if (facts.length === 0) return;
  const latest = new Map(facts.map((f) => [JSON.stringify(table.id.map((c) => f[c])), f]));
  const file = joinPath(scratch, `facts-${randomUUID()}.ndjson`);
  const target = ident(SYSTEM_SCHEMA, table.name);
  try {
    await writeFile(file, [...latest.values()].map((f) => `${JSON.stringify(f)}\n`).join(''));
    const same = table.id.map((c) => raw(sql`t.${ident(c)} = f.${ident(c)}`));
    await session.run(sql`DELETE FROM ${target} t USING ${ndjson(file, table)} f WHERE ${join(same, ' AND ')}`);
    await session.run(sql`INSERT INTO ${target} BY NAME SELECT * FROM ${ndjson(file, table)}`);
  } finally {
    await rm(file, { force: true });
  }
}

function ndjson(file: string, table: SystemTable): Sql {
  const columns = Object.entries(table.columns).map(([name, type]) => raw(sql`${ident(name)}: ${literal(type)}`));
  return raw(sql`read_json(${literal(file)}, format = 'newline_delimited', columns = {${join(columns)}})`);
}

/** What must be equal however a project was disturbed: every table, the books, the rejects, the objects, what gave up. */
import { createHash } from 'node:crypto';
import type { ProjectOptions } from '../runtime/context.ts';
import { findDeadLetters } from '../runtime/dead-letters.ts';
import { openRuntime, type Runtime } from '../runtime/runtime.ts';

export interface Fingerprint {
  /** Rows and SHA-256 of the sorted rows, by table. */
  tables: Record<string, { rows: number; sha256: string }>;
  /** Entries of the books that do not balance. */
  unbalanced: number;
  rows: number;
}

/** Facts of the system tables that do not depend on when, or in which run, something happened. */
const SYSTEM: Record<string, string> = {
  'granary.rejects': 'SELECT object_id, dataset, line, rule, column_name, reason, raw FROM granary.rejects',
  'granary.objects': 'SELECT id, dataset, path, version, bytes, sha256, status, superseded_by FROM granary.objects',
  'granary.books':
    'SELECT object_id, dataset, "table", received, loaded, filtered, deduplicated, rejected, balanced FROM granary.books WHERE active',
};

/** History by arrival says when a file was landed, which differs from run to run. */
const BY_ARRIVAL = new Set(['_valid_from', '_valid_to']);

export async function fingerprintOf(options: ProjectOptions): Promise<Fingerprint> {
  const runtime = await openRuntime({ ...options, command: 'granary torture', waitSeconds: 20 });
  try {
    const out: Fingerprint = { tables: {}, unbalanced: 0, rows: 0 };
    for (const table of await runtime.context.warehouse.describe()) {
      if (table.schema === 'granary') continue;
      const columns = table.columns
        .filter((c) => !BY_ARRIVAL.has(c.name))
        .map((c) => `"${c.name.replaceAll('"', '""')}"`);
      const name = `"${table.schema}"."${table.name}"`;
      out.tables[`${table.schema}.${table.name}`] = await digest(runtime, `SELECT ${columns.join(', ')} FROM ${name}`);
    }
    for (const [name, sql] of Object.entries(SYSTEM)) out.tables[name] = await digest(runtime, sql);
    const letters = await findDeadLetters({}, runtime.context);
    const texts = letters.map((d) => JSON.stringify([d.kind, d.ref, d.error])).sort();
    out.tables['dead letters'] = { rows: texts.length, sha256: sha256(texts) };
    const off = await digest(runtime, 'SELECT * FROM granary.books WHERE NOT balanced');
    out.unbalanced = off.rows;
    out.rows = Object.values(out.tables).reduce((n, t) => n + t.rows, 0);
    return out;
  } finally {
    await runtime.close();
  }
}

async function digest(runtime: Runtime, sql: string): Promise<{ rows: number; sha256: string }> {
  const hash = createHash('sha256');
  let rows = 0;
  const result = await runtime.context.warehouse.query(`${sql} ORDER BY ALL`);
  for await (const batch of result.batches) {
    rows += batch.length;
    for (const row of batch) hash.update(`${JSON.stringify(row, exact)}\n`);
  }
  return { rows, sha256: hash.digest('hex') };
}

const exact = (_: string, value: unknown) => (typeof value === 'bigint' ? `${value}n` : value);

function sha256(texts: readonly string[]): string {
  return createHash('sha256').update(texts.join('\n')).digest('hex');
}

/** Tables that differ, with both sides. */
export function differences(expected: Fingerprint, found: Fingerprint): string[] {
  const names = [...new Set([...Object.keys(expected.tables), ...Object.keys(found.tables)])].sort();
  const out = names.flatMap((name) => {
    const [a, b] = [expected.tables[name], found.tables[name]];
    if (a?.sha256 === b?.sha256) return [];
    return [`${name}: ${a ? `${a.rows} rows` : 'absent'} undisturbed, ${b ? `${b.rows} rows` : 'absent'} disturbed`];
  });
  if (found.unbalanced > 0) out.push(`${found.unbalanced} entries of the books do not balance`);
  return out;
}

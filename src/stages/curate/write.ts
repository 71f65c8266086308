/** Writes the accepted rows of an object as curated Parquet. */
import { join } from 'node:path';
import { ident, literal, raw, sql } from '../../lib/sql.ts';
import { engineType, fromEngineType, type TableColumn } from '../../model/schema.ts';
import type { Engine } from '../../ports/engine.ts';
import type { StageContext } from '../context.ts';
import { lineageColumns } from './plan.ts';
import type { Staged, Work } from './stage-all.ts';

export interface CuratedSelect {
  fields: string[];
  columns: TableColumn[];
}

/** Expressions and types of the curated file: the stored columns in their canonical types, then lineage. */
export async function curatedSelect(
  engine: Engine,
  work: Work,
  curated: { name: string; sql: string }[],
  staged: Staged,
  archive: boolean,
): Promise<CuratedSelect> {
  const described = await engine.all<{ column_name: string; column_type: string }>(
    `DESCRIBE SELECT ${curated.map((c) => sql`${raw(c.sql)} AS ${ident(c.name)}`).join(', ')} FROM ${staged.all}`,
  );
  const columns = described.map((d) => ({ name: d.column_name, type: fromEngineType(d.column_type) }));
  const fields = curated.map((c, i) => {
    const canonical = engineType(columns[i]!.type);
    return described[i]!.column_type.toUpperCase() === canonical || canonical === 'TIMESTAMPTZ'
      ? sql`${raw(c.sql)} AS ${ident(c.name)}`
      : sql`CAST(${raw(c.sql)} AS ${raw(canonical)}) AS ${ident(c.name)}`;
  });
  fields.push(sql`${literal(work.object.id)} AS _object`, '_line');
  if (archive) {
    const names = staged.files.map((f) => f.payload.name);
    fields.push(sql`(${literal(names)})[_p + 1] AS _member`);
  }
  return { fields, columns: [...columns, ...lineageColumns(archive)] };
}

/**
 * Level 1 of zstd and dictionaries of at most 1,000 values: on typed columns the files are as small as with the defaults, in a quarter less time.
 * `from` is `FROM … WHERE …` of the rows that are stored. Returns the objects written.
 */
export async function writeCurated(
  engine: Engine,
  context: StageContext,
  work: Work,
  select: CuratedSelect,
  from: string,
): Promise<{ key: string }[]> {
  const { dataset, object, curation } = work;
  const sort = dataset.config.sort_by ? ` ORDER BY ${dataset.config.sort_by.map((c) => ident(c).text).join(', ')}` : '';
  const partitions = dataset.config.partition_by ?? [];
  const names = new Set(select.columns.map((c) => c.name));
  const extra = partitions.map((p, i) => (names.has(p) ? undefined : { name: `partition_${i + 1}`, sql: p }));
  const fields = [
    ...select.fields,
    ...extra.filter((e) => e !== undefined).map((e) => sql`(${raw(e.sql)}) AS ${ident(e.name)}`),
  ];
  const by = partitions.map((p, i) => ident(extra[i]?.name ?? p).text).join(', ');
  return context.objects.writeLocal(`curated/${dataset.key}/${object.id}/${curation}/`, async (folder) => {
    const options =
      partitions.length === 0 ? '' : `, PARTITION_BY (${by}), WRITE_PARTITION_COLUMNS true, OVERWRITE_OR_IGNORE true`;
    const target = partitions.length === 0 ? join(folder, 'part-0.parquet') : folder;
    await engine.run(
      sql`COPY (SELECT ${raw(fields.join(', '))} ${raw(from)}${raw(sort)}) TO ${literal(target)} (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1, DICTIONARY_SIZE_LIMIT 1000${raw(options)})`,
    );
  });
}

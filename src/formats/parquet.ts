/** Parquet: the engine reads and types it; the file's own footer says how many rows there must be. */
import { s } from '../lib/spec/fields.ts';
import type { Infer } from '../lib/spec/spec.ts';
import { ident, join, literal, raw, sql } from '../lib/sql.ts';
import type { Engine } from '../ports/engine.ts';
import type { Attempt, DiscoverInput, Discovery, Format, ReadInput } from '../ports/format.ts';
import { createParseRejects } from './lib/parsed-attempt.ts';
import { resolvedSources } from './lib/sources.ts';
import { discoverParquet } from './parquet/discover.ts';
import { readFooter } from './parquet/footer.ts';
import { delivered } from './parquet/types.ts';

const spec = s.object({}, { doc: 'Parquet files.' });
export type ParquetConfig = Infer<typeof spec>;

/** The line of a row is its number in the file, from 1. */
export const parquet: Format<ParquetConfig> = {
  type: 'parquet',
  title: 'Parquet',
  extensions: ['.parquet', '.pq'],
  spec,
  content: 'binary',
  count: () => ({
    push() {},
    async finish(path) {
      return { facts: { records: (await readFooter(path)).rows } };
    },
  }),
  read: async (input) => [engineAttempt(input)],
  async header({ path }) {
    return (await readFooter(path)).columns;
  },
  async discover(input: DiscoverInput<ParquetConfig>): Promise<Discovery<ParquetConfig>> {
    const { rows } = await readFooter(input.path);
    return await discoverParquet(input, await columnTypes(input.engine, input.path), rows);
  },
};

function engineAttempt(input: ReadInput<ParquetConfig>): Attempt {
  const { engine, path, columns, facts } = input;
  return {
    name: 'parquet',
    async prepare() {
      const types = await columnTypes(engine, path);
      const names = resolvedSources({ columns, header: [...types.keys()] });
      const cells = columns.map((column, i) => delivered(names[i]!, types.get(names[i]!), column));
      const select = join([
        ...cells.map((c, i) => sql`${raw(c.sql)} AS ${ident(`c${i}`)}`),
        sql`file_row_number + 1 AS ${ident('_line')}`,
      ]);
      return {
        sql: sql`(SELECT ${select} FROM read_parquet(${literal(path)}, file_row_number = true))`,
        typed: cells.map((c) => c.typed),
        hasLine: true,
      };
    },
    async settle(rows) {
      await createParseRejects(engine);
      if (rows !== facts.records) return 'mismatch';
      return { received: rows, rejected: 0, rawText: withoutText };
    },
  };
}

async function* withoutText(lines: number[]): AsyncGenerator<{ line: number; raw: undefined }> {
  for (const line of lines) yield { line, raw: undefined };
}

/** The engine's types by column, in order. */
async function columnTypes(engine: Engine, path: string): Promise<Map<string, string>> {
  const rows = await engine.all<{ column_name: string; column_type: string }>(
    sql`DESCRIBE SELECT * FROM read_parquet(${literal(path)})`,
  );
  return new Map(rows.map((r) => [r.column_name, r.column_type]));
}

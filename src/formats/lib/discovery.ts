/** Discovery of formats that are parsed here: the payload's beginning, or all of it, is parsed to text and looked at by the engine. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DiscoverInput, ReadInput } from '../../ports/format.ts';
import { type Inferred, inferColumns } from './infer.ts';
import { rowsRelation } from './parsed-attempt.ts';
import { RowWriter } from './row-writer.ts';

export const SAMPLE_ROWS = 50_000;

export interface SampleParsing<C> {
  input: DiscoverInput<C>;
  config: C;
  /** Names of the columns to look at. */
  names: readonly string[];
  /** Parses until there are `limit` rows or so. */
  parse(input: ReadInput<C>, out: RowWriter, limit: number): Promise<void>;
}

/** What was inferred, with `rejected`: records that were no rows. */
export async function inferParsed<C>({
  input,
  config,
  names,
  parse,
}: SampleParsing<C>): Promise<Inferred & { rejected: number }> {
  const scratch = await mkdtemp(join(tmpdir(), 'granary-discover-'));
  try {
    const columns = names.map((source, position) => ({ source, position, type: 'text' as const, asText: true }));
    const { engine, path } = input;
    const out = new RowWriter(scratch);
    try {
      const facts = { records: 0 };
      await parse(
        { engine, path, config, columns, facts, scratch, header: [...names] },
        out,
        input.whole ? Number.POSITIVE_INFINITY : SAMPLE_ROWS,
      );
    } finally {
      out.close();
    }
    return { ...(await inferColumns(engine, rowsRelation(out, names.length), names)), rejected: out.rejectedRecords };
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

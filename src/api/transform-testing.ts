/** The contract of transforms as tests of Node.js, for those of a project: `import { transformContract } from 'granary/transform/testing'`. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { openDuckDbEngine } from '../adapters/engine/duckdb.ts';
import { literal, raw, sql } from '../lib/sql.ts';
import { engineType, parseColumnType } from '../model/schema.ts';
import type { NewValue } from '../ports/transform.ts';
import { column } from '../project/specs/column.ts';
import { guardedTransform, shapeProblem } from '../runtime/own-code/transforms.ts';
import { TRANSFORMED } from '../stages/curate/checks.ts';
import type { ContractColumn } from '../stages/curate/plan.ts';
import { transformRun } from '../stages/curate/transform.ts';
import { asText } from '../stages/curate/transform-values.ts';
import { parseWhole } from './parse-whole.ts';
import type { TransformDefinition } from './transform.ts';

export interface TransformOptions<C> {
  /** What `transforms/<name>.ts` exports. */
  transform: TransformDefinition<C>;
  /** As under `transform` in a dataset, without `type`. */
  config?: Record<string, unknown>;
  /** Names and types of the contract's columns. */
  columns: Record<string, string>;
  /** Rows as they come; columns that are left out are null. */
  rows: Record<string, NewValue>[];
  /** Of the file. */
  file?: string;
  /** Named parts of the file's name. */
  parts?: Record<string, string>;
}

/** A row as it goes on, with all columns, values as text; or why it does not. */
export type Transformed = { row: Record<string, string | null> } | { filtered: true } | { rejected: string };

const ENGINE_BYTES = 400e6;

/** What becomes of the rows, in their order, by the same code as in a run. Errors: what is wrong with the transform whatever the row is. */
export async function transformed<C>(name: string, options: TransformOptions<C>): Promise<Transformed[]> {
  const problem = shapeProblem(options.transform);
  assert.equal(problem, undefined);
  const file = `transforms/${name}.ts`;
  const transform = guardedTransform(name, options.transform as never, process.cwd(), file, '');
  const contract: ContractColumn[] = Object.entries(options.columns).map(([columnName, text]) => {
    const type = parseColumnType(text);
    assert.ok(type, `"${text}" is no type of a column.`);
    return { name: columnName, type, column: parseWhole(column, { type }, columnName) };
  });
  const scratch = await mkdtemp(join(tmpdir(), 'granary-transform-'));
  const engine = await openDuckDbEngine({ memoryLimit: ENGINE_BYTES, threads: 1, scratch });
  try {
    await engine.run(typedTable(contract, options.rows));
    const run = transformRun({
      transform,
      info: {
        config: parseWhole(transform.spec, options.config ?? {}, 'config'),
        tenant: 'main',
        source: 'test',
        dataset: 'test',
        file: options.file ?? 'test.csv',
        parts: options.parts ?? {},
      },
      contract,
      masked: new Set(),
    });
    const rows = await run({ engine, rows: 'SELECT * FROM typed', scratch, signal: undefined });
    const names = [...contract.map((c) => c.name), ...Object.keys(transform.columns)];
    const texts = names.map((n) => `"${n}"::VARCHAR AS "${n}"`).join(', ');
    const found = await engine.all<Record<string, string | null>>(
      `SELECT ${texts}, ${TRANSFORMED.filtered}::VARCHAR AS _f, ${TRANSFORMED.refused} AS _r FROM (${rows}) ORDER BY _n`,
    );
    return found.map(({ _f, _r, ...row }) =>
      typeof _r === 'string' ? { rejected: _r } : _f === 'true' ? { filtered: true } : { row },
    );
  } finally {
    await engine.close();
    await rm(scratch, { recursive: true, force: true });
  }
}

function typedTable(contract: ContractColumn[], rows: Record<string, NewValue>[]): string {
  const values = rows.map((row, n) => {
    const cells = contract.map(({ name, type }) => {
      const value = row[name] ?? null;
      const { text = null, problem } = value === null ? { text: null } : asText(value, type);
      assert.equal(problem, undefined, `rows[${n}].${name}`);
      return sql`CAST(${literal(text)} AS ${raw(engineType(type))})`;
    });
    const refused = contract.map(() => 'NULL::VARCHAR');
    return `(${[n, ...cells, ...refused].join(', ')})`;
  });
  const names = ['_n', ...contract.map((c) => `"${c.name}"`), ...contract.map((_, i) => `_t${i}`)];
  return `CREATE TABLE typed AS SELECT * FROM (VALUES ${values.join(', ')}) AS v(${names.join(', ')})`;
}

/**
 * Registers tests under `name`, that of the file: every row gets an answer, also one without any values, of the right types and columns, and
 * the same one whatever came before. Returns what becomes of `rows`, for tests of one's own.
 */
export function transformContract<C>(name: string, options: TransformOptions<C>): () => Promise<Transformed[]> {
  const bare = { ...options, rows: [...options.rows, {}] };
  describe(`transform ${name}`, () => {
    it('answers for every row, with values of the types of their columns', async () => {
      for (const [n, answer] of (await transformed(name, bare)).entries()) {
        if (!('rejected' in answer)) continue;
        const what = n < options.rows.length ? `rows[${n}]` : 'a row without any values';
        assert.doesNotMatch(answer.rejected, /^(transforms\/|\w+: the transform gave )/, what);
      }
    });
    it('answers the same whatever came before', async () => {
      const there = await transformed(name, options);
      const back = await transformed(name, { ...options, rows: options.rows.toReversed() });
      assert.deepEqual(back.toReversed(), there);
    });
  });
  return () => transformed(name, options);
}

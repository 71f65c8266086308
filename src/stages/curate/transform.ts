/** Takes the typed rows of a payload through code of the project's own. What it changes comes back to the engine as a file of changes. */
import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { StringDecoder } from 'node:string_decoder';
import { GranaryError } from '../../lib/errors.ts';
import { nearest } from '../../lib/nearest.ts';
import { ident, literal, raw, type Sql, sql } from '../../lib/sql.ts';
import { type ColumnType, engineType } from '../../model/schema.ts';
import type { Engine } from '../../ports/engine.ts';
import type { Outcome, Row, Transform, TransformInfo, Value } from '../../ports/transform.ts';
import type { Dataset } from '../../project/project.ts';
import type { StageContext } from '../context.ts';
import { TRANSFORMED } from './checks.ts';
import { convert } from './conversions.ts';
import { type ContractColumn, fromPayload } from './plan.ts';
import { asText, exported, imported } from './transform-values.ts';

export interface TransformInput {
  engine: Engine;
  /** SELECT of typed rows with `_n` and, for what could not be typed, `_t<i>`. */
  rows: string;
  scratch: string;
  signal: AbortSignal | undefined;
}

/** Gives the SELECT of the rows as they are afterwards, with the columns of `TRANSFORMED`. */
export type TransformRun = (input: TransformInput) => Promise<string>;

export interface Made {
  transform: Transform;
  info: TransformInfo;
  /** Columns of the rows: those of the contract. */
  contract: ContractColumn[];
  /** Those whose values stand in no reason. */
  masked: ReadonlySet<string>;
}

/** Undefined when the dataset has no transform. `file`: name of the payload; `parts`: named parts of the object's name. */
export function transformFor(
  dataset: Dataset,
  contract: ContractColumn[],
  context: StageContext,
  { file, parts }: { file: string; parts: Readonly<Record<string, string>> },
): TransformRun | undefined {
  if (!dataset.transform) return undefined;
  const { type, config } = dataset.transform;
  const info = { config, tenant: dataset.tenant, source: dataset.source, dataset: dataset.name, file, parts };
  return transformRun({
    transform: context.transforms.get(type)!,
    info: Object.freeze(info),
    contract,
    masked: new Set(Object.keys(dataset.config.mask ?? {})),
  });
}

/** How much text of changes is written at once, in characters. */
const BLOCK = 1 << 18;
const REASON_LIMIT = 1000;

/** For rows of one payload. */
export function transformRun(made: Made): TransformRun {
  const columns: Column[] = [
    ...made.contract.map(({ name, type }) => ({ name, type, isNew: false })),
    ...Object.entries(made.transform.columns).map(([name, type]) => ({ name, type, isNew: true })),
  ];
  return async (input) => {
    const changes = join(input.scratch, 'changes.ndjson');
    const { longest, touched } = await writeChanges(input, made, columns, changes);
    return changedRows(
      input.rows,
      columns,
      touched,
      sql`read_json(${literal(changes)}, ${raw(readOptions(touched, longest))})`,
      made,
    );
  };
}

interface Column {
  name: string;
  type: ColumnType;
  isNew: boolean;
}

interface Written {
  /** Bytes of the longest line. */
  longest: number;
  /** Positions of columns that changed in any row. */
  touched: number[];
}

async function writeChanges(
  { engine, rows, scratch, signal }: TransformInput,
  made: Made,
  columns: Column[],
  path: string,
): Promise<Written> {
  const given = join(scratch, 'rows.ndjson');
  const isTyped = ['true', ...fromPayload(made.contract).map((_, i) => `_t${i} IS NULL`)].join(' AND ');
  const fields = made.contract.map((c) => exported(c.name, c.type));
  await engine.run(
    sql`COPY (SELECT ${raw(['_n', ...fields].join(', '))} FROM (${raw(rows)}) WHERE ${raw(isTyped)}) TO ${literal(given)} (FORMAT json)`,
  );
  const changes = new Changes(made, columns);
  await using out = await open(path, 'w');
  for await (const lines of linesOf(given)) {
    signal?.throwIfAborted();
    for (const line of lines) changes.add(JSON.parse(line) as Record<string, unknown>);
    if (changes.text.length > BLOCK) await out.write(changes.take());
  }
  await out.write(changes.take());
  return { longest: changes.longest, touched: [...changes.touched].sort((a, b) => a - b) };
}

/** Lines of a file, many at a time. */
async function* linesOf(path: string): AsyncGenerator<string[]> {
  const decoder = new StringDecoder('utf8');
  let rest = '';
  for await (const chunk of createReadStream(path, { highWaterMark: BLOCK })) {
    const lines = (rest + decoder.write(chunk as Buffer)).split('\n');
    rest = lines.pop()!;
    if (lines.length > 0) yield lines;
  }
  rest += decoder.end();
  if (rest !== '') yield [rest];
}

/** Collects what becomes of rows: a line for each that is not kept as it was. `c<i>` is a new value, `z<i>` says that there is none now. */
class Changes {
  text = '';
  longest = 0;
  readonly touched = new Set<number>();
  readonly #made: Made;
  readonly #columns: Column[];
  readonly #positions: Map<string, number>;
  readonly #read: ((value: unknown) => Value)[];

  constructor(made: Made, columns: Column[]) {
    this.#made = made;
    this.#columns = columns;
    this.#positions = new Map(columns.map((c, i) => [c.name, i]));
    this.#read = made.contract.map((c) => imported(c.type));
  }

  take(): string {
    const { text } = this;
    this.text = '';
    return text;
  }

  add(given: Record<string, unknown>): void {
    const row: Row = {};
    const before: Value[] = [];
    for (const [i, read] of this.#read.entries()) {
      const { name } = this.#columns[i]!;
      const value = read(given[name] ?? null);
      before.push(value);
      row[name] = value;
    }
    const n = given['_n'] as number;
    const outcome = this.#made.transform.apply(row, this.#made.info);
    if (outcome.kind === 'filtered') this.#line(n, ',"f":true');
    else if (outcome.kind === 'kept') this.#kept(n, outcome.changes, before);
    else this.#refuse(n, this.#reasonOf(outcome));
  }

  #kept(n: number, changes: Record<string, unknown>, before: Value[]): void {
    let line = '';
    for (const name in changes) {
      const value = changes[name];
      const i = this.#positions.get(name) ?? this.#unknown(name);
      if (value === undefined || value === (before[i] ?? null)) continue;
      if (value === null) line += `,"z${i}":true`;
      else {
        const { type } = this.#columns[i]!;
        const { text, problem } = asText(value, type);
        if (problem !== undefined) {
          this.#refuse(n, `${name}: the transform gave ${problem}, expected ${type}`);
          return;
        }
        line += `,"c${i}":${JSON.stringify(text!.toWellFormed())}`;
      }
      this.touched.add(i);
    }
    if (line !== '') this.#line(n, line);
  }

  #unknown(name: string): never {
    const { file } = this.#made.transform;
    const suggestion = nearest(name, this.#positions.keys());
    throw new GranaryError(
      'transform.failed',
      `${file} gave a column "${name}" that the dataset does not have.${suggestion ? ` Did you mean "${suggestion}"?` : ''}`,
      {
        where: { file },
        hint: 'Columns that a transform adds are declared in it: columns: { name: type }.',
      },
    );
  }

  #reasonOf(outcome: Extract<Outcome, { kind: 'rejected' | 'failed' }>): string {
    if (outcome.kind === 'rejected') return outcome.reason;
    return `${outcome.at}: ${this.#made.masked.size > 0 ? 'the transform failed (the dataset has masked columns)' : outcome.reason}`;
  }

  #refuse(n: number, reason: string): void {
    this.#line(n, `,"r":${JSON.stringify(reason.slice(0, REASON_LIMIT).toWellFormed())}`);
  }

  #line(n: number, rest: string): void {
    const line = `{"n":${n}${rest}}\n`;
    this.longest = Math.max(this.longest, line.length);
    this.text += line;
  }
}

/** A character takes at most three bytes. */
const readOptions = (touched: number[], longest: number) => {
  const fields = [
    "n: 'BIGINT', f: 'BOOLEAN', r: 'VARCHAR'",
    ...touched.map((i) => `c${i}: 'VARCHAR', z${i}: 'BOOLEAN'`),
  ];
  return `format = 'newline_delimited', maximum_object_size = ${Math.max(1 << 20, 3 * longest + 1024)}, columns = {${fields.join(', ')}}`;
};

/** The rows with their changes. A value that is not of its column's type refuses the row. */
function changedRows(rows: string, columns: Column[], touched: number[], changes: string, { masked }: Made): string {
  const values = new Map<number, Sql>();
  const reasons: string[] = [];
  for (const i of touched) {
    const { name, type, isNew } = columns[i]!;
    const text = raw(`t.c${i}`);
    const value = raw(type === 'text' ? text.text : convert(text, PLAIN, type).value);
    values.set(
      i,
      isNew ? value : raw(sql`CASE WHEN t.z${raw(String(i))} THEN NULL ELSE coalesce(${value}, p.${ident(name)}) END`),
    );
    if (type === 'text') continue;
    const shown = masked.has(name) ? `'(masked)'` : `'"' || left(${text}, 100) || '"'`;
    reasons.push(
      sql`CASE WHEN ${text} IS NOT NULL AND (${value}) IS NULL THEN ${literal(`${name}: the transform gave `)} || ${raw(shown)} || ${literal(`, expected ${type}`)} END`,
    );
  }
  const replaced = columns.flatMap(({ name, isNew }, i) =>
    values.has(i) && !isNew ? [sql`${values.get(i)!} AS ${ident(name)}`] : [],
  );
  const added = columns.flatMap(({ name, type, isNew }, i) =>
    isNew ? [sql`CAST(${values.get(i) ?? raw('NULL')} AS ${raw(engineType(type))}) AS ${ident(name)}`] : [],
  );
  const said = [
    `coalesce(t.f, false) AS ${TRANSFORMED.filtered}`,
    `coalesce(${['t.r', ...reasons].join(', ')}) AS ${TRANSFORMED.refused}`,
  ];
  const replace = replaced.length > 0 ? ` REPLACE (${replaced.join(', ')})` : '';
  return `SELECT p.*${replace}, ${[...added, ...said].join(', ')} FROM (${rows}) p LEFT JOIN ${changes} t ON p._n = t.n`;
}

/** A column as code gives it: no other spellings. */
const PLAIN = {} as Parameters<typeof convert>[1];

/** Columns and key of an endpoint from a page of it. Pure. */
import { plural } from '../../lib/units.ts';
import type { ColumnType } from '../../model/schema.ts';
import type { Proposal } from '../../ports/extract.ts';
import { columnNames } from '../../project/names.ts';
import { formatKeyPath, type KeyPath } from './paths.ts';

/** A number as it is written. */
export class Digits {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/** Numbers keep their digits: how many a column needs is seen from them. */
export function parseSample(text: string): unknown {
  const keep = (_: string, value: unknown, { source }: { source?: string } = {}) =>
    typeof value === 'number' && source !== undefined ? new Digits(source) : value;
  return JSON.parse(text.replace(/^\uFEFF/, ''), keep as (key: string, value: unknown) => unknown);
}

export const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Digits);

const DEEPEST_RECORDS = 3;

/** The first array of objects, the nearest to the root; undefined: there is none. */
export function findRecords(value: unknown): KeyPath | undefined {
  let level: { value: unknown; path: KeyPath }[] = [{ value, path: [] }];
  for (let depth = 0; depth <= DEEPEST_RECORDS; depth++) {
    const found = level.find((at) => Array.isArray(at.value) && at.value.length > 0 && at.value.every(isObject));
    if (found) return found.path;
    level = level.flatMap((at) =>
      isObject(at.value) ? Object.entries(at.value).map(([key, v]) => ({ value: v, path: [...at.path, key] })) : [],
    );
  }
  return undefined;
}

interface Leaf {
  path: KeyPath;
  values: unknown[];
}

const DEEPEST = 8;
const MOST_COLUMNS = 500;

/** Values by their paths; arrays, and what is an object here and a scalar there, as a whole. */
function leavesOf(records: readonly unknown[]): Leaf[] {
  const leaves = new Map<string, Leaf>();
  const mixed = new Set<string>();
  const add = (value: unknown, path: KeyPath) => {
    if (isObject(value) && path.length < DEEPEST && Object.keys(value).length > 0) {
      mixed.add(formatKeyPath(path));
      for (const [key, v] of Object.entries(value)) add(v, [...path, key]);
      return;
    }
    const text = formatKeyPath(path);
    const leaf = leaves.get(text) ?? { path, values: [] };
    leaves.set(text, leaf);
    leaf.values.push(value);
  };
  for (const record of records)
    if (isObject(record)) for (const [key, value] of Object.entries(record)) add(value, [key]);
  // Null in place of an object says nothing about the columns within it.
  for (const [text, { values }] of leaves) if (mixed.has(text) && values.every((v) => v === null)) leaves.delete(text);
  return [...leaves.values()].slice(0, MOST_COLUMNS);
}

const TIME = /^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:?\d{2})?$/;
const MOST_SCALE = 9;
const BIGINT_DIGITS = 18;
const MOST_DIGITS = 38;

function typeOf(values: readonly unknown[]): ColumnType {
  const given = values.filter((v) => v !== null);
  const all = (test: (v: unknown) => boolean) => given.length > 0 && given.every(test);
  const like = (pattern: RegExp) => all((v) => typeof v === 'string' && pattern.test(v));
  if (all((v) => typeof v === 'boolean')) return 'boolean';
  if (all((v) => v instanceof Digits)) return numberType(given as Digits[]);
  if (like(/^\d{4}-\d{2}-\d{2}$/)) return 'date';
  if (like(TIME)) return given.every((v) => /(Z|[+-]\d{2}:?\d{2})$/.test(v as string)) ? 'timestamp_tz' : 'timestamp';
  return given.some((v) => typeof v === 'object' && !(v instanceof Digits)) ? 'json' : 'text';
}

function numberType(values: readonly Digits[]): ColumnType {
  const parts = values.map(({ text }) => /^-?(\d+)(?:\.(\d+))?$/.exec(text));
  const scale = Math.max(...parts.map((m) => m?.[2]?.length ?? 0));
  const whole = Math.max(...parts.map((m) => m?.[1]?.length ?? 0));
  if (parts.includes(null) || scale > MOST_SCALE || whole + scale > MOST_DIGITS) return 'double';
  if (scale === 0) return whole <= BIGINT_DIGITS ? 'bigint' : `decimal(${MOST_DIGITS},0)`;
  return `decimal(${whole + scale <= BIGINT_DIGITS - 2 ? BIGINT_DIGITS : MOST_DIGITS},${Math.max(2, scale)})`;
}

const LIKE_A_KEY = /(^|[_.])(id|key|uuid|guid|code|number|no)$|[a-z](Id|ID|Key|Uuid|Number)$/;
const LIKE_A_CHANGE = /(updated|modified|changed|last_?edit)/i;

export type Inferred = Pick<Proposal, 'columns' | 'key' | 'notes'>;

export function inferColumns(records: readonly unknown[]): Inferred {
  const leaves = leavesOf(records);
  const names = columnNames(leaves.map((l) => formatKeyPath(l.path)));
  const isComplete = ({ values }: Leaf) => values.length === records.length && values.every((v) => v !== null);
  const columns = leaves.map((leaf, i) => ({
    name: names[i]!,
    from: formatKeyPath(leaf.path),
    type: typeOf(leaf.values),
    required: false,
  }));
  const isUnique = (leaf: Leaf) =>
    isComplete(leaf) && new Set(leaf.values.map((v) => (v instanceof Digits ? v.text : v))).size === records.length;
  const keys = leaves.filter((leaf) => isUnique(leaf) && LIKE_A_KEY.test(formatKeyPath(leaf.path)));
  const key = keys.find((leaf) => leaf.path.length === 1 && leaf.path[0] === 'id') ?? keys[0];
  if (key) columns[leaves.indexOf(key)]!.required = true;
  const changed = leaves.find(
    (leaf) => LIKE_A_CHANGE.test(leaf.path.at(-1)!) && /^(timestamp|date|bigint)/.test(typeOf(leaf.values)),
  );
  const notes = [`Columns are from ${plural(records.length, 'record')}.`];
  if (!key) notes.push('Nothing identifies a record: give a key where something does.');
  if (changed)
    notes.push(
      `${formatKeyPath(changed.path)} can be a watermark if the endpoint takes a parameter for it: incremental: { parameter: …, from: ${formatKeyPath(changed.path)} }.`,
    );
  return { columns, key: key ? [formatKeyPath(key.path)] : [], notes };
}

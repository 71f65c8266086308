/** The checks of a dataset: what a row can break, as SQL conditions that share bit masks. Pure. */
import { ident, join, literal, raw, type Sql, sql } from '../../lib/sql.ts';
import type { ColumnType } from '../../model/schema.ts';
import type { Dataset, TransformSettings } from '../../project/project.ts';
import type { DatasetConfig } from '../../project/specs/dataset.ts';
import type { Rule } from '../../project/specs/quality.ts';

/** `type` and `reject` refuse the row; `filter` leaves it out; `warn` only counts. */
export type CheckEffect = 'type' | 'filter' | 'reject' | 'warn';

export interface Check {
  effect: CheckEffect;
  /** Name in the books. */
  rule: string;
  column: string | null;
  severity: 'reject' | 'warn' | 'quarantine' | 'filter';
  /** With severity `quarantine`: per cent of received rows. */
  above?: number;
  /** True for rows that break it. */
  broken: string;
  /** Text that says why, for people. */
  reason: string;
  /** Of a type check: the staging column with the refused text. Absent from staging when the format did the conversion itself. */
  textColumn?: string;
}

/** Columns, with the staging columns `_t<i>` that hold the refused texts of the values they are made of. */
export type RefusedTexts = ReadonlyMap<string, string[]>;

const MASK_BITS = 60;

/** Bit masks of the checks, as columns `_m0`, `_m1`… */
export function maskColumns(checks: Check[]): { name: string; sql: string }[] {
  const masks: { name: string; sql: string }[] = [];
  for (let i = 0; i < checks.length || i === 0; i += MASK_BITS) {
    const terms = checks
      .slice(i, i + MASK_BITS)
      .map((c, bit) => `CASE WHEN ${c.broken} THEN ${2n ** BigInt(bit)} ELSE 0 END`);
    masks.push({ name: `_m${i / MASK_BITS}`, sql: `(${terms.length > 0 ? terms.join(' + ') : '0'})::UBIGINT` });
  }
  return masks;
}

/** Condition on the mask columns: at least one check of the given effects is broken. */
export function anyBroken(checks: Check[], effects: CheckEffect[]): string {
  const masks = new Map<number, bigint>();
  checks.forEach((c, i) => {
    if (effects.includes(c.effect))
      masks.set(
        Math.floor(i / MASK_BITS),
        (masks.get(Math.floor(i / MASK_BITS)) ?? 0n) | (1n << BigInt(i % MASK_BITS)),
      );
  });
  if (masks.size === 0) return 'false';
  return `(${[...masks].map(([m, bits]) => `(_m${m} & ${bits}::UBIGINT) <> 0`).join(' OR ')})`;
}

/** Condition on the mask columns: this check is broken. */
export function isBroken(index: number): string {
  return `(_m${Math.floor(index / MASK_BITS)} & ${1n << BigInt(index % MASK_BITS)}::UBIGINT) <> 0`;
}

/** A row is rejected for its types, else filtered, else rejected by rules, else accepted. */
export function rejectedCondition(checks: Check[]): string {
  return `(${anyBroken(checks, ['type'])} OR (NOT ${anyBroken(checks, ['filter'])} AND ${anyBroken(checks, ['reject'])}))`;
}
export function acceptedCondition(checks: Check[]): string {
  return `(NOT ${anyBroken(checks, ['type', 'filter', 'reject'])})`;
}

/** The value of a column for a reason; not shown where the column is masked. */
export function shownValue(column: string, dataset: Dataset): string {
  if (dataset.config.mask?.[column]) return `'(masked)'`;
  const text = sql`CAST(${ident(column)} AS VARCHAR)`;
  return `'"' || left(${text}, 100) || '"'`;
}

/**
 * A condition that holds only where every value that it judges could be read: what is NULL because its text is not of its type breaks the
 * type, and nothing else.
 */
export function whereReadable(broken: string, columns: string[], texts: RefusedTexts): string {
  const refused = new Set(columns.flatMap((c) => texts.get(c) ?? []));
  return [broken, ...[...refused].map((t) => `${t} IS NULL`)].join(' AND ');
}

/** The given columns whose names stand in an SQL expression as words of their own. */
export function columnsNamed(expression: string, columns: Iterable<string>): string[] {
  const words = new Set(expression.toLowerCase().match(/\w+/g));
  return [...columns].filter((c) => words.has(c.toLowerCase()));
}

/**
 * Checks of the columns' `required` and of the rules, in that order. `unique` rules are not among them: they need the whole object.
 */
export function ruleChecks(
  dataset: Dataset,
  types: ReadonlyMap<string, ColumnType>,
  texts: RefusedTexts,
  existsFlag: (rule: Rule) => string,
): Check[] {
  const checks: Check[] = [];
  for (const [name, column] of Object.entries(dataset.config.columns)) {
    if (!column.required) continue;
    const check = requiredCheck(name, `required(${name})`, 'reject');
    checks.push({ ...check, broken: whereReadable(check.broken, [name], texts) });
  }
  for (const rule of dataset.config.rules ?? []) {
    if (rule.kind === 'unique') continue;
    for (const check of checksOf(rule, dataset, types, existsFlag)) {
      const judged =
        rule.exists?.columns ?? (check.column === null ? columnsNamed(rule.expression!, texts.keys()) : [check.column]);
      checks.push({
        ...check,
        broken: whereReadable(check.broken, judged, texts),
        ...(rule.above !== undefined && { above: rule.above }),
      });
    }
  }
  return checks;
}

/**
 * A row that says that its key is deleted has nothing but its key: only what is wrong with that, or with a type, refuses it. Whatever else it breaks, the
 * row that it deletes has to go.
 */
export function exceptDeleted(checks: Check[], { load }: DatasetConfig): Check[] {
  if (load.deleted === undefined) return checks;
  const isDeleted = sql`coalesce(${ident(load.deleted)}, false)`;
  return checks.map((check) =>
    check.effect === 'type' || (check.column !== null && load.key?.includes(check.column))
      ? check
      : { ...check, broken: `(${check.broken}) AND NOT ${isDeleted}` },
  );
}

/** What a transform says of a row: `_filtered` and `_refused`, the reason. A row that it refuses is judged by nothing else but its types. */
export const TRANSFORMED = { filtered: '_filtered', refused: '_refused' } as const;

export function withTransform(checks: Check[], { type }: TransformSettings, { load }: DatasetConfig): Check[] {
  const base = { rule: `transform(${type})`, column: null };
  const isKey = (column: string | null) => load.deleted !== undefined && column !== null && load.key?.includes(column);
  return [
    ...checks.filter((c) => c.effect === 'type'),
    { ...base, effect: 'filter', severity: 'filter', broken: TRANSFORMED.filtered, reason: `'filtered'` },
    {
      ...base,
      effect: 'reject',
      severity: 'reject',
      broken: `${TRANSFORMED.refused} IS NOT NULL`,
      reason: TRANSFORMED.refused,
    },
    ...checks
      .filter((c) => c.effect !== 'type')
      .map((c) => (isKey(c.column) ? c : { ...c, broken: `(${c.broken}) AND ${TRANSFORMED.refused} IS NULL` })),
  ];
}

function requiredCheck(column: string, rule: string, severity: Rule['severity']): Check {
  return {
    effect: effectOf(severity),
    rule,
    column,
    severity,
    broken: sql`${ident(column)} IS NULL`,
    reason: sql`${literal(`${column} is missing`)}`,
  };
}

const effectOf = (severity: Rule['severity']): CheckEffect => (severity === 'warn' ? 'warn' : 'reject');

export function ruleName(rule: Rule): string {
  if (rule.name) return rule.name;
  const columns = rule.required ??
    rule.unique ??
    rule.exists?.columns ?? [
      rule.range?.column ?? rule.pattern?.column ?? rule.allowed?.column ?? rule.expression ?? '',
    ];
  return `${rule.kind}(${columns.join(', ')})`;
}

function checksOf(
  rule: Rule,
  dataset: Dataset,
  types: ReadonlyMap<string, ColumnType>,
  existsFlag: (rule: Rule) => string,
): Check[] {
  const base = { effect: effectOf(rule.severity), rule: ruleName(rule), severity: rule.severity };
  const value = (column: string) => raw(shownValue(column, dataset));
  const text = (s: string) => literal(s);
  if (rule.required) return rule.required.map((c) => requiredCheck(c, rule.name ?? `required(${c})`, rule.severity));
  if (rule.range) {
    const { column, min, max } = rule.range;
    const bound = (value: string) => raw(boundLiteral(value, types.get(column)));
    const bounds: string[] = [];
    if (min !== undefined) bounds.push(sql`${ident(column)} < ${bound(min)}`);
    if (max !== undefined) bounds.push(sql`${ident(column)} > ${bound(max)}`);
    const expected =
      min !== undefined && max !== undefined
        ? `${min} to ${max}`
        : min !== undefined
          ? `at least ${min}`
          : `at most ${max}`;
    return [
      {
        ...base,
        column,
        broken: `(${bounds.join(' OR ') || 'false'})`,
        reason: sql`${text(`${column} is `)} || ${value(column)} || ${text(`, expected ${expected}`)}`,
      },
    ];
  }
  if (rule.pattern) {
    const { column, regex } = rule.pattern;
    const broken = sql`NOT ${fullMatch(column, regex)}`;
    return [
      {
        ...base,
        column,
        broken,
        reason: sql`${text(`${column} is `)} || ${value(column)} || ${text(`, expected the pattern ${regex}`)}`,
      },
    ];
  }
  if (rule.allowed) {
    const { column, values } = rule.allowed;
    const list = join(values.map((v) => literal(v)));
    const shown = values.length > 8 ? `one of ${values.length} values` : values.join(', ');
    const broken = sql`CAST(${ident(column)} AS VARCHAR) NOT IN (${list})`;
    return [
      {
        ...base,
        column,
        broken,
        reason: sql`${text(`${column} is `)} || ${value(column)} || ${text(`, allowed: ${shown}`)}`,
      },
    ];
  }
  if (rule.exists) {
    const { columns, table } = rule.exists;
    const values = raw(columns.map((c) => `coalesce(${shownValue(c, dataset)}, '')`).join(` || ', ' || `));
    return [
      {
        ...base,
        column: columns[0]!,
        broken: existsFlag(rule),
        reason: sql`${values} || ${text(` is not in ${table}`)}`,
      },
    ];
  }
  return [
    {
      ...base,
      column: null,
      broken: `(NOT (${rule.expression}))`,
      reason: sql`${text(`not true: ${rule.expression}`)}`,
    },
  ];
}

function fullMatch(column: string, regex: string): Sql {
  return raw(sql`regexp_full_match(CAST(${ident(column)} AS VARCHAR), ${literal(regex)})`);
}

/** A bound as a literal of the column's own kind, so that the engine compares without casting every row. */
function boundLiteral(value: string, type: ColumnType | undefined): string {
  if (/^-?\d+(\.\d+)?$/.test(value) && type !== 'text') return value;
  const target =
    type === undefined || type === 'text' ? 'VARCHAR' : type === 'timestamp_tz' ? 'TIMESTAMPTZ' : type.toUpperCase();
  return sql`CAST(${literal(value)} AS ${raw(target)})`;
}

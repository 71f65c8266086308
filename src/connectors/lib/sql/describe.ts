/** What goes without saying about a dataset of a database, from its `read` alone. */
import type { ReadDescription } from '../../../ports/extract.ts';
import { CHANGED_AT, DELETED_COLUMN, LANDED, POSITION, TABLE_COLUMN } from './landed.ts';
import type { SqlRead } from './read.ts';
import { isPattern, parseTableName } from './table-name.ts';

/** Whether several tables are read together. */
export function readsSeveral(read: SqlRead): boolean {
  return read.table !== undefined && isPattern(parseTableName(read.table)!);
}

/** Whether rows tell that they were deleted. */
export function tellsDeleted(read: SqlRead): boolean {
  return read.deleted !== undefined || read.reconcile !== undefined;
}

/** Datasets that capture are read together, from one log. */
export const CHANGES_FEED = 'changes';

/** Names in `load` are those of the source. */
export function describeRead(read: SqlRead): ReadDescription {
  if (read.changes !== undefined) return describeChanges(read);
  const columns: ReadDescription['columns'] = {
    ...(readsSeveral(read) && { [TABLE_COLUMN]: { type: 'text' as const, from: TABLE_COLUMN } }),
    ...(tellsDeleted(read) && { [DELETED_COLUMN]: { type: 'boolean' as const, from: DELETED_COLUMN } }),
  };
  return {
    unpack: [],
    format: LANDED,
    columns,
    load: loadOf(read),
    ...(read.reconcile !== undefined && { reconcileSeconds: read.reconcile }),
    problems: problemsOf(read),
  };
}

function describeChanges(read: SqlRead): ReadDescription {
  const { key = [] } = read;
  const common = { key: [...key], deleted: DELETED_COLUMN };
  return {
    unpack: [],
    format: LANDED,
    feed: CHANGES_FEED,
    everySeconds: 1,
    columns: {
      [DELETED_COLUMN]: { type: 'boolean', from: DELETED_COLUMN },
      [CHANGED_AT]: { type: 'timestamp', from: CHANGED_AT },
      [POSITION]: { type: 'bigint', from: POSITION },
    },
    load: read.history
      ? { strategy: 'snapshot', ...common, version: [CHANGED_AT, POSITION] }
      : { strategy: 'merge', ...common, version: [POSITION] },
    problems: problemsOfChanges(read),
  };
}

/** What only goes with reading tables again and again. */
const OF_TABLES = ['table', 'query', 'where', 'watermark', 'lookback', 'deleted', 'reconcile', 'full', 'sums'] as const;

function problemsOfChanges(read: SqlRead): { path: string[]; message: string }[] {
  const given = OF_TABLES.filter((field) => read[field] !== undefined);
  const problems: { path: string[]; message: string }[] = given.map((field) => ({
    path: [field],
    message: `"${field}" is for tables that are read again and again; "changes" follows the log of the database`,
  }));
  if (!read.key?.length)
    problems.push({ path: ['changes'], message: 'changes need a key: it says which row was changed' });
  if (isPattern(parseTableName(read.changes!)!))
    problems.push({ path: ['changes'], message: 'changes are those of one table: write a dataset for each' });
  return problems;
}

function loadOf(read: SqlRead): Record<string, unknown> {
  if (!read.watermark && !tellsDeleted(read)) return { strategy: 'replace' };
  return {
    strategy: 'merge',
    key: [...(read.key ?? []), ...(readsSeveral(read) ? [TABLE_COLUMN] : [])],
    ...(read.watermark && { version: read.watermark }),
    ...(tellsDeleted(read) && { deleted: DELETED_COLUMN }),
  };
}

function problemsOf(read: SqlRead): { path: string[]; message: string }[] {
  const problems: [boolean, string[], string][] = [
    [!read.table && !read.query, [], 'table, query or changes is missing'],
    [read.history === true, ['history'], 'history is for changes'],
    [read.table !== undefined && read.query !== undefined, ['query'], 'a dataset reads a table or a query, not both'],
    [
      read.watermark !== undefined && !read.key?.length,
      ['watermark'],
      'a watermark needs a key: rows that are read again are recognised by it',
    ],
    [tellsDeleted(read) && !read.key?.length, [], 'deleted and reconcile need a key: it says which row is gone'],
    [read.lookback !== undefined && !read.watermark, ['lookback'], 'lookback is for a watermark, and there is none'],
    [read.full !== undefined && !read.watermark, ['full'], 'without a watermark every read is full'],
    [
      read.reconcile !== undefined && !read.watermark,
      ['reconcile'],
      'without a watermark every read is full, and tells what is gone',
    ],
    [
      read.query !== undefined && /:watermark\b/.test(read.query) && !read.watermark,
      ['query'],
      'the query uses :watermark, and there is no watermark',
    ],
  ];
  return problems.filter(([holds]) => holds).map(([, path, message]) => ({ path, message }));
}

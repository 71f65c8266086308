/** Plans the SQL of a query: pure, so that tests can read it and ask SQLite how it would run. */
import { GranaryError } from '../../lib/errors.ts';
import { ident, join, raw, sql } from '../../lib/sql.ts';
import type { Query } from '../../ports/state-store.ts';
import { type AnyCollection, columnName, columnOf, isPresent, tableOf } from './sqlite-schema.ts';

export interface PagePlan {
  /** Parameters: the values of `equals`, then the limit. */
  first: string;
  /** Parameters: the values of `equals`, those of `cursor` in the last row of the page before, then the limit. */
  next: string;
  /** Columns of the result, besides `rev` and `json`, whose values say where a page ended. */
  cursor: readonly string[];
}

/**
 * A page continues after the last row of the one before by value, not by position: rows written meanwhile neither repeat nor hide
 * others. Throws `state.invalid` when the query does not fit the collection.
 */
export function planPages(collection: AnyCollection, query: Query): PagePlan {
  const fields = indexFields(collection, query);
  const equals = query.equals ?? [];
  if (equals.length > fields.length)
    throw invalid(collection, `index "${query.index}" has ${fields.length} fields, ${equals.length} values were given`);
  const free = fields.slice(equals.length);
  const order = [...free.map(columnOf), ident('id')];
  const fixed = fields.slice(0, equals.length).map((field) => sql`${columnOf(field)} = ?`);
  const after = sql`(${join(order)}) ${raw(query.descending ? '<' : '>')} (${join(order.map(() => '?'))})`;
  const page = (conditions: string[]) => {
    const where = conditions.length > 0 ? sql`WHERE ${join(conditions, ' AND ')}` : '';
    const directed = order.map((column) => (query.descending ? `${column} DESC` : column));
    return sql`SELECT ${join(order)}, rev, json FROM ${tableOf(collection)} ${raw(where)} ORDER BY ${join(directed)} LIMIT ?`;
  };
  const present = free.map(isPresent);
  return {
    first: page([...fixed, ...present]),
    next: page([...fixed, after, ...present]),
    cursor: [...free.map(columnName), 'id'],
  };
}

function indexFields(collection: AnyCollection, query: Query): readonly string[] {
  if (query.index === undefined) {
    if (query.equals !== undefined && query.equals.length > 0)
      throw invalid(collection, 'values were given without an index');
    return [];
  }
  const fields = collection.indexes[query.index];
  if (!fields) throw invalid(collection, `there is no index "${query.index}"`);
  return fields;
}

function invalid(collection: AnyCollection, reason: string): GranaryError {
  return new GranaryError('state.invalid', `query of "${collection.name}": ${reason}`);
}

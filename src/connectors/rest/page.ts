/** One page of an answer, looked into: its records, and what it says of others. */

import { type Answer, BadAnswer } from './answers.ts';
import type { DatasetRead, Endpoint } from './endpoint.ts';
import { formatKeyPath, type KeyPath, textAt, valueAt } from './paths.ts';

export interface Page {
  /** The bytes as they came. */
  body: Buffer;
  headers: Answer['headers'];
  /** By the server's clock, milliseconds. */
  at: number;
  /** Parsed; undefined for csv. */
  value: unknown;
  records: unknown[];
  /** Behind the last one: the server said so by its status. */
  beyond: boolean;
  total: number | undefined;
}

type Looking = Pick<Endpoint, 'records' | 'recordsMissing' | 'total' | 'pagination'> & {
  format: DatasetRead['format'];
};

/** Errors: `BadAnswer`. */
export function lookInto(answer: Answer, looking: Looking, where: { endpoint: string; path: string }): Page {
  const { body, headers, at, status } = answer;
  const nothing = { body, headers, at, value: undefined, records: [], beyond: false, total: undefined };
  if (status >= 400) return { ...nothing, beyond: true };
  // No content.
  if (status === 204 || (body.length === 0 && looking.recordsMissing === 'empty')) return nothing;
  const bad = (problem: string) => new BadAnswer(where.endpoint, where.path, problem, body);
  if (looking.format === 'csv') {
    if (/^\s*text\/html\b/i.test(String(headers['content-type'] ?? ''))) throw bad('is a page of HTML');
    return nothing;
  }
  if (looking.format === 'ndjson') {
    const lines = body
      .toString('utf8')
      .split('\n')
      .filter((line) => line.trim() !== '');
    try {
      return { ...nothing, records: lines.map(parse) };
    } catch (e) {
      throw bad(`is not NDJSON (${(e as Error).message})`);
    }
  }
  let value: unknown;
  try {
    value = parse(body.toString('utf8').replace(/^\uFEFF/, ''));
  } catch (e) {
    throw bad(`is not JSON (${(e as Error).message})`);
  }
  const found = valueAt(value, looking.records);
  if (found === undefined && looking.recordsMissing === 'error')
    throw bad(`has no ${formatKeyPath(looking.records)}; where that means "nothing", set records_missing: empty`);
  // Some services say 200 and `{"result":"error"}` where a list was asked for.
  if (looking.records.length === 0 && isNumbered(looking.pagination) && found !== null && !Array.isArray(found))
    throw bad('is no list');
  const records = found === undefined || found === null ? [] : Array.isArray(found) ? found : [found];
  return { ...nothing, value, records, total: looking.total && countAt(value, looking.total) };
}

const isNumbered = ({ type }: Endpoint['pagination']): boolean => type === 'page' || type === 'offset';

/** Undefined for what is no number of records, such as -1 for one that is not known. */
function countAt(value: unknown, path: KeyPath): number | undefined {
  const text = textAt(value, path)?.trim() ?? '';
  return /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}

/** Whole numbers that JavaScript would round stay text: they are ids. */
export function parse(text: string): unknown {
  if (!/\d{16}/.test(text)) return JSON.parse(text);
  const keep = (_: string, value: unknown, { source }: { source?: string } = {}) =>
    typeof value === 'number' &&
    source !== undefined &&
    Number.isInteger(value) &&
    !Number.isSafeInteger(value) &&
    /^-?\d+$/.test(source)
      ? source
      : value;
  return JSON.parse(text, keep as (key: string, value: unknown) => unknown);
}

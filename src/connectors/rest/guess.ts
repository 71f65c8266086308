/** How the other pages of an endpoint may be asked for, from its first one. Pure. */
import { Digits, isObject } from './infer.ts';
import { formatKeyPath, valueAt } from './paths.ts';

/** Places where services have the next cursor, and their parameter for it. */
const CURSORS: [string, string][] = [
  ['paging.next.after', 'after'],
  ['next_cursor', 'cursor'],
  ['meta.next_cursor', 'cursor'],
  ['meta.next', 'cursor'],
  ['response_metadata.next_cursor', 'cursor'],
  ['pagination.next_cursor', 'cursor'],
  ['nextPageToken', 'pageToken'],
  ['next_page_token', 'page_token'],
];
const URLS = [
  'next',
  'links.next',
  '_links.next.href',
  'links.next.href',
  'paging.next',
  'pagination.next',
  'meta.next',
  'next_page_url',
  '"@odata.nextLink"',
];

/** Where services tell of the page and of all there is. */
const ABOUT = [[], ['meta'], ['pagination'], ['paging'], ['page'], ['_meta'], ['meta', 'pagination']];
const TOTAL = ['total', 'total_count', 'totalCount', 'total_results', 'totalResults', 'totalElements'];
const SIZE = ['per_page', 'perPage', 'page_size', 'pageSize', 'limit', 'size'];
const PAGE_NUMBER = {
  page: 'page',
  current_page: 'page',
  currentPage: 'page',
  page_number: 'page_number',
  pageNumber: 'pageNumber',
};

export interface Guess {
  /** As YAML; undefined: it cannot be told how the others are asked for. */
  pagination: Record<string, unknown> | undefined;
  /** Path to the number of all records, and that number, which is more than those of the page. */
  total: { path: string; records: number } | undefined;
}

/** Undefined: nothing tells of more pages. */
export function guessPaging(
  value: unknown,
  linkNext: string | undefined,
  records: readonly unknown[],
): Guess | undefined {
  const led = guessPagination(value, linkNext, records);
  if (led) return { pagination: led, total: undefined };
  for (const path of ABOUT) {
    const about = valueAt(value, path);
    if (!isObject(about)) continue;
    const first = (names: readonly string[]) => names.find((name) => about[name] instanceof Digits);
    const numberAt = (name: string) => Number((about[name] as Digits).text);
    const total = first(TOTAL);
    if (total === undefined || numberAt(total) <= records.length) continue;
    const told = { path: formatKeyPath([...path, total]), records: numberAt(total) };
    const size = first(SIZE);
    const sized = size === undefined ? {} : { size_parameter: size, size: numberAt(size) };
    const page = first(Object.keys(PAGE_NUMBER));
    if (first(['offset']) !== undefined) return { pagination: { type: 'offset', ...sized }, total: told };
    if (page === undefined || numberAt(page) > 1) return { pagination: undefined, total: told };
    const parameter = PAGE_NUMBER[page as keyof typeof PAGE_NUMBER];
    const counted = { ...(parameter !== 'page' && { parameter }), ...(numberAt(page) === 0 && { first: 0 }) };
    return { pagination: { type: 'page', ...counted, ...sized }, total: told };
  }
  return undefined;
}

function guessPagination(
  value: unknown,
  linkNext: string | undefined,
  records: readonly unknown[],
): Record<string, unknown> | undefined {
  if (linkNext !== undefined) return { type: 'link' };
  const at = (path: string) => valueAt(value, path.startsWith('"') ? [JSON.parse(path) as string] : path.split('.'));
  const isText = (v: unknown): v is string => typeof v === 'string' && v !== '';
  const url = URLS.find((path) => /^(https?:\/\/|\/|\?)/.test(String(at(path) ?? '')));
  if (url !== undefined) return { type: 'next_url', next: url };
  const cursor = CURSORS.find(([path]) => isText(at(path)) || at(path) instanceof Digits);
  if (cursor) return { type: 'cursor', parameter: cursor[1], next: cursor[0] };
  const last = records.at(-1);
  if (at('has_more') === true && isObject(last) && 'id' in last)
    return { type: 'cursor', parameter: 'starting_after', last: 'id', more: 'has_more' };
  return undefined;
}

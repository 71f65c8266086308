/** Signs that there are more pages than are read. Pure. */
import type { Endpoint } from './endpoint.ts';
import type { Page } from './page.ts';
import { nextLink } from './paging.ts';
import { valueAt } from './paths.ts';

const OF_MORE = ['has_more', 'hasMore', 'next', 'next_page', 'nextPageToken', 'next_cursor'];

/** `isOnly`: of its list, as it is read. Undefined: there is no sign. */
export function unreadPages(endpoint: Endpoint, page: Page, isOnly: boolean): string | undefined {
  const { path, pagination } = endpoint;
  if (pagination.type === 'none') return ofNone(path, page);
  // A full page that leads nowhere is more often a path that is misspelt than a list of just that length.
  if (!isOnly || pagination.type === 'page' || pagination.type === 'offset') return undefined;
  if (page.total !== undefined || (pagination.type === 'cursor' && pagination.more !== undefined)) return undefined;
  const { length } = page.records;
  return pagination.size_parameter !== undefined && length >= pagination.size
    ? `the first page of ${path} is full, with ${length} records, and leads to no other; see whether the pagination is right.`
    : undefined;
}

function ofNone(path: string, page: Page): string | undefined {
  const more = OF_MORE.find((name) => {
    const value = valueAt(page.value, [name]);
    return value !== undefined && value !== null && value !== false && value !== '';
  });
  if (more === undefined && nextLink(page.headers['link']) === undefined) return undefined;
  const where = more === undefined ? ' in its header Link' : ` by "${more}"`;
  return `there is no pagination, and the answer of ${path} tells of more pages${where}: they are not read.`;
}

/** A path as a person types it. Pure. */
import type { Offer } from '../../ports/extract.ts';

/** `/contacts?sort=id`; undefined for what is no path. */
export function offerOfPath(text: string): Offer | undefined {
  if (!text.startsWith('/')) return undefined;
  const [path, search = ''] = text.split(/\?(.*)/s) as [string, string?];
  const query = Object.fromEntries(new URLSearchParams(search));
  const read = Object.keys(query).length > 0 ? { path, query } : path;
  return { name: nameOf(path), kind: 'list', rows: undefined, read };
}

/** `customers.orders` of `/customers/{id}/orders`. */
export const nameOf = (path: string): string =>
  path
    .split('/')
    .filter((part) => part !== '' && !part.startsWith('{'))
    .join('.');

/** From page to page: what the next request is. Pure. */
import { GranaryError } from '../../lib/errors.ts';
import type { Endpoint } from './endpoint.ts';
import type { Page } from './page.ts';
import { formatKeyPath, parseKeyPath, textAt, valueAt } from './paths.ts';

/** Which page is asked for; JSON. */
export interface Place {
  /** Number of the page, from 0: how many came before it in this pass. */
  number: number;
  /** Records that came before it, or the offset. */
  seen: number;
  cursor?: string;
  /** Path and query of a page that the server named, without secrets. */
  url?: string;
}

export interface Paged {
  /** Parameters of the request. */
  parameters: Record<string, string>;
  url?: string;
}

export const FIRST: Place = { number: 0, seen: 0 };

export class Paging {
  readonly #endpoint: Endpoint;
  readonly #base: URL;
  readonly #added: readonly string[];

  /** `added`: parameters that the connector gives every request: none of them is kept with a place. */
  constructor(endpoint: Endpoint, base: URL, added: readonly string[]) {
    this.#endpoint = endpoint;
    this.#base = base;
    this.#added = added;
  }

  request(place: Place): Paged {
    const { pagination } = this.#endpoint;
    if (pagination.type === 'none') return { parameters: {} };
    if (place.url !== undefined) return { parameters: {}, url: place.url };
    const { size_parameter: name, size } = pagination;
    const parameters: Record<string, string> = name === undefined ? {} : { [name]: String(size) };
    if (pagination.type === 'page') parameters[pagination.parameter] = String(pagination.first + place.number);
    if (pagination.type === 'offset') parameters[pagination.parameter] = String(place.seen);
    if (pagination.type === 'cursor' && place.cursor !== undefined) parameters[pagination.parameter] = place.cursor;
    return { parameters };
  }

  /** The page after this one, which `asked` was asked for; undefined: it was the last. Error: `connector.protocol` for a next page that cannot be. */
  next(place: Place, page: Page, asked: URL): Place | undefined {
    const { pagination } = this.#endpoint;
    const count = page.records.length;
    if (page.beyond) return undefined;
    const number = place.number + 1;
    const seen = place.seen + count;
    switch (pagination.type) {
      case 'none':
        return undefined;
      case 'page': {
        const pages =
          pagination.pages === undefined
            ? undefined
            : Number(textAt(page.value, parseKeyPath(pagination.pages)!) ?? Number.NaN);
        // A number of pages that does not even count this one says nothing.
        if (pages !== undefined && (pages >= number || count === 0))
          return number < pages ? { number, seen } : undefined;
        return this.#ends(pagination, count, seen, page) ? undefined : { number, seen };
      }
      case 'offset':
        if (this.#ends(pagination, count, seen, page)) return undefined;
        // A page that has no more than what is read again would be read for ever.
        return { number, seen: seen - (count > pagination.overlap ? pagination.overlap : 0) };
      case 'cursor': {
        const cursor = this.#cursor(page);
        return cursor === undefined ? undefined : { number, seen, cursor };
      }
      case 'link': {
        const next = nextLink(page.headers['link']);
        return next === undefined ? undefined : { number, seen, url: this.#within(next, asked) };
      }
      case 'next_url': {
        const next = textAt(page.value, parseKeyPath(pagination.next)!);
        return next === undefined || next === '' ? undefined : { number, seen, url: this.#within(next, asked) };
      }
    }
  }

  /** The likely page after one that was not read yet, to ask for it ahead; undefined: it cannot be told, or there is none. */
  guess(after: Place, read: Page): Place | undefined {
    const { pagination } = this.#endpoint;
    const count = read.records.length;
    if (count === 0 || (pagination.type !== 'page' && pagination.type !== 'offset')) return undefined;
    const step = pagination.type === 'offset' && count > pagination.overlap ? count - pagination.overlap : count;
    const next = { number: after.number + 1, seen: after.seen + step };
    if (read.total !== undefined && next.seen >= read.total) return undefined;
    if (pagination.type === 'page' && pagination.pages !== undefined) {
      const pages = Number(textAt(read.value, parseKeyPath(pagination.pages)!) ?? Number.NaN);
      if (next.number >= pages) return undefined;
    }
    return next;
  }

  #ends({ stop, size }: { stop: 'empty' | 'short'; size: number }, count: number, seen: number, page: Page): boolean {
    if (count === 0) return true;
    // A total of fewer than came says nothing: records are removed meanwhile, or it is the number of something else.
    if (page.total !== undefined && page.total >= seen) return page.total === seen;
    return stop === 'short' && count < size;
  }

  #cursor(page: Page): string | undefined {
    const { pagination } = this.#endpoint;
    if (pagination.type !== 'cursor') return undefined;
    const { more, last, next, next_header } = pagination;
    if (more !== undefined) {
      const told = valueAt(page.value, parseKeyPath(more)!);
      // Else a path that is misspelt would end every list after its first page.
      if (told === undefined)
        throw new GranaryError(
          'connector.protocol',
          `A page of ${this.#endpoint.path} has no ${more}, which says whether there are more.`,
        );
      if (!isTrue(told)) return undefined;
    }
    if (next_header !== undefined) {
      const value = page.headers[next_header.toLowerCase()];
      return (Array.isArray(value) ? value[0] : value) || undefined;
    }
    if (next !== undefined) return textAt(page.value, parseKeyPath(next)!) || undefined;
    if (page.records.length === 0) return undefined;
    const cursor = textAt(page.records.at(-1), parseKeyPath(last!)!);
    if (cursor === undefined)
      throw new GranaryError(
        'connector.protocol',
        `The last record of a page of ${this.#endpoint.path} has no ${formatKeyPath(parseKeyPath(last!)!)}, which leads to the next page.`,
      );
    return cursor;
  }

  /** Path and query of a URL that the server gave, which must lead to the same server. */
  #within(next: string, asked: URL): string {
    const url = URL.parse(next, asked.href);
    // Behind a proxy that ends TLS a server may not know its own scheme.
    const isSame =
      url !== null &&
      (url.origin === this.#base.origin ||
        (url.hostname === this.#base.hostname && url.protocol === 'http:' && this.#base.protocol === 'https:'));
    if (!isSame)
      throw new GranaryError(
        'connector.protocol',
        `The next page of ${this.#endpoint.path} is on another server, ${url?.host ?? 'with a URL that is none'}: credentials are not sent there.`,
        {
          hint: 'If that is right, set base to that server.',
        },
      );
    for (const name of this.#added) url.searchParams.delete(name);
    return url.pathname + url.search;
  }
}

const isTrue = (value: unknown): boolean => value === true || value === 'true' || value === 1;

/** The target of `rel="next"` (RFC 8288). */
export function nextLink(header: string | string[] | undefined): string | undefined {
  const text = Array.isArray(header) ? header.join(', ') : (header ?? '');
  for (const [, url, parameters] of text.matchAll(/<([^>]*)>((?:\s*;\s*[^\s=;,]+\s*(?:=\s*(?:"[^"]*"|[^\s;,"]+))?)*)/g))
    if (/;\s*rel\s*=\s*(?:"(?:[^"]*\s)?next(?:\s[^"]*)?"|next(?![^\s;,]))/i.test(parameters!)) return url;
  return undefined;
}

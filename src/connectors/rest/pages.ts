/** The pages of one list, in order; those that can be told are asked for ahead. */
import { GranaryError } from '../../lib/errors.ts';
import { protocol } from '../lib/faults.ts';
import { anySignal } from '../lib/reading.ts';
import { buildRequest } from './build.ts';
import type { DatasetRead, Endpoint } from './endpoint.ts';
import { keyOf } from './keys.ts';
import { lookInto, type Page } from './page.ts';
import { FIRST, Paging, type Place } from './paging.ts';
import { Repeats } from './repeats.ts';
import type { ApiRequest, Requests } from './requests.ts';
import type { Values } from './template.ts';

export interface Listing {
  requests: Requests;
  endpoint: Endpoint;
  format: DatasetRead['format'];
  key: readonly string[];
  values: Values;
  parameters: Record<string, string>;
  signal: AbortSignal | undefined;
}

export interface From {
  place: Place;
  /** Some of the last records before it. */
  anchor: readonly string[];
}

export interface Listed {
  page: Page;
  request: ApiRequest;
  /** Where reading goes on after this page; undefined: it was the last one. */
  next: Place | undefined;
  /** For that. */
  anchor: string[];
}

interface Ahead {
  place: Place;
  request: ApiRequest;
  page: Promise<Page>;
  abort: AbortController;
}

/** Keys that are remembered over a break. */
const ANCHOR = 20;
/** How often it is gone back within one list because records moved away from under the reader: a page that overlaps has none of the page before. */
const MOST_STEPS_BACK = 20;

/**
 * Errors: those of `Requests.send`; `connector.protocol` where a list does not come to an end; `connector.changed` (transient) where records move
 * faster than they are read.
 */
export async function* pagesOf(listing: Listing, from: From = { place: FIRST, anchor: [] }): AsyncGenerator<Listed> {
  const { endpoint, requests, key } = listing;
  const paging = new Paging(endpoint, requests.base, requests.added);
  const overlap = endpoint.pagination.type === 'offset' ? endpoint.pagination.overlap : 0;
  const ahead: Ahead[] = [];
  const repeats = new Repeats(requests.endpoint, endpoint, key);
  let place: Place | undefined = from.place;
  let known: ReadonlySet<string> = new Set(from.anchor);
  let step = 0;
  let depth = 0;
  let back = 0;
  try {
    while (place) {
      if (place.number >= endpoint.maxPages)
        throw protocol(
          requests.endpoint,
          `${endpoint.path} has more than ${endpoint.maxPages} pages: ask for larger ones, or raise max_pages`,
        );
      if (ahead[0] && !samePlace(ahead[0].place, place)) drop(ahead);
      const asked = ahead.shift() ?? start(listing, paging, place);
      const page = await asked.page;
      const keys = overlap > 0 ? page.records.map((r) => keyOf(r, key)) : [];
      if (place.seen > 0 && known.size > 0 && !keys.some((k) => known.has(k))) {
        if (++back > MOST_STEPS_BACK) throw moving(endpoint);
        drop(ahead);
        place = { ...place, seen: Math.max(0, place.seen - Math.max(step, 1)) };
        continue;
      }
      repeats.see(place, page);
      const next = paging.next(place, page, asked.request.url);
      if (next) {
        depth = Math.min(requests.atOnce, depth === 0 ? 1 : depth * 2);
        askAhead(listing, paging, ahead, next, page, depth);
      }
      // Of a page that has no more than that nothing is read again.
      const anchor = keys.length > overlap ? keys : [];
      yield { page, request: asked.request, next, anchor: anchor.slice(-ANCHOR) };
      known = new Set(anchor);
      step = page.records.length;
      place = next;
    }
  } finally {
    drop(ahead);
  }
}

const moving = ({ path }: Endpoint): GranaryError =>
  new GranaryError('connector.changed', `Records of ${path} move faster than they are read.`, {
    transient: true,
    hint: 'Sort by something that does not change, such as the id.',
  });

function start(listing: Listing, paging: Paging, place: Place): Ahead {
  const { requests, endpoint, format, values, parameters } = listing;
  const abort = new AbortController();
  const built = buildRequest({
    endpoint,
    base: requests.base,
    format,
    values,
    parameters,
    paged: paging.request(place),
  });
  // Nothing comes behind the last page; of the first one the same status says that something is wrong.
  const request = place.number === 0 ? { ...built, allowed: [] } : built;
  const where = { endpoint: requests.endpoint, path: request.url.pathname };
  const page = requests
    .sendUntil(
      request,
      (answer) => lookInto(answer, { ...endpoint, format }, where),
      anySignal(listing.signal, abort.signal),
    )
    .then((answer) => answer.checked);
  // Nobody may wait for it any more when it fails.
  page.catch(() => undefined);
  return { place, request, page, abort };
}

function askAhead(listing: Listing, paging: Paging, ahead: Ahead[], next: Place, read: Page, depth: number): void {
  if (ahead[0] && !samePlace(ahead[0].place, next)) drop(ahead);
  let place: Place | undefined = ahead.at(-1) ? paging.guess(ahead.at(-1)!.place, read) : next;
  while (place && ahead.length < depth) {
    ahead.push(start(listing, paging, place));
    place = paging.guess(place, read);
  }
}

function drop(ahead: Ahead[]): void {
  for (const { abort } of ahead.splice(0)) abort.abort();
}

const samePlace = (a: Place, b: Place): boolean =>
  a.number === b.number && a.seen === b.seen && a.cursor === b.cursor && a.url === b.url;

/** Finds a server that gives the same page for ever. */
import { createHash } from 'node:crypto';
import { GranaryError } from '../../lib/errors.ts';
import type { Endpoint } from './endpoint.ts';
import { keyOf } from './keys.ts';
import type { Page } from './page.ts';
import type { Place } from './paging.ts';

/** So many pages in a row with the same keys, under cursors of their own, are no coincidence. */
const MOST_ALIKE = 3;

export class Repeats {
  readonly #endpoint: string;
  readonly #path: string;
  readonly #counts: boolean;
  readonly #key: readonly string[];
  readonly #places = new Set<string>();
  #last = '';
  #lastKeys = '';
  #alike = 1;

  constructor(endpoint: string, { path, pagination }: Endpoint, key: readonly string[]) {
    this.#endpoint = endpoint;
    this.#path = path;
    this.#counts = pagination.type === 'page' || pagination.type === 'offset';
    this.#key = key;
  }

  /** Error: `connector.protocol`. */
  see(place: Place, page: Page): void {
    const named = place.cursor ?? place.url;
    if (named !== undefined) this.#seeNamed(named, page);
    const hash = this.#counts && page.records.length > 0 ? hashOf(page.body) : '';
    if (hash !== '' && hash === this.#last)
      throw this.#fault(
        'gives the same page twice in a row: it seems not to know the parameters of its pagination',
        'Compare them with its documentation. Where it gives the last page for every later one, give total or pages.',
      );
    this.#last = hash;
  }

  #seeNamed(named: string, { records }: Page): void {
    const at = hashOf(named).slice(0, 16);
    if (this.#places.has(at)) throw this.#fault('leads to the same page again: its paging goes in a circle');
    this.#places.add(at);
    const isTold = this.#key.length > 0 && records.length > 1;
    const keys = isTold ? hashOf(JSON.stringify(records.map((r) => keyOf(r, this.#key)))) : '';
    this.#alike = isTold && keys === this.#lastKeys ? this.#alike + 1 : 1;
    this.#lastKeys = keys;
    if (this.#alike >= MOST_ALIKE)
      throw this.#fault(
        `gives the same records ${MOST_ALIKE} times in a row: it seems not to know the parameter of its pagination`,
      );
  }

  #fault(what: string, hint?: string): GranaryError {
    return new GranaryError('connector.protocol', `${this.#endpoint}: ${this.#path} ${what}`, { hint });
  }
}

const hashOf = (data: string | Uint8Array): string => createHash('sha256').update(data).digest('base64');

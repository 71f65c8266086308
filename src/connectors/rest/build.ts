/** A request for a page of an endpoint. Pure. */
import { GranaryError } from '../../lib/errors.ts';
import type { Endpoint } from './endpoint.ts';
import type { Paged } from './paging.ts';
import { parseKeyPath } from './paths.ts';
import type { ApiRequest } from './requests.ts';
import { fill, fillBody, setIn, type Values } from './template.ts';

export interface Asking {
  endpoint: Endpoint;
  base: URL;
  format: 'json' | 'ndjson' | 'csv';
  /** Of placeholders. */
  values: Values;
  /** Further parameters, such as those of the watermark. */
  parameters: Record<string, string>;
  paged: Paged;
}

const ACCEPT = { json: 'application/json', ndjson: 'application/x-ndjson, application/jsonl', csv: 'text/csv' };

/** Parameters go into the query of a GET and into the body of a POST. */
export function buildRequest({ endpoint, base, format, values, parameters, paged }: Asking): ApiRequest {
  const { method, query, headers, pagination } = endpoint;
  const url = paged.url === undefined ? new URL(base.href + pathOf(endpoint, values)) : new URL(paged.url, base);
  const given = { ...parameters, ...paged.parameters };
  let body: unknown;
  if (paged.url === undefined) {
    for (const [name, template] of Object.entries(query)) {
      const value = fill(template, values);
      if (value !== undefined) url.searchParams.set(name, value);
    }
    if (method === 'GET') for (const [name, value] of Object.entries(given)) url.searchParams.set(name, value);
  }
  if (method === 'POST') {
    body = fillBody(endpoint.body ?? {}, values);
    // Numbers as numbers: services that take a body check its types. A cursor is text.
    const cursor = pagination.type === 'cursor' ? pagination.parameter : undefined;
    for (const [name, value] of Object.entries(given)) {
      const isNumber = name in paged.parameters && name !== cursor;
      setIn(body as Record<string, unknown>, parseKeyPath(name) ?? [name], isNumber ? Number(value) : value);
    }
  }
  const allowed = pagination.type === 'page' || pagination.type === 'offset' ? pagination.end_statuses : [];
  return {
    method,
    url,
    headers,
    accept: headers['accept'] ?? ACCEPT[format],
    ...(body !== undefined && { body }),
    allowed,
  };
}

/** URLs are read with `..` resolved, however it is written: a record could lead to another endpoint. */
function segment(value: string): string {
  if (value === '.' || value === '..')
    throw new GranaryError('connector.protocol', `The value "${value}" cannot stand in a path.`);
  return encodeURIComponent(value);
}

function pathOf({ path }: Endpoint, values: Values): string {
  const filled = fill(path, values, segment);
  if (filled === undefined)
    throw new GranaryError('config.invalid', `The path ${path} has a placeholder without a value.`, {
      hint: 'Give incremental an initial, so that there is one at the first reading.',
    });
  return filled.replace(/^\//, '');
}

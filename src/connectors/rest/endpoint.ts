/** What is read, with what a preset knows filled in. Pure. */
import type { RestConfig } from './config.ts';
import { parseKeyPath } from './paths.ts';
import type { PresetEndpoint } from './presets/preset.ts';
import { presetOf } from './presets/presets.ts';
import type { ForEach, RestRead } from './read.ts';
import type { Incremental } from './read-incremental.ts';
import type { Pagination } from './read-pagination.ts';
import { placeholdersIn, placeholdersOf } from './template.ts';

/** One list of an API. */
export interface Endpoint {
  path: string;
  method: 'GET' | 'POST';
  query: Record<string, string>;
  headers: Record<string, string>;
  body: unknown;
  /** Keys to the records; none: the answer itself. */
  records: string[];
  recordsMissing: 'error' | 'empty';
  pagination: Pagination;
  total: string[] | undefined;
  maxPages: number;
}

export interface DatasetRead {
  endpoint: Endpoint;
  format: 'json' | 'ndjson' | 'csv';
  outside: string[];
  key: string[];
  incremental: Incremental | undefined;
  parents: { endpoint: Endpoint; take: Record<string, string> } | undefined;
  /** Pages land within an envelope that tells the parameters: their names. */
  enveloped: string[];
}

export interface Problem {
  path: string[];
  message: string;
}

export function endpointOf(read: RestRead | ForEach, known: PresetEndpoint | undefined): Endpoint {
  const body = read.body ?? known?.body;
  return {
    path: read.path ?? known?.path ?? '/',
    method: read.method ?? known?.method ?? (body === undefined ? 'GET' : 'POST'),
    query: { ...known?.query, ...read.query },
    headers: { ...known?.headers, ...read.headers },
    body,
    records: parseKeyPath(read.records ?? known?.records ?? '$')!,
    recordsMissing: read.records_missing ?? known?.records_missing ?? 'error',
    pagination: (read.pagination as Pagination | undefined) ?? known?.pagination ?? { type: 'none' },
    total: (read.total ?? known?.total) === undefined ? undefined : parseKeyPath((read.total ?? known?.total)!),
    maxPages: read.max_pages,
  };
}

export function resolveRead(read: RestRead, config: Pick<RestConfig, 'preset'>): DatasetRead {
  const preset = presetOf(config.preset);
  const known = read.endpoint === undefined ? undefined : preset?.endpoints[read.endpoint];
  const incremental = read.incremental ?? known?.incremental;
  const parents = read.for_each && {
    endpoint: endpointOf(
      read.for_each,
      read.for_each.endpoint === undefined ? undefined : preset?.endpoints[read.for_each.endpoint],
    ),
    take: read.for_each.take,
  };
  const endpoint = endpointOf(read, known);
  const isByDay = incremental?.window !== undefined && incremental.format === 'date';
  return {
    endpoint,
    format: read.format ?? 'json',
    outside: read.outside ?? [],
    key: read.key ?? known?.key ?? [],
    incremental,
    parents,
    enveloped: [...Object.keys(parents?.take ?? {}), ...(isByDay ? ['date'] : [])],
  };
}

/** Names that can stand in braces. */
const OF_TIME = ['from', 'until', 'watermark'];

export function problemsOf(read: RestRead, config: Pick<RestConfig, 'preset'>): Problem[] {
  const preset = presetOf(config.preset);
  const problems: Problem[] = [];
  const add = (path: string[], message: string) => void problems.push({ path, message });
  const known = (name: string | undefined, at: string[]) => {
    if (name === undefined) return;
    const names = Object.keys(preset?.endpoints ?? {});
    if (!preset) add(at, 'endpoints are those of a preset, and the connector has none; give a path');
    else if (!names.includes(name)) add(at, `${config.preset} has no endpoint "${name}"; it has ${names.join(', ')}`);
  };
  known(read.endpoint, ['endpoint']);
  known(read.for_each?.endpoint, ['for_each', 'endpoint']);
  if (read.path === undefined && read.endpoint === undefined) add([], 'a path is missing, or the endpoint of a preset');
  if (read.for_each && read.for_each.path === undefined && read.for_each.endpoint === undefined)
    add(['for_each'], 'a path is missing, or the endpoint of a preset');
  if (problems.length > 0) return problems;
  const resolved = resolveRead(read, config);
  const { endpoint, incremental, key, parents, format } = resolved;
  const names = [...Object.keys(parents?.take ?? {}), ...(incremental ? OF_TIME : [])];
  for (const name of placeholdersOf(endpoint.path).filter((n) => !names.includes(n)))
    add(
      ['path'],
      `{${name}} is nowhere given: it can be a parameter of for_each, or with incremental one of ${OF_TIME.join(', ')}`,
    );
  const used = [
    ...placeholdersOf(endpoint.path),
    ...Object.values(endpoint.query).flatMap(placeholdersOf),
    ...placeholdersIn(endpoint.body),
  ];
  if (incremental && incremental.parameter === undefined && !used.some((n) => OF_TIME.includes(n)))
    add(['incremental'], 'a parameter is missing, or {from} in the path, the query or the body');
  const windowed = incremental?.window !== undefined;
  if (windowed && incremental.format !== 'date' && incremental.until_parameter === undefined && !used.includes('until'))
    add(['incremental', 'window'], 'windows need an until_parameter, or {until} in the path, the query or the body');
  if (
    incremental &&
    incremental.initial === undefined &&
    placeholdersOf(endpoint.path).some((n) => OF_TIME.includes(n) && n !== 'until')
  )
    add(['incremental', 'initial'], 'the path needs a value at the first reading too');
  if (endpoint.body !== undefined && endpoint.method === 'GET') add(['method'], 'a GET has no body');
  const { pagination } = endpoint;
  if (pagination.type === 'offset' && pagination.overlap > 0 && key.length === 0)
    add(['pagination', 'overlap'], 'an overlap needs a key: it says which records are the same');
  if (pagination.type === 'offset' && pagination.overlap >= pagination.size)
    add(['pagination', 'overlap'], 'an overlap is smaller than a page');
  if (
    pagination.type === 'cursor' &&
    [pagination.next, pagination.next_header, pagination.last].filter((v) => v !== undefined).length !== 1
  )
    add(['pagination'], 'a cursor comes from one place: next, next_header or last');
  if (format !== 'json' && (endpoint.records.length > 0 || endpoint.total))
    add(['format'], `records and total are for json, not for ${format}`);
  if (format !== 'json' && resolved.enveloped.length > 0)
    add(['format'], 'for_each and windows of days say their parameters in an envelope of JSON around each page');
  if (
    format === 'csv' &&
    (!['none', 'link'].includes(pagination.type) ||
      (incremental && incremental.from !== 'now') ||
      key.length > 0 ||
      windowed)
  )
    add(['format'], 'csv is not looked into: it has no pages but by link, no key and no watermark but now');
  return problems;
}

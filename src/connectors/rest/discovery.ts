/** What an API offers, and as what it could be read. */
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { GranaryError } from '../../lib/errors.ts';
import type { Issue } from '../../lib/spec/spec.ts';
import { plural } from '../../lib/units.ts';
import type { Offer, Proposal } from '../../ports/extract.ts';
import { HttpClient } from '../http/client.ts';
import { requestFault } from '../lib/network.ts';
import { BadAnswer } from './answers.ts';
import { buildRequest } from './build.ts';
import type { RestConfig } from './config.ts';
import { type DatasetRead, problemsOf, resolveRead } from './endpoint.ts';
import { guessPaging } from './guess.ts';
import { findRecords, inferColumns, parseSample } from './infer.ts';
import { listsOf, parentsOf } from './lists.ts';
import { nameOf } from './named.ts';
import { listEndpoints } from './openapi.ts';
import { FIRST, nextLink, Paging } from './paging.ts';
import { formatKeyPath, valueAt } from './paths.ts';
import { presetOf } from './presets/presets.ts';
import { type RestRead, restReadSpec } from './read.ts';
import type { Requests } from './requests.ts';

export interface Discovering {
  requests: Requests;
  config: RestConfig;
  projectDir: string;
  signal: AbortSignal | undefined;
}

/** The endpoints of the preset, and the lists of the description; none without these. Errors: those of `Requests.send`; `discover.failed`. */
export async function* offersOf(discovering: Discovering): AsyncGenerator<Offer> {
  const { config } = discovering;
  const preset = presetOf(config.preset);
  for (const [name, { title }] of Object.entries(preset?.endpoints ?? {}))
    yield { name, kind: title, rows: undefined, read: name };
  if (config.openapi === undefined) {
    // An API does not say by itself what it has.
    if (!preset) await discovering.requests.tryBase(discovering.signal);
    return;
  }
  const { parse } = await import('yaml');
  let document: unknown;
  try {
    document = parse(await described(config.openapi, discovering));
  } catch (e) {
    if (e instanceof GranaryError) throw e;
    throw new GranaryError('discover.failed', `${config.openapi} is neither JSON nor YAML.`, { cause: e });
  }
  for (const { path, title, read } of listEndpoints(document))
    yield { name: nameOf(path), kind: title ?? 'list', rows: undefined, read };
}

/** A file, or a URL; credentials go to the API's own server only. */
async function described(openapi: string, { requests, projectDir, config, signal }: Discovering): Promise<string> {
  if (!/^https?:\/\//.test(openapi)) return await readFile(resolve(projectDir, openapi), 'utf8');
  const url = new URL(openapi);
  const accept = 'application/json, application/yaml';
  if (url.origin === requests.base.origin)
    return (await requests.send({ method: 'GET', url, headers: {}, accept }, signal)).body.toString('utf8');
  const client = await HttpClient.create(
    { url: url.origin, headers: {}, ca_file: config.ca_file, timeout: config.timeout, connections: 1 },
    projectDir,
  );
  try {
    const reply = await client.send({ method: 'GET', url, headers: { accept }, ...(signal && { signal }) });
    if (reply.status !== 200) throw client.fault(reply, url.pathname);
    return await text(reply.body);
  } catch (e) {
    throw requestFault(client.endpoint, `asking for ${url.pathname}`, e);
  } finally {
    client.close();
  }
}

/** Errors: those of `Requests.send`; `discover.failed` where the answer has no records. */
export async function proposalOf(offer: Offer, discovering: Discovering): Promise<Proposal> {
  const { config } = discovering;
  const issues: Issue[] = [];
  const read = restReadSpec.parse(offer.read, [], { issues }) as RestRead;
  const problem = issues[0] ?? problemsOf(read, config)[0];
  if (problem) throw new GranaryError('discover.failed', `${offer.name}: ${problem.message}`);
  const resolved = resolveRead(read, config);
  const sample = await firstPage(resolved, discovering);
  const path = resolved.endpoint.records;
  const isFound = Array.isArray(valueAt(sample.value, path));
  const records = isFound ? path : findRecords(sample.value);
  const list = records && (valueAt(sample.value, records) as unknown[]);
  if (!list?.length)
    throw new GranaryError(
      'discover.failed',
      `The answer to ${sample.path} has no records from which columns could be seen.`,
      {
        hint: 'Write the columns by hand, or try again when there are some.',
      },
    );
  const { columns, key: seen, notes } = inferColumns(list);
  const key = resolved.key.length > 0 ? resolved.key : seen;
  const own = asMapping(offer.read);
  const isOpen = resolved.endpoint.pagination.type === 'none';
  const guess = isOpen ? guessPaging(sample.value, sample.link, list) : undefined;
  if (guess?.pagination) notes.push('pagination is a guess from the first page: see that it reaches the end.');
  else if (guess?.total)
    notes.push(
      `The answer has ${plural(list.length, 'record')} and tells of ${guess.total.records} in ${guess.total.path}: give the pagination, or the books will not balance.`,
    );
  else if (isOpen) notes.push('Nothing in the answer tells of more pages: see whether there are any.');
  const found = {
    ...own,
    ...(!isFound && records!.length > 0 && { records: formatKeyPath(records!) }),
    ...(resolved.key.length === 0 && key.length > 0 && { key }),
    ...(guess?.pagination && { pagination: guess.pagination }),
    ...(guess?.total && resolved.endpoint.total === undefined && { total: guess.total.path }),
  };
  const isPlain = Object.keys(found).length === 1;
  return { columns, key, read: isPlain ? Object.values(found)[0] : found, load: undefined, notes };
}

function asMapping(read: unknown): Record<string, unknown> {
  if (typeof read === 'string') return read.startsWith('/') ? { path: read } : { endpoint: read };
  return read as Record<string, unknown>;
}

interface Sample {
  value: unknown;
  path: string;
  link: string | undefined;
}

/** Of the latest stretch of time, and the first parent. */
async function firstPage(read: DatasetRead, { requests, signal }: Discovering): Promise<Sample> {
  const [parent] = await parentsOf(read, requests, signal);
  if (!parent)
    throw new GranaryError('discover.failed', `${read.parents?.endpoint.path} has no records to read a list for.`);
  const { values, parameters } = listsOf(read, undefined, Date.now(), parent).at(-1)!;
  const { endpoint } = read;
  const paged = new Paging(endpoint, requests.base, requests.added).request(FIRST);
  const request = buildRequest({ endpoint, base: requests.base, format: 'json', values, parameters, paged });
  const path = request.url.pathname;
  const answer = await requests.sendUntil(
    request,
    ({ body }) => {
      try {
        return parseSample(body.toString('utf8'));
      } catch (e) {
        throw new BadAnswer(requests.endpoint, path, `is not JSON (${(e as Error).message})`, body);
      }
    },
    signal,
  );
  return { value: answer.checked, path, link: nextLink(answer.headers['link']) };
}

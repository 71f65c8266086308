/** How landed pages are read again, and what goes without saying about such a dataset. Pure. */
import type { Chosen } from '../../lib/spec/fields.ts';
import type { ReadDescription } from '../../ports/extract.ts';
import type { RestConfig } from './config.ts';
import { type DatasetRead, problemsOf, resolveRead } from './endpoint.ts';
import { formatKeyPath } from './paths.ts';
import type { RestRead } from './read.ts';

/** A page of a list with parameters lands as `{"_with":{…},"page":…}`. */
export const WITH = '_with';
export const PAGE = 'page';

export function describeRead(read: RestRead, config: RestConfig): ReadDescription {
  const problems = problemsOf(read, config);
  if (problems.length > 0) return { unpack: [], format: { type: 'json' }, problems };
  const resolved = resolveRead(read, config);
  return {
    unpack: [{ type: 'tar', members: [`*.${resolved.format}`] }],
    format: formatOf(resolved),
    columns: Object.fromEntries(
      resolved.enveloped.map((name) => [
        `_${name}`,
        { type: name === 'date' ? 'date' : 'text', from: `$.${WITH}.${name}` } as const,
      ]),
    ),
    load: loadOf(resolved),
  };
}

function formatOf({ format, endpoint, enveloped, outside }: DatasetRead): Chosen {
  if (format !== 'json') return { type: format };
  const records = enveloped.length > 0 ? [PAGE, ...endpoint.records] : endpoint.records;
  return {
    type: 'json',
    ...(records.length > 0 && { records: formatKeyPath(records) }),
    outside: [...enveloped.map((name) => `${WITH}.${name}`), ...outside],
  };
}

/** With a key: what is read twice is the same row, and what a reading of everything does not have is gone. A later answer is the newer one, so there is no version. */
function loadOf({ key, incremental }: DatasetRead): Record<string, unknown> {
  if (key.length === 0) return { strategy: incremental ? 'append' : 'replace' };
  return { strategy: 'merge', key: key.map((k) => (k.startsWith('_') ? `$.${WITH}.${k.slice(1)}` : k)) };
}

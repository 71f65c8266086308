/** The lists that a dataset is read by: one, or one for each stretch of time and each record of another endpoint. */
import { GranaryError } from '../../lib/errors.ts';
import { parseDuration } from '../../lib/units.ts';
import type { DatasetRead } from './endpoint.ts';
import { before, formatMark, isTime, type Mark, parseMark, stretches } from './marks.ts';
import { pagesOf } from './pages.ts';
import { parseKeyPath, textAt } from './paths.ts';
import type { Requests } from './requests.ts';
import type { Values } from './template.ts';

export interface List {
  /** Of placeholders. */
  values: Values;
  /** Parameters for where is read from and until. */
  parameters: Record<string, string>;
  /** What tells the list from others: it stands in the name and in the envelope of its pages. */
  own: Record<string, string>;
  /** Pages land within an envelope. */
  envelope: Record<string, string> | undefined;
}

/** Parents' values are held in memory. */
const MOST_PARENTS = 500_000;

/** Where reading begins. `now` in milliseconds. */
export function startOf({ incremental }: DatasetRead, watermark: Mark | undefined, now: number): Mark | undefined {
  if (!incremental) return undefined;
  const { format, initial, lookback } = incremental;
  if (watermark !== undefined) return before(watermark, lookback, format);
  if (initial === undefined) return undefined;
  const ago = isTime(format) ? parseDuration(initial) : undefined;
  return ago === undefined ? parseMark(initial, format) : String(now - Math.round(ago * 1000));
}

/** Pure: the lists of one parent, or of none. */
export function listsOf(
  read: DatasetRead,
  watermark: Mark | undefined,
  now: number,
  parent: Record<string, string>,
): List[] {
  const { incremental, enveloped } = read;
  const of = (values: Values, parameters: Record<string, string>, own: Record<string, string>): List => {
    const all = { ...parent, ...own };
    const envelope = enveloped.length > 0 ? Object.fromEntries(enveloped.map((name) => [name, all[name]!])) : undefined;
    return { values: { ...values, ...parent }, parameters, own: all, envelope };
  };
  if (!incremental) return [of({}, {}, {})];
  const { format, parameter, until_parameter: untilParameter, window } = incremental;
  const written = (mark: Mark | undefined) => (mark === undefined ? undefined : formatMark(mark, format));
  return stretches(startOf(read, watermark, now), now, window, format).map((stretch) => {
    const from = written(stretch.from);
    const until = written(stretch.until);
    return of(
      { from, until, watermark: written(watermark) },
      {
        ...(parameter !== undefined && from !== undefined && { [parameter]: from }),
        ...(untilParameter !== undefined && until !== undefined && { [untilParameter]: until }),
      },
      window === undefined ? {} : format === 'date' ? { date: from! } : { from: from! },
    );
  });
}

/** The different values of the parameters in all records of the parents' endpoint. */
export async function parentsOf(
  read: DatasetRead,
  requests: Requests,
  signal: AbortSignal | undefined,
): Promise<Record<string, string>[]> {
  if (!read.parents) return [{}];
  const { endpoint, take } = read.parents;
  const paths = Object.entries(take).map(([name, path]) => [name, parseKeyPath(path)!] as const);
  const found = new Map<string, Record<string, string>>();
  const listing = {
    requests,
    endpoint,
    format: 'json' as const,
    key: Object.values(take),
    values: {},
    parameters: {},
    signal,
  };
  for await (const { page } of pagesOf(listing)) {
    for (const record of page.records) {
      const values = paths.map(([name, path]) => [name, textAt(record, path)] as const);
      const missing = values.find(([, value]) => value === undefined || value === '');
      if (missing)
        throw new GranaryError(
          'connector.protocol',
          `A record of ${endpoint.path} has no ${take[missing[0]]}, which is the parameter ${missing[0]}.`,
        );
      const parent = Object.fromEntries(values) as Record<string, string>;
      found.set(JSON.stringify(parent), parent);
    }
    if (found.size > MOST_PARENTS)
      throw new GranaryError(
        'config.invalid',
        `${endpoint.path} has more than ${MOST_PARENTS} records to read a list for each.`,
      );
  }
  return [...found.values()];
}

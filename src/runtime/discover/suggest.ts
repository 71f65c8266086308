/** What discovery proposes beside columns and types: names and keys. Pure. */
import type { DiscoveredColumn } from '../../ports/format.ts';
import { toName } from '../../project/names.ts';
import type { DraftPart } from '../../project/source-yaml.ts';

/**
 * A name that is not taken yet, from the words of a file pattern: `stores/sales_{date:yyyyMMdd}.csv.gz` gives `sales`, else `stores_sales`, else
 * the source's name before it. `inner` is the pattern without the endings of its layers.
 */
export function datasetName(pattern: string, inner: string, source: string, taken: ReadonlySet<string>): string {
  const words = (text: string) =>
    text
      .replaceAll(/\{[^}]*\}|[*?]/g, ' ')
      .replaceAll(/\d+/g, ' ')
      .trim();
  const file = inner.slice(inner.lastIndexOf('/') + 1).replace(/\.[^.{}]*$/, '');
  const folders = pattern
    .split('/')
    .slice(0, -1)
    .map(words)
    .filter((w) => w !== '');
  const short = toName(words(file), '');
  const base = short !== '' ? short : toName(folders.at(-1) ?? '', 'data');
  const long = toName([...folders, base].join(' '), base);
  for (const name of [base, long, toName(`${source} ${base}`, base)]) if (!taken.has(name)) return name;
  for (let n = 2; ; n++) if (!taken.has(`${base}_${n}`)) return `${base}_${n}`;
}

/** Parts are called after their dataset and their records: `pos_line`. */
export function namedParts(whole: string, parts: readonly DraftPart[], taken: ReadonlySet<string>): DraftPart[] {
  const names = new Set([...taken, whole]);
  return parts.map((part) => {
    const base = toName(`${whole} ${part.name}`, `${whole}_part`);
    let name = base;
    for (let n = 2; names.has(name); n++) name = `${base.slice(0, 60)}_${n}`;
    names.add(name);
    return { ...part, name };
  });
}

/** Types whose values may identify a row. */
const KEY_TYPES = /^(integer|bigint|text|uuid|decimal\(\d+,0\))$/;
const MOST = 3;

/** Columns that told every row apart in the sample, the likeliest keys first: by name, then by position. */
export function suggestKeys(columns: readonly DiscoveredColumn[]): string[][] {
  return columns
    .filter((c) => c.unique && !c.nullable && KEY_TYPES.test(c.type))
    .map((c, i) => ({ source: c.source, rank: (NAMED_LIKE_A_KEY.test(c.source) ? 0 : 1000) + i }))
    .sort((a, b) => a.rank - b.rank)
    .slice(0, MOST)
    .map((c) => [c.source]);
}

const NAMED_LIKE_A_KEY =
  /(^|[^a-z])(id|key|code|sku|ean|isbn|uuid|guid|no|nr|nummer|number)s?$|[a-z](Id|ID|Key|Code|No|Nr)$/;

/** Families that are one kind of files after all: the same columns, and names that differ in one word, such as the store. Pure. */
import type { DraftDataset } from '../../project/source-yaml.ts';

/** Two of a kind may be coincidence (`orders.csv`, `returns.csv`); from three on the word is taken for a value. */
const ENOUGH = 3;

/** Merges where it can; the first of a kind stands for all, under the name that `nameOf` gives for its new pattern. Order is kept. */
export function mergeAlike(datasets: readonly DraftDataset[], nameOf: (pattern: string) => string): DraftDataset[] {
  const groups = new Map<string, { at: number; members: DraftDataset[] }>();
  for (const dataset of datasets) {
    for (const [at, key] of keysOf(dataset)) {
      const group = groups.get(key) ?? { at, members: [] };
      group.members.push(dataset);
      groups.set(key, group);
    }
  }
  const merged = new Map<DraftDataset, DraftDataset>();
  const gone = new Set<DraftDataset>();
  for (const { at, members } of [...groups.values()].sort((a, b) => b.members.length - a.members.length)) {
    const free = members.filter((d) => !gone.has(d) && !merged.has(d));
    if (free.length < ENOUGH) continue;
    const [first, ...others] = free as [DraftDataset, ...DraftDataset[]];
    merged.set(first, standFor(first, others, at, nameOf));
    for (const other of others) gone.add(other);
  }
  return datasets.flatMap((dataset) => (gone.has(dataset) ? [] : [merged.get(dataset) ?? dataset]));
}

/** Words, and what stands between them; a part such as `{date:yyyyMMdd}` is not a word. */
const tokensOf = (pattern: string): string[] => pattern.split(/(\{[^}]*\}|[^A-Za-z0-9{}]+)/).filter((t) => t !== '');
const isWord = (token: string) => /^[A-Za-z][A-Za-z0-9]*$/.test(token);

/** For each word before the endings: what files of the same kind have in common if that word is a value. */
function keysOf({ files, format, columns }: DraftDataset): [at: number, key: string][] {
  const tokens = tokensOf(files);
  const endings = tokens.findIndex((t, i) => t === '.' && tokens.slice(i).every((r) => r === '.' || isWord(r)));
  const signature = JSON.stringify([format.type, columns.map((c) => c.source)]);
  return tokens.flatMap((token, at): [number, string][] => {
    if (!isWord(token) || (endings >= 0 && at > endings)) return [];
    return [[at, JSON.stringify([at, tokens.with(at, ''), signature])]];
  });
}

function standFor(
  first: DraftDataset,
  others: readonly DraftDataset[],
  at: number,
  nameOf: (pattern: string) => string,
): DraftDataset {
  const part = freePart(first.files);
  const words = [first, ...others].map((d) => tokensOf(d.files)[at]!);
  const shown = words.slice(0, 5).join(', ') + (words.length > 5 ? ` and ${words.length - 5} more` : '');
  const files = tokensOf(first.files).with(at, `{${part}}`).join('');
  return {
    ...first,
    name: nameOf(files),
    files,
    notes: [
      ...first.notes,
      `Files with ${shown} in their names have the same columns and are taken as one dataset; the word can be a column: ${part}: { from_name: ${part} }`,
    ],
  };
}

function freePart(pattern: string): string {
  if (!pattern.includes('{part}')) return 'part';
  for (let n = 2; ; n++) if (!pattern.includes(`{part_${n}}`)) return `part_${n}`;
}

/**
 * Groups files into families by their names: what differs from night to night becomes `{date:…}`, other numbers become `{part}`s, the rest is
 * literal. Pure.
 */

import type { RemoteFile } from '../../ports/connector.ts';
import { compileNamePattern } from '../../project/name-pattern.ts';

export interface Family {
  /** A file pattern, see `name-pattern.ts`: `stores/sales_{date:yyyyMMdd}.csv`. */
  pattern: string;
  /** Newest first, by the date in the name, then by the time of writing. */
  files: RemoteFile[];
}

/** Largest family first. A number that is the same in all files of a family stays as it is. */
export function groupFamilies(files: readonly RemoteFile[]): Family[] {
  const groups = Map.groupBy(files, (f) => generalise(f.path).map(shapeOf).join(''));
  const families = [...groups.values()].map((members) => {
    const pattern = patternOf(members.map((m) => generalise(m.path)));
    return { pattern, files: newestFirst(pattern, members) };
  });
  return families.sort((a, b) => b.files.length - a.files.length || (a.pattern < b.pattern ? -1 : 1));
}

type Piece =
  | { kind: 'text'; text: string }
  | { kind: 'number'; text: string }
  | { kind: 'date'; form: string; text: string };

/** Longest and most telling first. Years are 1990 to 2089: eight digits are a date only when they can be one. */
const YEAR = '(?:199\\d|20[0-8]\\d)';
const MONTH = '(?:0[1-9]|1[0-2])';
const DAY = '(?:0[1-9]|[12]\\d|3[01])';
const HOUR = '(?:[01]\\d|2[0-3])';
const MINUTE = '[0-5]\\d';
const DATE_FORMS: readonly [form: string, regex: RegExp][] = [
  [`yyyyMMdd'T'HHmmss`, new RegExp(`^${YEAR}${MONTH}${DAY}T${HOUR}${MINUTE}${MINUTE}(?!\\d)`)],
  ['yyyyMMddHHmmss', new RegExp(`^${YEAR}${MONTH}${DAY}${HOUR}${MINUTE}${MINUTE}(?!\\d)`)],
  ['yyyyMMdd_HHmmss', new RegExp(`^${YEAR}${MONTH}${DAY}_${HOUR}${MINUTE}${MINUTE}(?!\\d)`)],
  ['yyyyMMdd-HHmmss', new RegExp(`^${YEAR}${MONTH}${DAY}-${HOUR}${MINUTE}${MINUTE}(?!\\d)`)],
  ['yyyyMMddHHmm', new RegExp(`^${YEAR}${MONTH}${DAY}${HOUR}${MINUTE}(?!\\d)`)],
  ['yyyyMMdd_HHmm', new RegExp(`^${YEAR}${MONTH}${DAY}_${HOUR}${MINUTE}(?!\\d)`)],
  ['yyyyMMdd', new RegExp(`^${YEAR}${MONTH}${DAY}(?!\\d)`)],
  ['yyyy-MM-dd', new RegExp(`^${YEAR}-${MONTH}-${DAY}(?!\\d)`)],
  ['yyyy_MM_dd', new RegExp(`^${YEAR}_${MONTH}_${DAY}(?!\\d)`)],
  ['yyyy.MM.dd', new RegExp(`^${YEAR}\\.${MONTH}\\.${DAY}(?!\\d)`)],
  ['yyyy/MM/dd', new RegExp(`^${YEAR}/${MONTH}/${DAY}(?!\\d)`)],
  ['dd-MM-yyyy', new RegExp(`^${DAY}-${MONTH}-${YEAR}(?!\\d)`)],
  ['dd.MM.yyyy', new RegExp(`^${DAY}\\.${MONTH}\\.${YEAR}(?!\\d)`)],
  ['ddMMyyyy', new RegExp(`^${DAY}${MONTH}${YEAR}(?!\\d)`)],
  ['yyyy-MM', new RegExp(`^${YEAR}-${MONTH}(?!\\d)`)],
  ['yyyyMM', new RegExp(`^${YEAR}${MONTH}(?!\\d)`)],
];

/** A path in pieces. Endings such as `.bz2` and letters with digits such as `v2` are text. */
function generalise(path: string): Piece[] {
  const pieces: Piece[] = [];
  const text = (t: string) => {
    const last = pieces.at(-1);
    if (last?.kind === 'text') last.text += t;
    else pieces.push({ kind: 'text', text: t });
  };
  const dated = { done: false };
  for (let at = 0; at < path.length; ) {
    const before = path[at - 1] ?? '';
    const rest = path.slice(at);
    const digits = /^\d+/.exec(rest)?.[0];
    if (digits === undefined || /\d/.test(before)) {
      text(path[at]!);
      at++;
      continue;
    }
    const date = dated.done ? undefined : dateAt(rest);
    if (date) {
      dated.done = true;
      pieces.push({ kind: 'date', ...date });
      at += date.text.length;
    } else if (/[A-Za-z]/.test(before) && (digits.length < 2 || isEnding(path, at))) {
      text(digits);
      at += digits.length;
    } else {
      pieces.push({ kind: 'number', text: digits });
      at += digits.length;
    }
  }
  return pieces;
}

function dateAt(rest: string): { form: string; text: string } | undefined {
  for (const [form, regex] of DATE_FORMS) {
    const found = regex.exec(rest);
    if (found) return { form, text: found[0] };
  }
  return undefined;
}

/** Digits of an ending: `.bz2`, `.mp4`. */
const isEnding = (path: string, at: number) =>
  /\.[A-Za-z]+$/.test(path.slice(0, at)) && /^\d+(\.|$)/.test(path.slice(at));

function shapeOf(piece: Piece): string {
  if (piece.kind === 'text') return piece.text;
  return piece.kind === 'date' ? `\u0000${piece.form}\u0000` : '\u0000#\u0000';
}

/** All paths have the same shape. */
function patternOf(paths: readonly Piece[][]): string {
  const [first] = paths as [Piece[]];
  let parts = 0;
  return first
    .map((piece, i) => {
      if (piece.kind === 'text') return literalText(piece.text);
      if (piece.kind === 'date') return `{date:${piece.form}}`;
      const varies = paths.some((p) => p[i]!.text !== piece.text);
      if (!varies) return piece.text;
      parts++;
      return `{${partName(first[i - 1], parts)}}`;
    })
    .join('');
}

/** Signs that mean something in a pattern match any one character instead. */
const literalText = (text: string) => text.replaceAll(/[*?{}]/g, '?');

/** The word before a number names it: `store_042` gives `store`. */
function partName(before: Piece | undefined, ordinal: number): string {
  const word = before?.kind === 'text' ? /([A-Za-z]+)[^A-Za-z/]*$/.exec(before.text)?.[1]?.toLowerCase() : undefined;
  return word !== undefined && word.length > 1 && word !== 'date'
    ? `${word}${ordinal > 1 ? `_${ordinal}` : ''}`
    : `part_${ordinal}`;
}

function newestFirst(pattern: string, files: readonly RemoteFile[]): RemoteFile[] {
  const compiled = compileNamePattern(pattern);
  const age = new Map(files.map((f) => [f, `${compiled.match(f.path)?.date ?? ''}|${f.modifiedAt ?? ''}|${f.path}`]));
  return [...files].sort((a, b) => (age.get(a)! < age.get(b)! ? 1 : -1));
}

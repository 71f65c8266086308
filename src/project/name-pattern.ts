/**
 * Patterns of file names: `stores/{store}/sales_{date:yyyyMMdd}*.csv.gz`.
 *
 * | written        | matches                                                                                  |
 * | -------------- | ---------------------------------------------------------------------------------------- |
 * | `*`            | any characters but `/`, also none; as many as possible                                   |
 * | `?`            | one character but `/`                                                                    |
 * | `**`           | as a whole path segment: any number of folders, also none; at the end: everything below  |
 * | `{part}`       | one or more characters but `/`, as few as possible; the same part twice must be the same |
 * | `{date:yyyyMMdd}` | a date; tokens and separators in `date-parts.ts`                                      |
 * | anything else  | itself, case and all                                                                     |
 *
 * Where several splits of a name are possible, the leftmost `{part}` is as short as it can be (`{a}_{b}.csv` on `x_y_z.csv` gives a = `x`,
 * b = `y_z`) and a `*` as long as it can be (`*_{a}.csv` gives a = `z`). Only that one split is looked at: if its date does not exist
 * (30 February), the name does not match, even where another split would have had a possible date.
 */
import { GranaryError } from '../lib/errors.ts';
import { checkDateFields, DATE_TOKENS, type DateField, dateOf, parseDateTokens } from './date-parts.ts';

export interface NamePattern {
  /** As written. */
  text: string;
  /** Matches whole paths. */
  regex: RegExp;
  /** Names of the parts, in order of appearance; `date` is among them when the pattern has date parts. */
  parts: string[];
  /** Literal folder that every match lies in or below; '' for the root. */
  folder: string;
  /** Folder levels below `folder` that can hold matches; Infinity with `**`. */
  depth: number;
  /** A path that matches, for checks and messages. */
  example: string;
  match(path: string): NameMatch | undefined;
}

export interface NameMatch {
  /** Values by part name, with `date` as below when the pattern has date parts. */
  parts: Record<string, string>;
  /** `2026-11-19`, or `2026-11-19T04:00:00` when the pattern has a time. A missing day or month counts as the first. */
  date?: string;
}

type Token =
  | { kind: 'text' | 'separator'; text: string }
  | { kind: 'star' | 'any' | 'folders' | 'everything' }
  | { kind: 'part'; name: string }
  | { kind: 'date'; field: DateField };

type Group = { part: string } | { field: DateField };

/** Errors: `config.invalid`, with what is wrong in the pattern. */
export function compileNamePattern(text: string): NamePattern {
  const tokens = tokenize(text);
  const { source, example, groups } = build(tokens);
  const problem = checkDateFields(groups.flatMap((g) => ('field' in g ? [g.field] : [])));
  if (problem) throw invalid(text, problem);

  const regex = new RegExp(`^${source}$`, 's');
  return {
    text,
    regex,
    parts: [...new Set(groups.map((g) => ('part' in g ? g.part : 'date')))],
    ...reach(tokens),
    example,
    match(path) {
      const found = regex.exec(path);
      if (!found) return undefined;
      const values: Record<string, string> = {};
      const dateValues: [DateField, string][] = [];
      for (const [i, group] of groups.entries()) {
        if ('part' in group) values[group.part] = found[i + 1]!;
        else dateValues.push([group.field, found[i + 1]!]);
      }
      if (dateValues.length === 0) return { parts: values };
      const date = dateOf(dateValues);
      return date === undefined ? undefined : { parts: { ...values, date }, date };
    },
  };
}

/** `groups` in the order of the expression's capturing groups. */
function build(tokens: Token[]): { source: string; example: string; groups: Group[] } {
  const groups: Group[] = [];
  const write = (token: Token): [source: string, example: string] => {
    switch (token.kind) {
      case 'text':
      case 'separator':
        return [escapeRegex(token.text), token.text];
      case 'star':
        return ['[^/]*', 'x'];
      case 'any':
        return ['[^/]', 'x'];
      case 'folders':
        return ['(?:[^/]+/)*', 'x/'];
      case 'everything':
        return ['(?:[^/]+/)*[^/]+', 'x'];
      case 'part': {
        const known = groups.findIndex((g) => 'part' in g && g.part === token.name);
        if (known >= 0) return [`(?:\\${known + 1})`, token.name];
        groups.push({ part: token.name });
        return ['([^/]+?)', token.name];
      }
      case 'date':
        groups.push({ field: token.field });
        return [`(${DATE_TOKENS[token.field].regex})`, DATE_TOKENS[token.field].example];
    }
  };
  const pieces = tokens.map(write);
  return { source: pieces.map((p) => p[0]).join(''), example: pieces.map((p) => p[1]).join(''), groups };
}

const escapeRegex = (s: string) => s.replaceAll(/[\\^$.*+?()[\]{}|/]/g, '\\$&');

/** Which folder to list, and how deep. */
function reach(tokens: Token[]): { folder: string; depth: number } {
  const first = tokens[0];
  const prefix = first?.kind === 'text' ? first.text : '';
  const cut = prefix.lastIndexOf('/');
  const rest = tokens.map((t, i) => ('text' in t ? (i === 0 ? t.text.slice(cut + 1) : t.text) : '')).join('');
  const deep = tokens.some((t) => t.kind === 'folders' || t.kind === 'everything');
  return { folder: cut < 0 ? '' : prefix.slice(0, cut), depth: deep ? Infinity : rest.split('/').length - 1 };
}

function tokenize(text: string): Token[] {
  checkPath(text);
  const tokens: Token[] = [];
  const literal = (s: string) => {
    const last = tokens.at(-1);
    if (last?.kind === 'text') last.text += s;
    else tokens.push({ kind: 'text', text: s });
  };
  let at = 0;
  while (at < text.length) {
    const rest = text.slice(at);
    if (rest.startsWith('**')) {
      const whole = (at === 0 || text[at - 1] === '/') && (rest.length === 2 || rest[2] === '/');
      if (!whole) throw invalid(text, '"**" stands for whole folders: write it between slashes, as in "**/*.csv"');
      tokens.push({ kind: rest.length === 2 ? 'everything' : 'folders' });
      at += 3;
    } else if (rest[0] === '*' || rest[0] === '?') {
      tokens.push({ kind: rest[0] === '*' ? 'star' : 'any' });
      at += 1;
    } else if (rest[0] === '{') {
      const end = rest.indexOf('}');
      if (end < 0) throw invalid(text, 'a "{" is not closed');
      tokens.push(...placeholder(text, rest.slice(1, end)));
      at += end + 1;
    } else if (rest[0] === '}') {
      throw invalid(text, 'a "}" has no "{" before it');
    } else {
      literal(rest[0]!);
      at += 1;
    }
  }
  return tokens;
}

function placeholder(pattern: string, inside: string): Token[] {
  if (inside.startsWith('date:')) {
    const pieces = parseDateTokens(inside.slice('date:'.length));
    if (typeof pieces === 'string') throw invalid(pattern, pieces);
    return pieces.map((p): Token => ('field' in p ? { kind: 'date', ...p } : { kind: 'separator', ...p }));
  }
  if (inside === 'date') throw invalid(pattern, '"{date}" needs its form, as in "{date:yyyyMMdd}"');
  if (!/^[a-z][a-z0-9_]*$/.test(inside))
    throw invalid(pattern, `"{${inside}}" is not a part: lower-case letters, digits and _, as in "{store}"`);
  return [{ kind: 'part', name: inside }];
}

function checkPath(text: string): void {
  if (text === '') throw invalid(text, 'it is empty');
  if (text.includes('\\')) throw invalid(text, 'folders are separated by "/", not "\\"');
  if (text.startsWith('/')) throw invalid(text, 'it is relative to the connector’s root: leave out the leading "/"');
  if (text.endsWith('/')) throw invalid(text, 'it names a folder; name the files in it, as in "inbox/*.csv"');
  const outsideBraces = text.replaceAll(/\{[^}]*\}/g, 'x');
  if (outsideBraces.split('/').some((segment) => segment === '' || segment === '.' || segment === '..'))
    throw invalid(text, 'empty, "." and ".." folders are not allowed');
}

function invalid(pattern: string, problem: string): GranaryError {
  return new GranaryError('config.invalid', `the file pattern "${pattern}" is wrong: ${problem}`);
}

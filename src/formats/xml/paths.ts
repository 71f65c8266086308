/**
 * Paths into XML documents, a small part of XPath: names of child elements, `@attribute`, `..`, `.`, `*`, `position()`.
 *
 * `record` leads from below the root to the elements that are rows, or from the document with `/` before it. A column's path starts at
 * the record: `@no`, `Item/@sku`, `../../@id`; with `/` at the document; and one that begins as `record` does is taken as `record` is:
 * `Transaction/@id`.
 */

/** A name in a path: any prefix when none is given. */
export interface NameTest {
  prefix: string | undefined;
  /** `*` for any. */
  local: string;
}

export interface RecordPath {
  /** Tests of all elements from the root to the record. */
  chain: NameTest[];
  /** As written from the document; else the first test is of any root. */
  absolute: boolean;
}

export type PathEnd = { kind: 'text' } | { kind: 'attribute'; name: NameTest } | { kind: 'position' };

export interface ColumnPath {
  /** Which element it starts from: an index into the record's chain. */
  level: number;
  /** Child elements from there. */
  steps: NameTest[];
  end: PathEnd;
}

const NAME = /^(?:([\p{L}_][\p{L}\p{M}\p{N}._-]*):)?([\p{L}_][\p{L}\p{M}\p{N}._·-]*|\*)$/u;

function nameTest(text: string): NameTest | undefined {
  const found = NAME.exec(text);
  return found ? { prefix: found[1], local: found[2]! } : undefined;
}

const ANY: NameTest = { prefix: undefined, local: '*' };

/** Undefined when the text is no path of elements. */
export function parseRecordPath(text: string): RecordPath | undefined {
  const absolute = text.startsWith('/');
  const tests = (absolute ? text.slice(1) : text).split('/').map(nameTest);
  if (!tests.every((t) => t !== undefined)) return undefined;
  return { chain: absolute ? tests : [ANY, ...tests], absolute };
}

/** Returns a sentence when the text is no path of a column. */
export function parseColumnPath(text: string, record: RecordPath): ColumnPath | string {
  const parts = text.split('/');
  const own = record.chain.length - 1;
  let level = own;
  if (text.startsWith('/')) {
    parts.shift();
    level = -1;
  } else if (parts[0] === '.') parts.shift();
  else if (!record.absolute && parts.length > 1 && sameTest(nameTest(parts[0]!), record.chain[1]!)) level = 0;
  const isFull = level < own;
  for (; parts[0] === '..'; parts.shift()) if (--level < 0) return `"${text}" leads above the root`;
  if (isFull)
    while (level < own && parts.length > 0 && sameTest(nameTest(parts[0]!), record.chain[level + 1]!)) {
      level++;
      parts.shift();
    }
  if (level < 0) return `"${text}" does not begin with the root, which is "/${testText(record.chain[0]!)}" here`;
  const end = endOf(parts);
  const steps = parts.map(nameTest);
  if (!end || !steps.every((t) => t !== undefined)) return `"${text}" is not a path`;
  if (end.kind === 'text' && steps.length === 0 && level < own) return `"${text}" is an element that holds the records`;
  if (end.kind === 'position' && (steps.length > 0 || level === 0))
    return `"${text}": only the position of a record, or of an element around it, is known`;
  return { level, steps, end };
}

/** Takes the last part off where it is not an element. */
function endOf(parts: string[]): PathEnd | undefined {
  const last = parts.at(-1);
  if (last === 'position()') {
    parts.pop();
    return { kind: 'position' };
  }
  if (!last?.startsWith('@')) return { kind: 'text' };
  parts.pop();
  const name = nameTest(last.slice(1));
  return name && name.local !== '*' ? { kind: 'attribute', name } : undefined;
}

function sameTest(a: NameTest | undefined, b: NameTest): boolean {
  return a !== undefined && a.prefix === b.prefix && a.local === b.local;
}

export function testText({ prefix, local }: NameTest): string {
  return prefix === undefined ? local : `${prefix}:${local}`;
}

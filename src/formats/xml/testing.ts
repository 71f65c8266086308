/** For tests: what a document's rows are by a slow reader on top of saxes, and by the parser in pieces of any size. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SaxesParser } from 'saxes';
import { type XmlConfig, xmlSpec } from './config.ts';
import type { OuterColumn } from './outer-runs.ts';
import { XmlParser } from './parser.ts';
import { type ColumnPath, type NameTest, parseColumnPath, parseRecordPath } from './paths.ts';
import { Automaton, planXml } from './plan.ts';
import { LateValue, type OuterValues, type RecordSink } from './record-sink.ts';
import { Gathered } from './records.ts';
import type { Page, PageSink } from './row-page.ts';
import { XmlRows } from './rows.ts';

/** The values of a record, or the column for which it is rejected. */
export type Row = (string | null)[] | { repeated: string };

export function xmlConfig(config: Partial<XmlConfig> & { record: string }): XmlConfig {
  const issues: { message: string }[] = [];
  const parsed = xmlSpec.parse(config, [], { issues: issues as never[] });
  if (issues.length > 0) throw new Error(issues.map((i) => i.message).join('; '));
  return parsed!;
}

/** What the parser makes of a document that comes in pieces. Errors: XmlError. */
export function parsedRows(bytes: Uint8Array, config: XmlConfig, sources: readonly string[], piece: number): Row[] {
  try {
    return onePass(bytes, config, sources, piece, undefined);
  } catch (e) {
    if (!(e instanceof LateValue)) throw e;
  }
  const values = new Map<number, OuterValues[]>();
  onePass(bytes, config, sources, piece, {
    record() {},
    tooLong() {},
    closed(gathered, level) {
      const of = {
        values: gathered.plan.columns.map((_, c) => copy(gathered.outerValue(c))),
        repeated: gathered.repeatedOn(level),
      };
      values.set(level, [...(values.get(level) ?? []), of]);
    },
  });
  return onePass(bytes, config, sources, piece, undefined, values);
}

function onePass(
  bytes: Uint8Array,
  config: XmlConfig,
  sources: readonly string[],
  piece: number,
  collector: RecordSink | undefined,
  values: ReadonlyMap<number, OuterValues[]> = new Map(),
): Row[] {
  const plan = planXml(config, sources);
  const known = new Map([...values].map(([level, list]) => [level, () => list.shift()!]));
  const folder = mkdtempSync(join(tmpdir(), 'granary-xml-rows-'));
  const pages = new PageReader(sources.length);
  const out = new XmlRows(folder, { plan, own: plan.chain.length - 1 }, pages);
  try {
    const sink = collector ?? out;
    const gathered = new Gathered(plan, sink, { trim: config.trim, separator: config.separator, known });
    const parser = new XmlParser(new Automaton(plan), gathered);
    for (let i = 0; i < bytes.length; i += piece) parser.push(bytes.subarray(i, i + piece));
    parser.finish();
    out.close();
    return rowsIn(out, pages);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Rows and rejects in the order of the document. */
function rowsIn(out: XmlRows, pages: PageReader): Row[] {
  const found = [...pages.rows];
  for (const line of readFileSync(out.rejects.path, 'utf8').matchAll(/^"(\d+)","\d+","structure","((?:[^"]|"")*)",/gm))
    found.push([Number(line[1]), { repeated: line[2]!.replaceAll('""', '"') }]);
  return found.sort(([a], [b]) => a - b).map(([, row]) => row);
}

/** Takes pages apart again. */
class PageReader implements PageSink {
  readonly rows: [record: number, row: Row][] = [];
  readonly #columns: number;

  constructor(columns: number) {
    this.#columns = columns;
  }

  write(page: Page): void {
    const cells = Array.from({ length: this.#columns }, (_, c) => cellsOf(page, c));
    for (let r = 0; r < page.rows; r++) this.rows.push([page.ordinals[r]!, cells.map((column) => column[r]!)]);
  }
}

function cellsOf(page: Page, column: number): (string | null)[] {
  const outer = page.outer(column);
  if (outer) return outerCellsOf(outer, page.runs);
  const bits = page.bits(column);
  const values = Buffer.from(page.values(column));
  let at = 0;
  return Array.from({ length: page.rows }, (_, r) => {
    if (((bits[r >> 3]! >> (r & 7)) & 1) === 0) return null;
    const from = at + 4;
    at = from + values.readUInt32LE(at);
    return values.toString('utf8', from, at);
  });
}

function outerCellsOf({ present, values }: OuterColumn, runs: Int32Array): (string | null)[] {
  const bytes = Buffer.from(values);
  let at = 0;
  const cells = [...runs].flatMap((rows, r) => {
    if (present[r] === 0) return new Array<null>(rows).fill(null);
    const from = at + 4;
    at = from + bytes.readUInt32LE(at);
    return new Array<string>(rows).fill(bytes.toString('utf8', from, at));
  });
  assert.equal(at, bytes.length);
  return cells;
}

const copy = (value: Uint8Array | undefined) => value && Uint8Array.from(value);

interface Node {
  uri: string;
  local: string;
  attributes: { uri: string; local: string; prefix: string; value: string }[];
  children: (Node | string)[];
  parent: Node | undefined;
}

/** What saxes makes of it. Throws when saxes refuses the document. */
export function referenceRows(bytes: Uint8Array, config: XmlConfig, sources: readonly string[]): Row[] {
  const record = parseRecordPath(config.record)!;
  const paths = sources.map((s) => parseColumnPath(s, record) as ColumnPath);
  const matches = (test: NameTest) => (node: { uri: string; local: string }) =>
    (test.local === '*' || test.local === node.local) &&
    (test.prefix === undefined
      ? !node.uri.startsWith('http://www.w3.org/')
      : config.namespaces?.[test.prefix] === node.uri);
  const elements = (node: Node) => node.children.filter((c) => typeof c !== 'string');
  const walk = (from: Node[], tests: readonly NameTest[]): Node[] =>
    tests.reduce((nodes, test) => nodes.flatMap((n) => elements(n).filter(matches(test))), from);
  const document = documentOf(bytes);
  return walk([document], record.chain).map((node) => {
    const line: Node[] = [];
    for (let n: Node | undefined = node; n?.parent; n = n.parent) line.unshift(n);
    const out: (string | null)[] = [];
    for (const [c, { level, steps, end }] of paths.entries()) {
      const start = line[level]!;
      if (end.kind === 'position') {
        out.push(String(1 + elements(start.parent!).filter(matches(record.chain[level]!)).indexOf(start)));
        continue;
      }
      const values = walk([start], steps).flatMap((n) => {
        if (end.kind === 'text') return present(config, textOf(n), keeps(n));
        return n.attributes.filter(matches(end.name)).flatMap((a) => present(config, a.value, false));
      });
      const how = config.repeated_in?.[sources[c]!] ?? config.repeated;
      if (values.length > 1 && how === 'reject') return { repeated: sources[c]! };
      out.push(values.length === 0 ? null : how === 'join' ? values.join(config.separator) : values[0]!);
    }
    return out;
  });
}

function present(config: XmlConfig, value: string | undefined, keep: boolean): string[] {
  if (value === undefined) return [];
  if (!config.trim || keep) return [value];
  const trimmed = value.replace(/^[ \t\r\n]+|[ \t\r\n]+$/g, '');
  return trimmed === '' ? [] : [trimmed];
}

/** Undefined for what `xsi:nil` says is missing. */
function textOf(node: Node): string | undefined {
  const nil = node.attributes.find((a) => a.uri === 'http://www.w3.org/2001/XMLSchema-instance' && a.local === 'nil');
  if (nil && ['true', '1'].includes(nil.value.trim())) return undefined;
  const all = (n: Node): string => n.children.map((c) => (typeof c === 'string' ? c : all(c))).join('');
  return all(node);
}

function keeps(node: Node): boolean {
  for (let n: Node | undefined = node; n; n = n.parent) {
    const space = n.attributes.find((a) => a.prefix === 'xml' && a.local === 'space');
    if (space) return space.value === 'preserve';
  }
  return false;
}

function documentOf(bytes: Uint8Array): Node {
  const parser = new SaxesParser({ xmlns: true });
  const document: Node = { uri: '', local: '', attributes: [], children: [], parent: undefined };
  let node = document;
  parser.on('error', (e) => {
    throw e;
  });
  parser.on('opentag', (tag) => {
    const child: Node = {
      uri: tag.uri,
      local: tag.local,
      attributes: Object.values(tag.attributes),
      children: [],
      parent: node,
    };
    node.children.push(child);
    node = child;
  });
  parser.on('closetag', () => {
    node = node.parent!;
  });
  const text = (t: string) => void node.children.push(t);
  parser.on('text', text);
  parser.on('cdata', text);
  parser.write(new TextDecoder('utf-8', { fatal: true }).decode(bytes)).close();
  return document;
}

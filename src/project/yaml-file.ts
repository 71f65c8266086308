/**
 * YAML files with positions. The values are those of YAML 1.2, with anchors, aliases and `<<` merge keys. Two things differ from what a YAML
 * library returns by itself: a number whose text is not its usual one (`007`, `1.50`, digits beyond 2^53) is given as its text, so that no
 * digit of a code or an amount is lost (specs of numbers read the text); and mappings have no prototype, so that every key is data.
 */
import {
  type Alias,
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type Pair,
  parseDocument,
} from 'yaml';
import { isMapping } from '../lib/spec/common.ts';
import type { Position, Problem } from './problems.ts';

export interface YamlFile {
  /** Relative to the project folder. */
  file: string;
  document: Document;
  lines: LineCounter;
  /** Undefined when the file is empty or has problems. */
  value: unknown;
}

/** More values than this by way of aliases are a mistake or an attack. */
const MAX_ALIASED = 100_000;

/** Parses a file; every problem of syntax is in `problems`, with its position. */
export function parseYamlFile(file: string, text: string): { yaml: YamlFile; problems: Problem[] } {
  const lines = new LineCounter();
  // Keys are compared below, where both places can be told.
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: false }) as Document;
  const yaml: YamlFile = { file, document, lines, value: undefined };
  const problems = [...document.errors, ...document.warnings].map(({ code, message, pos }) => ({
    ...positionAt(yaml, pos[0]),
    ...explain(code, message),
  }));
  if (problems.length === 0) {
    const reader: Reader = { yaml, problems, aliased: 0, open: new Set() };
    const value = read(document.contents, reader);
    if (problems.length === 0) yaml.value = value ?? undefined;
  }
  return { yaml, problems };
}

export function positionAt(yaml: YamlFile, offset: number): Position {
  const { line, col } = yaml.lines.linePos(offset);
  return { file: yaml.file, line, column: col };
}

/** Offset at which a node starts in the text. */
export const startOf = (node: Node): number => node.range?.[0] ?? 0;

/** The node that an alias stands for, or the node itself. */
export function target(node: unknown, document: Document): Node | undefined {
  const found = isAlias(node) ? node.resolve(document) : node;
  return (found as Node | null) ?? undefined;
}

/** True for the key of a merge: a plain `<<`. */
export function isMergeKey(key: unknown): boolean {
  return isScalar(key) && key.value === '<<' && key.type === 'PLAIN';
}

/** The mappings that a merge key's value names, in order of precedence. */
export function mergeSources(value: unknown, document: Document): Node[] {
  const node = target(value, document);
  const items = isSeq(node) ? node.items.map((item) => target(item, document)) : [node];
  return items.filter((item) => isMap(item));
}

/** By the parser's codes: what is meant, where its own words do not say it, and what to do. */
const EXPLANATIONS: Record<string, { message?: string; hint: string }> = {
  TAB_AS_INDENT: { message: 'a tab is used to indent', hint: 'YAML allows only spaces there' },
  MULTIPLE_DOCS: { message: 'a second document starts here', hint: 'Write one document per file' },
  TAG_RESOLVE_FAILED: { hint: 'Tags are not used in a project; quote text that starts with "!"' },
  UNEXPECTED_TOKEN: { hint: `Quote the whole text when it starts with a quote, "{" or "[": "'x' <> y"` },
  BAD_SCALAR_START: { hint: 'Quote the text' },
  BAD_DQ_ESCAPE: { hint: 'Use single quotes: in them a backslash is a backslash' },
  MULTILINE_IMPLICIT_KEY: { hint: 'A space may be missing after a colon, or the indentation be wrong' },
  BLOCK_AS_IMPLICIT_KEY: { hint: 'Quote text with ": " in it' },
};

function explain(code: string, message: string): { message: string; hint?: string } {
  const own = message.replace(/\s*\n[\s\S]*$/, '').replace(/[.:]$/, '');
  return { message: own, ...EXPLANATIONS[code] };
}

interface Reader {
  yaml: YamlFile;
  problems: Problem[];
  /** Values read by way of aliases. */
  aliased: number;
  /** Anchored nodes that are being read. */
  open: Set<Node>;
}

function read(node: unknown, reader: Reader): unknown {
  if (node === null || node === undefined) return null;
  if (reader.open.size > 0) reader.aliased += 1;
  if (reader.aliased > MAX_ALIASED) {
    if (reader.aliased === MAX_ALIASED + 1) report(reader, node as Node, 'aliases unfold to far too many values');
    return null;
  }
  if (isScalar(node)) {
    const plainNumber = typeof node.value === 'number' && node.source !== undefined;
    return plainNumber && String(node.value) !== node.source ? node.source : node.value;
  }
  if (isSeq(node)) return node.items.map((item) => read(item, reader));
  if (isMap(node)) return readMapping(node.items, reader);
  return readAlias(node as Alias, reader);
}

function readAlias(alias: Alias, reader: Reader): unknown {
  const found = target(alias, reader.yaml.document);
  if (!found || reader.open.has(found)) {
    const message = found
      ? 'an alias is inside its own anchor'
      : `there is no anchor "&${alias.source}" before this alias`;
    report(reader, alias, message, found ? undefined : `Quote text that starts with "*": "*${alias.source}"`);
    return null;
  }
  reader.open.add(found);
  const value = read(found, reader);
  reader.open.delete(found);
  return value;
}

function readMapping(pairs: Pair[], reader: Reader): Record<string, unknown> {
  const out: Record<string, unknown> = Object.create(null);
  const own = new Map<string, Node>();
  for (const { key, value } of pairs) {
    if (isMergeKey(key)) {
      const sources = isSeq(value) ? value.items : [value];
      const merged = sources.map((source) => read(source, reader)).filter(isMapping);
      if (merged.length < sources.length)
        report(reader, key as Node, '"<<" needs an alias of a mapping, as in "<<: *defaults"');
      for (const mapping of merged) for (const [k, v] of Object.entries(mapping)) if (!(k in out)) out[k] = v;
      continue;
    }
    if (!isScalar(key) || key.value === null) {
      if (key) report(reader, key as Node, 'a key must be text');
      continue;
    }
    const name = key.source ?? String(key.value);
    const first = own.get(name);
    if (first)
      report(reader, key, `"${name}" is here twice; first on line ${positionAt(reader.yaml, startOf(first)).line}`);
    own.set(name, key);
    out[name] = read(value, reader);
  }
  return out;
}

function report(reader: Reader, node: Node, message: string, hint?: string): void {
  reader.problems.push({ ...positionAt(reader.yaml, startOf(node)), message, hint });
}

/** Discovery of XML: a table for every element that is repeated, with the keys of those around it. */

import { GranaryError } from '../../lib/errors.ts';
import type { DiscoveredColumn, DiscoveredPart, DiscoverInput, Discovery, ReadInput } from '../../ports/format.ts';
import { inferParsed } from '../lib/discovery.ts';
import type { RowWriter } from '../lib/row-writer.ts';
import { type XmlConfig, xmlSpec } from './config.ts';
import { malformed, placeOf, XmlError } from './errors.ts';
import { XmlParser } from './parser.ts';
import { findFault } from './passes.ts';
import { parseRecordPath } from './paths.ts';
import { Automaton, planXml } from './plan.ts';
import { type Profile, profileDocument } from './profile.ts';
import type { RecordSink } from './record-sink.ts';
import { Gathered } from './records.ts';
import { pathUp, type Table, tableAt, tablesOf } from './tables.ts';
import { textOf } from './text.ts';

const MOST_TABLES = 20;
const KEY_TYPES = /^(integer|bigint|text|uuid|decimal\(\d+,0\))$/;

export async function discoverXml(input: DiscoverInput<XmlConfig>): Promise<Discovery<XmlConfig>> {
  const given = { ...xmlSpec.parse({ record: '*' }, [], { issues: [] })!, ...input.config };
  const root = await profileOf(input.path, given, input.whole);
  if (!root) return { config: {}, columns: [], rowsSeen: 0, notes: ['There is no element in it.'] };
  const all = tablesOf(root);
  const { record } = input.config;
  const tables = record === undefined ? all.slice(0, MOST_TABLES) : tablesFor(record, root, all);
  const found: Found[] = [];
  for (const table of tables) found.push(await examine(input, given, table, found));
  const [first, ...parts] = found;
  if (!first) return { config: {}, columns: [], rowsSeen: 0, notes: [`There is no element at "${record}".`] };
  const left = all.slice(MOST_TABLES).map((t) => t.record);
  const isOwn = record === undefined;
  return {
    config: isOwn ? { record: first.part.record } : {},
    columns: first.part.columns,
    rowsSeen: first.part.rowsSeen,
    notes: [
      ...first.part.notes,
      ...(left.length > 0 ? [`There are more repeated elements: ${left.join(', ')}.`] : []),
      ...ambiguous(root, ''),
    ],
    ...(isOwn && parts.length > 0 && { parts: parts.map((p) => p.part) }),
  };
}

/** What is wrong with a document is told as it is when it is read. */
async function profileOf(path: string, config: XmlConfig, whole: boolean): Promise<Profile | undefined> {
  try {
    return await profileDocument(path, config, whole);
  } catch (e) {
    const isMalformed = e instanceof GranaryError && e.code === 'format.invalid';
    const fault = isMalformed ? await findFault({ path, config }) : undefined;
    if (!fault) throw e;
    throw malformed(fault.error, await placeOf(textOf(path, config), fault.error.offset));
  }
}

function tablesFor(record: string, root: Profile, all: readonly Table[]): Table[] {
  const chain = parseRecordPath(record)?.chain ?? [];
  const table = all.find((t) => t.record === record) ?? tableAt(root, record, chain);
  return table ? [table] : [];
}

interface Found {
  table: Table;
  part: DiscoveredPart;
  /** A column that identifies its rows. */
  key: DiscoveredColumn | undefined;
}

/** `before`: tables that come before it, those around it among them. */
async function examine(
  input: DiscoverInput<XmlConfig>,
  given: XmlConfig,
  table: Table,
  before: readonly Found[],
): Promise<Found> {
  const config: XmlConfig = { ...given, record: table.record };
  const { columns, rows, notes, rejected } = await inferParsed({
    input,
    config,
    names: table.columns,
    parse: sampleRows,
  });
  const own = columns.map(({ thousands: _, ...column }) => ({ ...column, name: nameOf(column.source, table) }));
  const { keys, isPosition } = keysAround(table, before);
  // A table has a column at least.
  const positions = table.parent || own.length === 0 ? [position('position()', 'position')] : [];
  const part: DiscoveredPart = {
    name: table.name,
    record: table.record,
    columns: [...keys, ...positions, ...own],
    rowsSeen: own.length === 0 ? table.count : rows,
    keys: table.parent ? [[...keys.map((k) => k.source), 'position()']] : [],
    notes: [
      ...notes,
      ...(rejected > 0 ? [`${rejected} records would be rejected.`] : []),
      ...(isPosition ? [`Nothing identifies <${table.parent!.name}>: its position is the key, within one file.`] : []),
    ],
  };
  const key = own.find((c) => c.unique && !c.nullable && KEY_TYPES.test(c.type));
  return { table, part, key };
}

const position = (source: string, name: string): DiscoveredColumn => ({
  source,
  name,
  type: 'integer',
  nullable: false,
  unique: false,
  examples: [],
});

/** The columns that lead to the row around: its key, or where there is none its position and what leads on from it. */
function keysAround(table: Table, before: readonly Found[]): { keys: DiscoveredColumn[]; isPosition: boolean } {
  const keys: DiscoveredColumn[] = [];
  let isPosition = false;
  for (let around = table.parent; around; around = around.parent) {
    const key = before.find((f) => f.table === around)?.key;
    const up = pathUp(table, around);
    if (key) {
      const source = key.source === '.' ? up : `${up}/${key.source}`;
      keys.unshift({ ...key, source, name: `${around.name} ${key.name ?? key.source}`, unique: false });
      break;
    }
    isPosition = true;
    keys.unshift(position(`${up}/position()`, `${around.name} position`));
  }
  return { keys, isPosition };
}

/** The text of an element is called as the element is. */
function nameOf(source: string, table: Table): string {
  return source === '.' ? table.name : source.replaceAll('@', '');
}

/** Names that stand for several things. */
function ambiguous(profile: Profile, path: string): string[] {
  const here = `${path}/${profile.name}`;
  const own =
    profile.uris.size > 1
      ? [
          `${here} occurs in several namespaces (${[...profile.uris].join(', ')}): \`namespaces\` in the format tells them apart.`,
        ]
      : [];
  return [...own, ...[...profile.children.values()].flatMap((c) => ambiguous(c, here))].slice(0, 5);
}

/** Writes about `limit` rows, or as many as a document that is cut off has. */
async function sampleRows(
  { path, config, columns }: ReadInput<XmlConfig>,
  out: RowWriter,
  limit: number,
): Promise<void> {
  const plan = planXml(
    config,
    columns.map((c) => c.source),
  );
  const sink: RecordSink = {
    record(gathered, bytes) {
      if (gathered.repeated >= 0) {
        const column = plan.columns[gathered.repeated]!.source;
        out.reject({ line: gathered.ordinal, rule: 'structure', column, reason: 'repeated', raw: undefined });
        return;
      }
      for (let c = 0; c < columns.length; c++) {
        const value = gathered.joined(c, bytes);
        if (value) out.rows.bytes(value, 0, value.length);
        else out.rows.missing();
      }
      out.endRow(gathered.ordinal);
    },
    tooLong: (gathered) => out.reject({ line: gathered.ordinal, rule: 'too_long', reason: 'too long', raw: undefined }),
  };
  const options = { trim: config.trim, separator: config.separator, known: new Map() };
  const parser = new XmlParser(new Automaton(plan), new Gathered(plan, sink, options));
  try {
    for await (const chunk of textOf(path, config)) {
      parser.push(chunk);
      if (out.rows.rows >= limit) return;
    }
  } catch (e) {
    if (!(e instanceof XmlError)) throw e;
  }
}

/** The footer of a Parquet file, read without the engine: how many rows there are and what the columns are called. */
import { open } from 'node:fs/promises';
import { GranaryError } from '../../lib/errors.ts';
import { CompactReader } from './thrift.ts';

export interface ParquetFooter {
  /** Rows of the whole file, and those of its row groups added up: they agree in a file that is sound. */
  rows: number;
  groupRows: number;
  /** Names of the top-level columns, in order. */
  columns: string[];
}

const MAGIC = 'PAR1';
const ENCRYPTED_MAGIC = 'PARE';
/** Length of the footer and the magic, at the end of a file. */
const TAIL_BYTES = 8;
const LARGEST_FOOTER = 256 * 2 ** 20;

/** Throws `format.invalid` for what is no Parquet file, is cut off, or is encrypted; `format.empty` for a file without a byte. */
export async function readFooter(path: string): Promise<ParquetFooter> {
  const file = await open(path);
  try {
    const { size } = await file.stat();
    if (size === 0) throw new GranaryError('format.empty', 'The file has no content.');
    const read = async (from: number, bytes: number) => (await file.read(Buffer.alloc(bytes), 0, bytes, from)).buffer;
    const head = (await read(0, 4)).toString('latin1');
    if (size < TAIL_BYTES + 4 || (head !== MAGIC && head !== ENCRYPTED_MAGIC))
      throw invalid('it does not begin as one', 'Check that it is the right file.');
    const tail = await read(size - TAIL_BYTES, TAIL_BYTES);
    const end = tail.toString('latin1', 4);
    if (end === ENCRYPTED_MAGIC)
      throw invalid('its footer is encrypted', 'Ask the sender for a file without encryption.');
    const length = tail.readUInt32LE(0);
    if (end !== MAGIC || length > Math.min(size - TAIL_BYTES - 4, LARGEST_FOOTER)) {
      throw invalid(
        'it does not end as one',
        'It was probably cut off: fetch it again, or ask the sender for a complete one.',
      );
    }
    return parseFooter(await read(size - TAIL_BYTES - length, length));
  } finally {
    await file.close();
  }
}

/** `FileMetaData` of the Parquet format: 2 schema, 3 num_rows, 4 row_groups. Pure. */
export function parseFooter(bytes: Uint8Array): ParquetFooter {
  try {
    const footer: ParquetFooter = { rows: -1, groupRows: 0, columns: [] };
    const reader = new CompactReader(bytes);
    for (const field of reader.fields()) {
      if (field.id === 2) footer.columns = topLevelNames(reader);
      else if (field.id === 3) footer.rows = reader.integer();
      else if (field.id === 4) reader.list(() => (footer.groupRows += rowsOfGroup(reader)));
      else reader.skip(field.type);
    }
    if (footer.rows < 0 || footer.rows !== footer.groupRows) throw new RangeError('row counts do not agree');
    return footer;
  } catch (e) {
    if (!(e instanceof RangeError)) throw e;
    throw invalid(
      'its footer is damaged',
      'Fetch the file again; if it stays like this, ask the sender for a new one.',
      e,
    );
  }
}

/** `SchemaElement`s are the nodes of a tree, parents first: 4 name, 5 num_children. The first one is the root. */
function topLevelNames(reader: CompactReader): string[] {
  const nodes: { name: string; children: number }[] = [];
  reader.list(() => {
    const node = { name: '', children: 0 };
    for (const field of reader.fields()) {
      if (field.id === 4) node.name = reader.text();
      else if (field.id === 5) node.children = reader.integer();
      else reader.skip(field.type);
    }
    nodes.push(node);
  });
  const names: string[] = [];
  for (let i = 1; i < nodes.length; ) {
    names.push(nodes[i]!.name);
    for (let open = 1; open > 0 && i < nodes.length; i++) open += nodes[i]!.children - 1;
  }
  return names;
}

/** `RowGroup`: 3 num_rows. */
function rowsOfGroup(reader: CompactReader): number {
  let rows = 0;
  for (const field of reader.fields()) {
    if (field.id === 3) rows = reader.integer();
    else reader.skip(field.type);
  }
  return rows;
}

function invalid(problem: string, hint: string, cause?: unknown): GranaryError {
  return new GranaryError('format.invalid', `It is not a Parquet file that can be read: ${problem}.`, { hint, cause });
}

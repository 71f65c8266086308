/** Items of a Map, on their way into the table `item`: from an array of the input, or from the bytes of an object of any size. */
import type { Core, Frame } from './core.ts';
import { isDatabaseError } from './database.ts';
import { readPath } from './paths.ts';
import type { Json, MapState } from './types.ts';
import { StatesError } from './types.ts';

const ROWS_AT_ONCE = 1000;
const CHARACTERS_AT_ONCE = 1_000_000;
/** A single item of an object cannot become the input of a child beyond this. */
const MAX_ITEM_BYTES = 262_144;

/** Items as rows of the table: one each, or one per batch as an array. */
function rowWriter(
  core: Core,
  frame: number,
  batch: number,
): { add(item: string): void; end(): number; full(): boolean; store(): void } {
  let rows: { idx: number; first: number; input: string }[] = [];
  let characters = 0;
  let items = 0;
  let idx = 0;
  let open: string[] = [];
  const close = () => {
    if (open.length === 0) return;
    const input = batch > 1 ? `[${open.join(',')}]` : open[0]!;
    rows.push({ idx: idx++, first: items - open.length, input });
    characters += input.length;
    open = [];
  };
  return {
    add(item) {
      open.push(item);
      items++;
      if (open.length >= batch) close();
    },
    full: () => rows.length >= ROWS_AT_ONCE || characters >= CHARACTERS_AT_ONCE,
    store() {
      for (const row of rows)
        core.db.run('INSERT INTO item(frame, idx, first, input) VALUES(?,?,?,?)', frame, row.idx, row.first, row.input);
      rows = [];
      characters = 0;
    },
    end() {
      close();
      return idx;
    },
  };
}

/** With an ItemBatcher a row is an array, also of one item. */
function batchOf(state: MapState): { size: number; wrap: (item: string) => string } {
  const size = state.ItemBatcher ? (state.ItemBatcher.MaxItemsPerBatch ?? 1) : 1;
  return { size, wrap: state.ItemBatcher && size === 1 ? (item) => `[${item}]` : (item) => item };
}

/** Within the caller's transaction. Returns the number of children. */
export function inlineItems(core: Core, frame: Frame, state: MapState, input: Json, context: Json): number {
  const items = state.ItemsPath === undefined ? input : readPath(state.ItemsPath, input, context);
  if (!Array.isArray(items))
    throw new StatesError('States.Runtime', `${state.ItemsPath ?? '$'} of the Map ${frame.state} is not an array`);
  core.db.run('DELETE FROM item WHERE frame = ?', frame.id);
  const { size, wrap } = batchOf(state);
  const writer = rowWriter(core, frame.id, size);
  for (const item of items) {
    writer.add(wrap(JSON.stringify(item)));
    if (writer.full()) writer.store();
  }
  const total = writer.end();
  writer.store();
  return total;
}

/**
 * Reads an object into the table, in transactions of at most a thousand rows, and returns the number of children. `alive` is asked before
 * each: when it says no, the state was left meanwhile and nothing more is written. Throws `States.ItemReaderFailed`.
 */
export async function readItems(
  core: Core,
  frame: Frame,
  state: MapState,
  parameters: Json,
  alive: () => boolean,
): Promise<number> {
  const { Resource, ReaderConfig } = state.ItemReader!;
  if (!core.host.readItems) throw new StatesError('States.ItemReaderFailed', 'this host reads no items');
  const type = ReaderConfig?.InputType;
  if (type !== 'JSON' && type !== 'JSONL')
    throw new StatesError('States.ItemReaderFailed', `InputType ${type} is not supported`);
  const { size, wrap } = batchOf(state);
  const writer = rowWriter(core, frame.id, size);
  const store = async () => {
    if (!alive()) throw new StatesError('States.ItemReaderFailed', 'the state was left');
    await whileDiskRefuses(core, alive, () => core.db.transaction(() => writer.store()));
    // Others have their turn between two pages.
    await new Promise((resolve) => setImmediate(resolve));
  };
  try {
    const bytes = await core.host.readItems(Resource, parameters);
    let left = ReaderConfig?.MaxItems || Number.POSITIVE_INFINITY;
    for await (const item of type === 'JSONL' ? splitLines(bytes) : splitArray(bytes)) {
      if (left-- <= 0) break;
      // Stored as it is, once it is known to be JSON.
      JSON.parse(item);
      writer.add(wrap(item));
      if (writer.full()) await store();
    }
    const total = writer.end();
    await store();
    return total;
  } catch (e) {
    if (e instanceof StatesError || isDatabaseError(e)) throw e;
    throw new StatesError('States.ItemReaderFailed', e instanceof Error ? e.message : String(e));
  }
}

/** Tries again each second while the disk is full, say. */
async function whileDiskRefuses(core: Core, alive: () => boolean, work: () => void): Promise<void> {
  for (;;) {
    try {
      return work();
    } catch (e) {
      if (!isDatabaseError(e) || !alive()) throw e;
      core.host.onTrouble?.(e as Error);
      await core.host.clock.sleep(1000);
    }
  }
}

const tooLong = () => new StatesError('States.ItemReaderFailed', `an item is larger than ${MAX_ITEM_BYTES} bytes`);

/** Lines that are not blank. */
export async function* splitLines(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  let rest: Buffer<ArrayBufferLike> = Buffer.alloc(0);
  for await (const chunk of bytes) {
    const all = rest.length > 0 ? Buffer.concat([rest, chunk]) : Buffer.from(chunk);
    let from = 0;
    for (let at = all.indexOf(10); at >= 0; at = all.indexOf(10, from)) {
      const line = all.toString('utf8', from, at).trim();
      from = at + 1;
      if (line !== '') yield line;
    }
    rest = all.subarray(from);
    if (rest.length > MAX_ITEM_BYTES) throw tooLong();
  }
  const line = rest.toString('utf8').trim();
  if (line !== '') yield line;
}

const [QUOTE, BACKSLASH, COMMA, OPEN, CLOSE, OPEN_OBJECT, CLOSE_OBJECT] = [34, 92, 44, 91, 93, 123, 125];

/** The elements of the array that the bytes are, as text, without holding more than one of them. */
export async function* splitArray(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const wrong = (what: string) => new StatesError('States.ItemReaderFailed', `the object is not a JSON array: ${what}`);
  let rest: Buffer<ArrayBufferLike> = Buffer.alloc(0);
  let depth = 0;
  let inString = false;
  let escaped = false;
  let closed = false;
  let yielded = 0;
  for await (const chunk of bytes) {
    const all = rest.length > 0 ? Buffer.concat([rest, chunk]) : Buffer.from(chunk);
    // What was kept has been looked at.
    let from = 0;
    for (let i = rest.length; i < all.length; i++) {
      const c = all[i];
      if (inString) {
        if (escaped) escaped = false;
        else if (c === BACKSLASH) escaped = true;
        else if (c === QUOTE) inString = false;
      } else if (c === QUOTE) {
        if (depth === 0) throw wrong('it does not begin with [');
        inString = true;
      } else if (c === OPEN || c === OPEN_OBJECT) {
        if (depth === 0 && (c !== OPEN || closed || all.toString('utf8', from, i).trim() !== ''))
          throw wrong(closed ? 'something follows its end' : 'it does not begin with [');
        if (depth++ === 0) from = i + 1;
      } else if (c === CLOSE || c === CLOSE_OBJECT) {
        if (--depth > 0) continue;
        if (depth < 0) throw wrong('it does not begin with [');
        const last = all.toString('utf8', from, i).trim();
        if (last !== '') yield last;
        else if (yielded > 0) throw wrong('a comma before its end');
        closed = true;
        from = i + 1;
      } else if (c === COMMA && depth === 1) {
        yield all.toString('utf8', from, i).trim();
        yielded++;
        from = i + 1;
      }
    }
    rest = all.subarray(from);
    if (rest.length > MAX_ITEM_BYTES) throw tooLong();
  }
  if (!closed) throw wrong('it ends too early');
  if (rest.toString('utf8').trim() !== '') throw wrong('something follows its end');
}

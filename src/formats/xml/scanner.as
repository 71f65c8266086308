// Passes the usual tokens of an XML document: text, the five references that XML defines, start tags with plain attributes, end tags;
// and writes the rows of records whose values are plain, column by column as Parquet has them.
// Whatever else comes is left to the host, parser.ts, which does one token and calls again; it can do all that is done here, too.
// AssemblyScript; `node src/lib/scan/build.ts` compiles it into scanner.wasm.ts. The host side is scanner.ts.

// Memory map, in bytes; scanner.ts has the same.
const NAME_BYTES: usize = 2048; // by byte: may it be in a name?
const FLAGS: usize = 2560; // by state
const LEVELS: usize = 4096; // by state
const SYMBOLS: usize = 8192; // by name: its symbol in the scope that is open; -1 when the host must say
const SPECIAL: usize = 12288; // by name: has it a prefix, or is it xmlns?
const STARTS: usize = 16384; // by name: where it begins in POOL
const HASHES: usize = 20992; // by name
const SLOTS: usize = 28672; // 4096 of them: a name plus one, or 0
const SLOT_MASK: i32 = 4095;
const POOL: usize = 65536;
const TRANSITIONS: usize = 131072; // by state * 64 + symbol
const SEEN: usize = 196608; // by name: the last tag with such an attribute
const STATES: usize = 204800; // by depth
const OPEN: usize = 245760; // by depth: name
const CONTENTS: usize = 286720; // by depth: where the content begins
const KEEP: usize = 327680; // by depth: is white space kept?
const FIRST_ATTRIBUTES: usize = 200704; // by name: the attribute that followed it the last time, plus one
const ATTRIBUTES: usize = 339968; // of one tag: name, start, end, kind
const MOST_ATTRIBUTES: i32 = 64;
const EVENTS: usize = 344064;
const EVENTS_END: usize = 606208;
const CELL_STARTS: usize = 606208; // of the record, by column
const CELL_ENDS: usize = 607232;
const CELL_KINDS: usize = 608256;
const FIELDS: usize = 608512; // of the record, in a row: columns; where it is the position, the complement
const TEXT_COLUMNS: usize = 609536; // by state: the one column of the record that its text is; -1 for none or several
const ATTRIBUTE_ROWS: usize = 610560; // by state: which row of ATTRIBUTE_COLUMNS is its; -1 for none
const ATTRIBUTE_COLUMNS: usize = 611584; // by row * 1024 + name: a column of the record, -1 for none, -2 when the host must say
const SHARED: usize = 648448;
const FOLLOWERS: usize = 649216; // by name of an element: that of the element that began after it the last time, plus one
// The page of rows: of each value its length in four bytes, then the value; and a bit that says whether there is one.
const LINES: usize = 655360; // by row
const ORDINALS: usize = 720896; // by row
const MOST_ROWS: i32 = 16384;
const BITS: usize = 786432; // by column: MOST_ROWS of them
const BIT_BYTES: i32 = 2048;
const USED: usize = 1310720; // by column: bytes in VALUES
const NEXT: usize = 1311744; // by column: the same with the row that is being written
const VALUES: usize = 1376256; // by column: `capacity` bytes
const MOST_OF_A_TOKEN: usize = (3 + 64) * 24; // events
const WINDOW: usize = 5570560;

const MOST_NAMES: i32 = 1024;
const MOST_STATES: i32 = 256;
const MOST_LEVELS: i32 = 10000;

const LEVEL: i32 = 1;
const TEXT: i32 = 2;
const WITH_ATTRIBUTES: i32 = 4;

const PLAIN: i32 = 1;
const CONTENT: i32 = 2;
const REFERENCES: i32 = 3; // in the value of an attribute
const TEXT_REFERENCES: i32 = 5; // in text without markup
const KIND_MASK: i32 = 7;

// Events of six numbers each.
const OPENED: i32 = 1; // level, start, line
const ATTRIBUTE: i32 = 2; // state, name, start, end, kind
const VALUE: i32 = 3; // state, start, end, kind
const CLOSED: i32 = 4; // level, end

// Numbers that both sides read and write, by their place in SHARED.
const ORDINAL: usize = 0; // of the record
const OWN_POSITION: usize = 4; // of the record, in its parent
const RECORD_START: usize = 8; // in the window; -1 outside of records
const RECORD_LINE: usize = 12;
const LAST_LINE: usize = 16; // of the last record that became a row or was rejected
const SHARES_LINES: usize = 20;
const REPEATED: usize = 24; // a column that has several values, or -1
const NEEDS_HOST: usize = 28; // bits: what rows begin with has changed; the host must write the row of this record
const CHANGED: i32 = 1;
const COMPLEX: i32 = 2;
const ROWS: usize = 32; // in the page
const PAGE_FULL: usize = 36;

@inline
function get(what: usize): i32 { return load<i32>(SHARED + what); }
@inline
function put(what: usize, value: i32): void { store<i32>(SHARED + what, value); }

// Columns of a record; -1 when rows are not written here.
let columns: i32 = -1;
let fields: i32;
let capacity: i32;
let trim: bool;
let position: i32;
let depth: i32;
let leaf: bool;
let line: i32;
let counted: i32;
let events: usize;
let serial: i32;
let lastName: i32;

export function positionNow(): i32 { return position; }
export function depthNow(): i32 { return depth; }
export function leafNow(): bool { return leaf; }
export function lineNow(): i32 { return line; }
export function countedNow(): i32 { return counted; }
export function eventsEnd(): i32 { return <i32>(events - EVENTS) >> 2; }

@inline
function emit(kind: i32, a: i32, b: i32, c: i32, d: i32, e: i32): void {
  store<i32>(events, kind); store<i32>(events, a, 4); store<i32>(events, b, 8);
  store<i32>(events, c, 12); store<i32>(events, d, 16); store<i32>(events, e, 20);
  events += 24;
}

export function countLines(to: i32): void {
  let p: usize = WINDOW + <usize>counted;
  const end: usize = WINDOW + <usize>to;
  const newline = i8x16.splat(10);
  while (p + 16 <= end) {
    line += i32.popcnt(i8x16.bitmask(i8x16.eq(v128.load(p), newline)));
    p += 16;
  }
  for (; p < end; p++) if (load<u8>(p) == 10) line++;
  counted = to;
}

// The first byte that text cannot pass: "<", "&", "]", or a control character. There is one: the zero behind the window.
@inline
function textEnd(from: usize): usize {
  let p = from;
  while (true) {
    const b = v128.load(p);
    const control = v128.andnot(
      i8x16.lt_u(b, i8x16.splat(0x20)),
      v128.or(v128.or(i8x16.eq(b, i8x16.splat(10)), i8x16.eq(b, i8x16.splat(9))), i8x16.eq(b, i8x16.splat(13))),
    );
    const stop = i8x16.bitmask(v128.or(
      v128.or(control, i8x16.eq(b, i8x16.splat(0x3c))),
      v128.or(i8x16.eq(b, i8x16.splat(0x26)), i8x16.eq(b, i8x16.splat(0x5d))),
    ));
    if (stop != 0) return p + <usize>i32.ctz(stop);
    p += 16;
  }
}

// The first byte of an attribute's value that needs a look.
@inline
function valueEnd(from: usize, quote: u8): usize {
  let p = from;
  while (true) {
    const b = v128.load(p);
    const stop = i8x16.bitmask(v128.or(
      v128.or(i8x16.lt_u(b, i8x16.splat(0x20)), i8x16.eq(b, i8x16.splat(<i8>quote))),
      v128.or(i8x16.eq(b, i8x16.splat(0x26)), i8x16.eq(b, i8x16.splat(0x3c))),
    ));
    if (stop != 0) return p + <usize>i32.ctz(stop);
    p += 16;
  }
}

// Behind &amp; &lt; &gt; &quot; &apos;, or 0. Bytes behind the window may be looked at; a zero is before them.
@inline
function reference(p: usize): usize {
  const word = load<u32>(p, 1);
  if ((word & 0xffffff) == 0x3b746c || (word & 0xffffff) == 0x3b7467) return p + 4;
  if (word == 0x3b706d61) return p + 5;
  if ((word == 0x746f7571 || word == 0x736f7061) && load<u8>(p, 5) == 0x3b) return p + 6;
  return 0;
}

// Does this name stand at `p`? Returns the place behind it, or 0.
@inline
function behindName(name: i32, p: usize): usize {
  const start = <usize>load<i32>(STARTS + ((<usize>name) << 2));
  const size = <usize>load<i32>(STARTS + ((<usize>name) << 2), 4) - start;
  if (size > 16) return memory.compare(POOL + start, p, size) == 0 ? p + size : 0;
  const same = i8x16.bitmask(i8x16.eq(v128.load(POOL + start), v128.load(p)));
  const wanted = (1 << <i32>size) - 1;
  return (same & wanted) == wanted ? p + size : 0;
}

let nameEnd: usize;

// The number of the name at `p`, which ends at `nameEnd`; -1 when it is not known. `guess` is where the likely one stands, plus one.
@inline
function nameAt(p: usize, guess: usize, seed: i32): i32 {
  const likely = load<i32>(guess) - 1;
  if (likely >= 0) {
    nameEnd = behindName(likely, p);
    if (nameEnd != 0 && load<u8>(NAME_BYTES + <usize>load<u8>(nameEnd)) == 0) return likely;
  }
  let end = p;
  let hash = seed;
  let c = load<u8>(end);
  while (load<u8>(NAME_BYTES + <usize>c) != 0) {
    hash = (hash ^ <i32>c) * 16777619;
    c = load<u8>(++end);
  }
  nameEnd = end;
  const name = find(p, end, hash);
  if (name >= 0) store<i32>(guess, name + 1);
  return name;
}

// The number of the name in [from, to), or -1.
@inline
function find(from: usize, to: usize, hash: i32): i32 {
  let slot = (hash ^ (hash >>> 15)) & SLOT_MASK;
  while (true) {
    const name = load<i32>(SLOTS + ((<usize>slot) << 2)) - 1;
    if (name < 0) return -1;
    if (load<i32>(HASHES + ((<usize>name) << 2)) == hash) {
      const start = <usize>load<i32>(STARTS + ((<usize>name) << 2));
      const size = <usize>load<i32>(STARTS + ((<usize>name) << 2), 4) - start;
      if (size == to - from && memory.compare(POOL + start, from, size) == 0) return name;
    }
    slot = (slot + 1) & SLOT_MASK;
  }
  return -1;
}

@inline
function isSpace(c: u8): bool { return c == 0x20 || c == 10 || c == 13 || c == 9; }

export function writeRows(columnCount: i32, fieldCount: i32, columnBytes: i32, trimmed: bool): void {
  columns = columnCount;
  fields = fieldCount;
  capacity = columnBytes;
  trim = trimmed;
}

let out: usize;

function digits(value: i32): void {
  let n = 1;
  for (let power: i64 = 10; power <= <i64>value; power *= 10) n++;
  let p = out + <usize>n;
  out = p;
  do {
    store<u8>(--p, 0x30 + <u8>(value % 10));
    value /= 10;
  } while (--n > 0);
}

// Writes the value in [from, to); false when it has a carriage return, which is not what a line end stays.
@inline
function writePlain(from: usize, to: usize): bool {
  let p = from;
  while (p < to) {
    const b = v128.load(p);
    v128.store(out, b);
    const returns = i8x16.bitmask(i8x16.eq(b, i8x16.splat(13)));
    const size = to - p;
    if (size < 16) {
      out += size;
      return (returns & ((1 << <i32>size) - 1)) == 0;
    }
    if (returns != 0) return false;
    out += 16;
    p += 16;
  }
  return true;
}

// The same for a value with the five references. In attributes no white space but the blank stays what it is.
function writeReferences(from: usize, to: usize, isAttribute: bool): bool {
  let p = from;
  while (p < to) {
    const b = load<u8>(p);
    if (b < 0x20 && (isAttribute || b == 13)) return false;
    if (b != 0x26) {
      store<u8>(out++, b);
      p++;
      continue;
    }
    const next = reference(p);
    if (next == 0) return false;
    const first = load<u8>(p, 1);
    let sign: u8 = 0x22;
    if (first == 0x61) sign = load<u8>(p, 2) == 0x6d ? 0x26 : 0x27;
    else if (first == 0x6c) sign = 0x3c;
    else if (first == 0x67) sign = 0x3e;
    store<u8>(out++, sign);
    p = next;
  }
  return true;
}

const WRITTEN: i32 = 0;
const FULL: i32 = 1;
const LEFT: i32 = 2; // to the host

// No room: the page must be taken first; a value that is too long for a whole page is the host's.
@inline
function noRoom(row: i32): i32 {
  if (row == 0) return LEFT;
  put(PAGE_FULL, 1);
  return FULL;
}

// Bytes of a column's values up to this row, and whether it is one of them. Both count once the row is complete.
@inline
function setNext(column: i32, row: i32, next: i32, isPresent: i32): void {
  store<i32>(NEXT + ((<usize>column) << 2), next);
  const byte = BITS + <usize>(column * BIT_BYTES + (row >> 3));
  store<u8>(byte, <u8>((<i32>load<u8>(byte) & ((1 << (row & 7)) - 1)) | (isPresent << (row & 7))));
}

// Writes the row of the record.
function writeRow(): i32 {
  if (get(NEEDS_HOST) != 0 || get(RECORD_START) < 0) return LEFT;
  const row = get(ROWS);
  if (row == MOST_ROWS) return noRoom(row);
  for (let f: i32 = 0; f < fields; f++) {
    const field = load<i32>(FIELDS + ((<usize>f) << 2));
    const column = field < 0 ? ~field : field;
    const at = (<usize>column) << 2;
    const used = load<i32>(USED + at);
    const start = VALUES + <usize>(column * capacity + used);
    out = start + 4;
    if (field < 0) {
      if (used + 32 > capacity) return noRoom(row);
      digits(get(OWN_POSITION));
    } else {
      const kind = <i32>load<u8>(CELL_KINDS + <usize>column);
      let from = WINDOW + <usize>load<i32>(CELL_STARTS + at);
      let to = WINDOW + <usize>load<i32>(CELL_ENDS + at);
      if (kind != 0 && trim && (kind & ~KIND_MASK) == 0) {
        while (from < to && isSpace(load<u8>(from))) from++;
        while (from < to && isSpace(load<u8>(to - 1))) to--;
      }
      if (kind == 0 || (from == to && trim && (kind & ~KIND_MASK) == 0)) {
        setNext(column, row, used, 0);
        continue;
      }
      if (used + <i32>(to - from) + 32 > capacity) return noRoom(row);
      const how = kind & KIND_MASK;
      if (how == PLAIN) {
        if (!writePlain(from, to)) return LEFT;
      } else if (how == REFERENCES || how == TEXT_REFERENCES) {
        if (!writeReferences(from, to, how == REFERENCES)) return LEFT;
      } else return LEFT;
    }
    store<i32>(start, <i32>(out - start) - 4);
    setNext(column, row, used + <i32>(out - start), 1);
  }
  memory.copy(USED, NEXT, (<usize>columns) << 2);
  const at = get(RECORD_LINE);
  store<i32>(LINES + ((<usize>row) << 2), at);
  store<i32>(ORDINALS + ((<usize>row) << 2), get(ORDINAL));
  if (at == get(LAST_LINE)) put(SHARES_LINES, 1);
  put(LAST_LINE, at);
  put(RECORD_START, -1);
  put(ROWS, row + 1);
  return WRITTEN;
}

// A value of the record; false when the host must see to it, because there is one already.
@inline
function setCell(column: i32, from: i32, to: i32, kind: i32): bool {
  if (get(RECORD_START) < 0) return true;
  if (load<u8>(CELL_KINDS + <usize>column) != 0) {
    put(NEEDS_HOST, get(NEEDS_HOST) | COMPLEX);
    return false;
  }
  store<i32>(CELL_STARTS + ((<usize>column) << 2), from);
  store<i32>(CELL_ENDS + ((<usize>column) << 2), to);
  store<u8>(CELL_KINDS + <usize>column, <u8>kind);
  return true;
}

@inline
function attributeColumn(state: i32, name: i32): i32 {
  const row = load<i32>(ATTRIBUTE_ROWS + ((<usize>state) << 2));
  return row < 0 ? -2 : <i32>load<i16>(ATTRIBUTE_COLUMNS + ((<usize>(row * MOST_NAMES + name)) << 1));
}

@inline
function close(state: i32, from: i32, to: i32, end: i32, kind: i32, deep: i32): void {
  const flags = <i32>load<u8>(FLAGS + <usize>state);
  if (flags == 0) return;
  if (flags & TEXT) {
    const how = kind | <i32>load<u8>(KEEP + <usize>deep);
    const column = columns < 0 ? -1 : load<i32>(TEXT_COLUMNS + ((<usize>state) << 2));
    if (column < 0 || !setCell(column, from, to, how)) {
      emit(VALUE, state, from, to, how, 0);
      put(NEEDS_HOST, get(NEEDS_HOST) | CHANGED);
    }
  }
  if (flags & LEVEL) emit(CLOSED, load<i32>(LEVELS + ((<usize>state) << 2)), end, 0, 0, 0);
}

// Returns true when the events are full, false when the host must do the token at `position`. An element at `special` is left to the
// host when it ends. `own`: the level of records. `seed`: of hashes.
export function scan(from: i32, startDepth: i32, startLeaf: bool, special: i32, own: i32, seed: i32): bool {
  let p: usize = WINDOW + <usize>from;
  let deep = startDepth;
  let isLeaf = startLeaf;
  events = EVENTS;
  let token: usize = p;
  let references = false;
  while (true) {
    p = textEnd(p);
    token = p;
    let c = load<u8>(p);
    if (c != 0x3c) {
      if (c == 0x26) {
        p = reference(p);
        if (p == 0) break;
        references = true;
        continue;
      }
      if (c == 0x5d && load<u8>(p, 1) > 0x20 && load<u8>(p, 1) != 0x5d) {
        p++;
        continue;
      }
      break;
    }
    if (events + MOST_OF_A_TOKEN > EVENTS_END) {
      if (references) isLeaf = false;
      position = <i32>(token - WINDOW);
      depth = deep;
      leaf = isLeaf;
      return true;
    }
    c = load<u8>(p, 1);
    if (c == 0x2f) {
      if (deep == special) break;
      const name = load<i32>(OPEN + ((<usize>deep) << 2));
      const state = load<i32>(STATES + ((<usize>deep) << 2));
      if (name >= MOST_NAMES || state >= MOST_STATES) break;
      p = behindName(name, p + 2);
      if (p == 0 || load<u8>(p) != 0x3e) break;
      p++;
      const content = load<i32>(CONTENTS + ((<usize>deep) << 2));
      // References that the host has passed are not known here: then `isLeaf` is false.
      const kind = isLeaf ? (references ? TEXT_REFERENCES : PLAIN) : CONTENT;
      const isRow = columns >= 0 && load<u8>(FLAGS + <usize>state) & LEVEL && load<i32>(LEVELS + ((<usize>state) << 2)) == own;
      if (isRow) {
        let text: i32 = -1;
        if (load<u8>(FLAGS + <usize>state) & TEXT) {
          text = load<i32>(TEXT_COLUMNS + ((<usize>state) << 2));
          if (text < 0 || load<u8>(CELL_KINDS + <usize>text) != 0) break;
          setCell(text, content, <i32>(token - WINDOW), kind | <i32>load<u8>(KEEP + <usize>deep));
        }
        const result = writeRow();
        if (result != WRITTEN) {
          if (text >= 0) store<u8>(CELL_KINDS + <usize>text, 0);
          if (result == LEFT) break;
          if (references) isLeaf = false;
          position = <i32>(token - WINDOW);
          depth = deep;
          leaf = isLeaf;
          return true;
        }
      } else close(state, content, <i32>(token - WINDOW), <i32>(p - WINDOW), kind, deep);
      deep--;
      isLeaf = false;
      references = false;
      if (deep == 0) {
        token = p;
        break;
      }
      continue;
    }
    if (load<u8>(NAME_BYTES + <usize>c) == 0) break;
    const name = nameAt(p + 1, FOLLOWERS + ((<usize>lastName) << 2), seed);
    p = nameEnd;
    c = load<u8>(p);
    if (name < 0 || c == 0) break;
    lastName = name;
    const symbol = load<i32>(SYMBOLS + ((<usize>name) << 2));
    if (symbol < 0) break;
    const before = load<i32>(STATES + ((<usize>deep) << 2));
    if (before >= MOST_STATES) break;
    const state = load<i32>(TRANSITIONS + ((<usize>(before * 64 + symbol)) << 2));
    if (state < 0 || deep == MOST_LEVELS) break;
    let isEmpty = false;
    let attributes = 0;
    if (c != 0x3e) {
      serial++;
      let done = false;
      let guess = FIRST_ATTRIBUTES + ((<usize>name) << 2);
      while (true) {
        if (!isSpace(c)) {
          if (c == 0x2f && load<u8>(p, 1) == 0x3e) {
            isEmpty = true;
            p++;
            done = true;
          } else done = c == 0x3e;
          break;
        }
        do c = load<u8>(++p); while (isSpace(c));
        if (load<u8>(NAME_BYTES + <usize>c) == 0) continue;
        const attribute = nameAt(p, guess, seed);
        p = nameEnd;
        c = load<u8>(p);
        if (c != 0x3d || attributes == MOST_ATTRIBUTES || attribute < 0) break;
        guess = FIRST_ATTRIBUTES + ((<usize>attribute) << 2);
        if (load<u8>(SPECIAL + <usize>attribute) != 0) break;
        if (load<i32>(SEEN + ((<usize>attribute) << 2)) == serial) break;
        store<i32>(SEEN + ((<usize>attribute) << 2), serial);
        const quote = load<u8>(++p);
        if (quote != 0x22 && quote != 0x27) break;
        const start = ++p;
        let kind = PLAIN;
        while (true) {
          p = valueEnd(p, quote);
          if (load<u8>(p) != 0x26) break;
          kind = REFERENCES;
          p = reference(p);
          if (p == 0) break;
        }
        if (p == 0 || load<u8>(p) != quote) break;
        const entry = ATTRIBUTES + ((<usize>attributes) << 4);
        store<i32>(entry, attribute);
        store<i32>(entry, <i32>(start - WINDOW), 4);
        store<i32>(entry, <i32>(p - WINDOW), 8);
        store<i32>(entry, kind, 12);
        attributes++;
        c = load<u8>(++p);
      }
      if (!done) break;
    }
    const flags = <i32>load<u8>(FLAGS + <usize>state);
    const level = flags & LEVEL ? load<i32>(LEVELS + ((<usize>state) << 2)) : -1;
    const isRow = columns >= 0 && level == own;
    // An empty record that is no row to be written here is the host's as a whole.
    if (isRow && isEmpty && (get(NEEDS_HOST) != 0 || flags & TEXT)) break;
    p++;
    deep++;
    const at = (<usize>deep) << 2;
    const content = <i32>(p - WINDOW);
    store<i32>(STATES + at, state);
    store<i32>(OPEN + at, name);
    store<i32>(CONTENTS + at, content);
    store<u8>(KEEP + <usize>deep, load<u8>(KEEP + <usize>deep - 1));
    const eventsBefore = events;
    if (level >= 0) {
      if (level == own) countLines(<i32>(token - WINDOW));
      if (isRow) {
        memory.fill(CELL_KINDS, 0, <usize>columns);
        put(RECORD_START, <i32>(token - WINDOW));
        put(RECORD_LINE, line);
        put(ORDINAL, get(ORDINAL) + 1);
        put(OWN_POSITION, get(OWN_POSITION) + 1);
        put(REPEATED, -1);
      } else {
        emit(OPENED, level, <i32>(token - WINDOW), line, 0, 0);
        if (columns >= 0) {
          put(NEEDS_HOST, get(NEEDS_HOST) | CHANGED);
          if (level == own - 1) put(OWN_POSITION, 0);
        }
      }
    }
    if (flags & WITH_ATTRIBUTES) {
      for (let a: i32 = 0; a < attributes; a++) {
        const entry = ATTRIBUTES + ((<usize>a) << 4);
        const attribute = load<i32>(entry);
        const column = columns < 0 ? -2 : attributeColumn(state, attribute);
        if (column == -1) continue;
        if (column >= 0 && setCell(column, load<i32>(entry, 4), load<i32>(entry, 8), load<i32>(entry, 12))) continue;
        emit(ATTRIBUTE, state, attribute, load<i32>(entry, 4), load<i32>(entry, 8), load<i32>(entry, 12));
        put(NEEDS_HOST, get(NEEDS_HOST) | CHANGED);
      }
    }
    isLeaf = true;
    references = false;
    if (isEmpty) {
      if (isRow) {
        const result = writeRow();
        if (result != WRITTEN) {
          // As if nothing had been: the host, or the next call, begins with the tag again.
          put(ORDINAL, get(ORDINAL) - 1);
          put(OWN_POSITION, get(OWN_POSITION) - 1);
          put(RECORD_START, -1);
          events = eventsBefore;
          deep--;
          isLeaf = false;
          position = <i32>(token - WINDOW);
          depth = deep;
          leaf = isLeaf;
          return result == FULL;
        }
      }
      if (!isRow) close(state, content, content, content, PLAIN, deep);
      deep--;
      isLeaf = false;
    }
    if (deep == 0) {
      token = p;
      break;
    }
  }
  if (references) isLeaf = false;
  position = <i32>(token - WINDOW);
  depth = deep;
  leaf = isLeaf;
  return false;
}

export function setLine(newLine: i32, newCounted: i32): void {
  line = newLine;
  counted = newCounted;
}

// Passes the usual tokens of an XML document: text, the five references that XML defines, start tags with plain attributes, end tags.
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
const ATTRIBUTES: usize = 339968; // of one tag: name, start, end, kind
const MOST_ATTRIBUTES: i32 = 64;
const EVENTS: usize = 344064;
const EVENTS_END: usize = 606208;
const MOST_OF_A_TOKEN: usize = (3 + 64) * 24; // events
const WINDOW: usize = 655360;

const MOST_NAMES: i32 = 1024;
const MOST_STATES: i32 = 256;
const MOST_LEVELS: i32 = 10000;

const LEVEL: i32 = 1;
const TEXT: i32 = 2;
const WITH_ATTRIBUTES: i32 = 4;

const PLAIN: i32 = 1;
const CONTENT: i32 = 2;
const REFERENCES: i32 = 3;

// Events of six numbers each.
const OPENED: i32 = 1; // level, start, line
const ATTRIBUTE: i32 = 2; // state, name, start, end, kind
const VALUE: i32 = 3; // state, start, end, kind
const CLOSED: i32 = 4; // level, end

let position: i32;
let depth: i32;
let leaf: bool;
let line: i32;
let counted: i32;
let events: usize;
let serial: i32;

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

@inline
function close(state: i32, from: i32, to: i32, end: i32, kind: i32): void {
  const flags = <i32>load<u8>(FLAGS + <usize>state);
  if (flags == 0) return;
  if (flags & TEXT) emit(VALUE, state, from, to, kind | <i32>load<u8>(KEEP + <usize>depth), 0);
  if (flags & LEVEL) emit(CLOSED, load<i32>(LEVELS + ((<usize>state) << 2)), end, 0, 0, 0);
}

// Returns true when the events are full, false when the host must do the token at `position`. An element at `special` is left to the
// host when it ends. `own`: the level of records. `seed`: of hashes.
export function scan(from: i32, startDepth: i32, startLeaf: bool, special: i32, own: i32, seed: i32): bool {
  let p: usize = WINDOW + <usize>from;
  depth = startDepth;
  leaf = startLeaf;
  events = EVENTS;
  let token: usize = p;
  while (true) {
    p = textEnd(p);
    token = p;
    let c = load<u8>(p);
    if (c != 0x3c) {
      if (c == 0x26) {
        p = reference(p);
        if (p == 0) break;
        leaf = false;
        continue;
      }
      if (c == 0x5d && load<u8>(p, 1) > 0x20 && load<u8>(p, 1) != 0x5d) {
        p++;
        continue;
      }
      break;
    }
    if (events + MOST_OF_A_TOKEN > EVENTS_END) {
      position = <i32>(token - WINDOW);
      return true;
    }
    c = load<u8>(p, 1);
    if (c == 0x2f) {
      if (depth == special) break;
      const name = load<i32>(OPEN + ((<usize>depth) << 2));
      const state = load<i32>(STATES + ((<usize>depth) << 2));
      if (name >= MOST_NAMES || state >= MOST_STATES) break;
      let q = POOL + <usize>load<i32>(STARTS + ((<usize>name) << 2));
      const end = POOL + <usize>load<i32>(STARTS + ((<usize>name) << 2), 4);
      p += 2;
      while (q < end && load<u8>(q) == load<u8>(p)) {
        q++;
        p++;
      }
      if (q != end || load<u8>(p) != 0x3e) break;
      p++;
      close(
        state, load<i32>(CONTENTS + ((<usize>depth) << 2)),
        <i32>(token - WINDOW), <i32>(p - WINDOW), leaf ? PLAIN : CONTENT,
      );
      depth--;
      leaf = false;
      if (depth == 0) {
        token = p;
        break;
      }
      continue;
    }
    p++;
    let hash = seed;
    while (load<u8>(NAME_BYTES + <usize>c) != 0) {
      hash = (hash ^ <i32>c) * 16777619;
      c = load<u8>(++p);
    }
    if (c == 0 || p == token + 1) break;
    const name = find(token + 1, p, hash);
    if (name < 0) break;
    const symbol = load<i32>(SYMBOLS + ((<usize>name) << 2));
    if (symbol < 0) break;
    const before = load<i32>(STATES + ((<usize>depth) << 2));
    if (before >= MOST_STATES) break;
    const state = load<i32>(TRANSITIONS + ((<usize>(before * 64 + symbol)) << 2));
    if (state < 0 || depth == MOST_LEVELS) break;
    let isEmpty = false;
    let attributes = 0;
    if (c != 0x3e) {
      serial++;
      let done = false;
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
        const nameStart = p;
        let nameHash = seed;
        do {
          nameHash = (nameHash ^ <i32>c) * 16777619;
          c = load<u8>(++p);
        } while (load<u8>(NAME_BYTES + <usize>c) != 0);
        if (c != 0x3d || attributes == MOST_ATTRIBUTES) break;
        const attribute = find(nameStart, p, nameHash);
        if (attribute < 0 || load<u8>(SPECIAL + <usize>attribute) != 0) break;
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
    p++;
    depth++;
    const at = (<usize>depth) << 2;
    const content = <i32>(p - WINDOW);
    store<i32>(STATES + at, state);
    store<i32>(OPEN + at, name);
    store<i32>(CONTENTS + at, content);
    store<u8>(KEEP + <usize>depth, load<u8>(KEEP + <usize>depth - 1));
    const flags = <i32>load<u8>(FLAGS + <usize>state);
    if (flags & LEVEL) {
      const level = load<i32>(LEVELS + ((<usize>state) << 2));
      if (level == own) countLines(<i32>(token - WINDOW));
      emit(OPENED, level, <i32>(token - WINDOW), line, 0, 0);
    }
    if (flags & WITH_ATTRIBUTES) {
      for (let a: i32 = 0; a < attributes; a++) {
        const entry = ATTRIBUTES + ((<usize>a) << 4);
        emit(ATTRIBUTE, state, load<i32>(entry), load<i32>(entry, 4), load<i32>(entry, 8), load<i32>(entry, 12));
      }
    }
    leaf = true;
    if (isEmpty) {
      close(state, content, content, content, PLAIN);
      depth--;
      leaf = false;
    }
    if (depth == 0) {
      token = p;
      break;
    }
  }
  position = <i32>(token - WINDOW);
  return false;
}
export function setLine(newLine: i32, newCounted: i32): void {
  line = newLine;
  counted = newCounted;
}

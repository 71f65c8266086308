// Passes tags for the independent count of elements: depth, and nothing about names. It stops at what the host must look at.
// AssemblyScript; `node src/lib/scan/build.ts` compiles it into tags.wasm.ts. The host side is count.ts.

const INPUT: usize = 65536;
// Names of children that the host has seen, by parent: 32 parents of 16 names of 48 bytes.
const KNOWN: usize = 4096;
const MOST_KNOWN: i32 = 16;
const ENTRY_BYTES: i32 = 48; // the name with its length before it, 40 bytes; how often it came; the number of it as a parent, or -1
const HITS: usize = 40;
const PARENT: usize = 44;
const PARENTS: usize = 32768; // by depth, as far as the host knows: the number of the parent, or -1

let at: i32;
let depth: i32;
let interest: i32;

export function atNow(): i32 { return at; }
export function depthNow(): i32 { return depth; }
export function interestNow(): i32 { return interest; }

// The first of three signs at or behind `from`; `end` or more when there is none.
@inline
function firstOf(from: usize, end: usize, a: u8, b: u8, c: u8): usize {
  let p = from;
  while (p < end) {
    const bytes = v128.load(p);
    const found = i8x16.bitmask(v128.or(
      v128.or(i8x16.eq(bytes, i8x16.splat(<i8>a)), i8x16.eq(bytes, i8x16.splat(<i8>b))), i8x16.eq(bytes, i8x16.splat(<i8>c)),
    ));
    if (found != 0) return p + <usize>i32.ctz(found);
    p += 16;
  }
  return end;
}

// The ">" of a tag; `end` or more when there is none.
@inline
function tagEnd(from: usize, end: usize): usize {
  let p = from;
  while (true) {
    p = firstOf(p, end, 0x3e, 0x22, 0x27);
    if (p >= end) return end;
    const sign = load<u8>(p);
    if (sign == 0x3e) return p;
    p = firstOf(p + 1, end, sign, sign, sign);
    if (p >= end) return end;
    p++;
  }
  return end;
}

// What is known of the name at `p` as a child of `parent`: its entry, or 0.
@inline
function knownChild(parent: i32, p: usize): usize {
  let entry = KNOWN + <usize>(parent * MOST_KNOWN * ENTRY_BYTES);
  for (let i: i32 = 0; i < MOST_KNOWN; i++) {
    const size = <i32>load<u8>(entry);
    if (size == 0) return 0;
    let same = false;
    if (size <= 16) {
      const wanted = (1 << size) - 1;
      same = (i8x16.bitmask(i8x16.eq(v128.load(entry, 1), v128.load(p))) & wanted) == wanted;
    } else same = memory.compare(entry + 1, p, <usize>size) == 0;
    if (same) {
      const next = load<u8>(p + <usize>size);
      if (next <= 0x20 || next == 0x3e || next == 0x2f) return entry;
    }
    entry += <usize>ENTRY_BYTES;
  }
  return 0;
}

// Goes on at `from` in an input of `size` bytes, with so many elements open, of which the first `within` are known to the host, which
// wants to see the children of the last of them. Returns 1 when `at` is behind the "<" of one, 2 at the "<" of what is no tag, and 0
// when more is needed from `at` on.
export function pass(from: i32, size: i32, open: i32, within: i32): i32 {
  const end = INPUT + <usize>size;
  let p = INPUT + <usize>from;
  depth = open;
  interest = within;
  let result = 0;
  while (true) {
    p = firstOf(p, end, 0x3c, 0x3c, 0x3c);
    if (p + 1 >= end) break;
    const sign = load<u8>(p, 1);
    if (sign == 0x2f) {
      // What follows up to the ">" is passed as text is: there is no "<" in it. But the last tag must be whole.
      if (depth == 1 && firstOf(p + 2, end, 0x3e, 0x3e, 0x3e) >= end) break;
      if (depth > 0) {
        if (interest == depth) interest--;
        depth--;
      }
      p += 2;
      continue;
    }
    if (sign == 0x21 || sign == 0x3f) {
      result = 2;
      break;
    }
    let known: usize = 0;
    if (depth == interest) {
      const parent = load<i32>(PARENTS + ((<usize>interest) << 2));
      if (parent >= 0) known = knownChild(parent, p + 1);
      if (known == 0) {
        result = 1;
        p++;
        break;
      }
    }
    const close = tagEnd(p + 1, end);
    if (close >= end) break;
    const isEmpty = load<u8>(close - 1) == 0x2f;
    if (known != 0) {
      store<i32>(known, load<i32>(known, HITS) + 1, HITS);
      const parent = load<i32>(known, PARENT);
      if (parent >= 0 && !isEmpty) {
        interest++;
        store<i32>(PARENTS + ((<usize>interest) << 2), parent);
      }
    }
    if (!isEmpty) depth++;
    p = close + 1;
  }
  at = <i32>((p < end ? p : end) - INPUT);
  return result;
}

// Finds the records of delimited text: 64 bytes at a time with SIMD, or byte by byte for dialects that need it.
// AssemblyScript; `node src/lib/scan/build.ts` compiles it into record-scanner.wasm.ts. The host side is record-scanner.ts.
//
// A *line start* is the first byte of a physical line, inside quotes or not. A *record start* is a line start outside quotes.
// A record that is empty is a blank line and one that begins with the comment byte is a comment: neither is counted as a record.

// Memory map, in bytes. The host reads these addresses from the exported functions below.
const STATS: usize = 1024;
const INPUT: usize = 64 * 1024;
const INPUT_BYTES: i32 = 1 << 20;
const KEPT_BYTES: usize = 1024; // of the last call, before INPUT
const TRAITS: usize = INPUT + <usize>INPUT_BYTES + 4096;
const MAX_COLUMNS: i32 = 16384;
const TAIL: usize = TRAITS + <usize>MAX_COLUMNS * 2;
const TAIL_RECORDS: i32 = 128;
const MARKS: usize = TAIL + <usize>TAIL_RECORDS * 16;
const MAX_MARKS: i32 = INPUT_BYTES / 128 + 1; // a record has two bytes at least
const STARTS: usize = MARKS + <usize>MAX_MARKS * 16;
const JUMPS: usize = STARTS + <usize>INPUT_BYTES * 4; // and takes eight there

const RECORDS_PER_MARK: u64 = 64;

// What `traits` says about a column, in the byte after its longest fraction.
const TRAIT_CLOCK: u8 = 1; // has a colon
const TRAIT_ZONE: u8 = 2; // has a plus or minus after a colon
const TRAIT_NEGATIVE_EXPONENT: u8 = 4; // has e- or E-

export function input(): usize { return INPUT; }
export function stats(): usize { return STATS; }
export function traits(): usize { return TRAITS; }
export function tail(): usize { return TAIL; }
export function marks(): usize { return MARKS; }
export function starts(): usize { return STARTS; }
export function jumps(): usize { return JUMPS; }

// Dialect. A byte of 0 means: none.
let delimiter: u8;
let delimiterWord: u32;
let delimiterMask: u32;
let quote: u8;
let escape: u8;
let comment: u8;
let decimal: u8;
let headerRecord: bool;

// Where the scan is.
let offset: u64; // of the first byte of INPUT in the file
let line: u64; // physical lines begun, counted from 1
let records: u64;
let recordOffset: u64; // where the current record begins
let recordLine: u64; // its line
let inRecord: bool; // false in blank lines and comments
let columns: i32; // of the first record; -1 while unknown
let separators: i32; // delimiters so far in the current record
let carryQuote: u64; // all ones inside quotes
let carryLf: u64;
let carryCr: u64;
let carryClose: u64; // the last byte was a closing quote
let carryDelimiter: u64;
let state: i32; // of the byte-wise scan
let recent: u32; // last four bytes, for delimiters of several bytes

// What was found.
let blanks: u64;
let comments: u64;
let longest: u64;
let ragged: u64;
let trailing: u64; // ragged records whose only surplus is one delimiter at the end
let multiline: u64;
let irregular: u64;
let quotes: u64;
let escapes: u64;
let nuls: u64;
let endsLf: u64;
let endsCrLf: u64;
let endsCr: u64;
let innerNewline: bool; // the current record has several lines
let continued: bool; // the last newline was escaped

// Output of one call, drained by the host.
let startCount: i32;
let keepStarts: bool;
let markCount: i32;
let jumpBytes: i32;
let jumpRecord: u64; // record of the last jump
let callLine: u64; // `line` when the call began

// A fraction whose digits are still being read.
let fractionColumn: i32;
let fractionDigits: i32;
let fractionZeros: i32;
// Where the last colon was.
let colonRecord: u64;
let colonColumn: i32;

const START: i32 = 0; // at the first byte of a field
const PLAIN: i32 = 1;
const QUOTED: i32 = 2;
const CLOSED: i32 = 3; // after a closing quote
const ESCAPED: i32 = 4; // after an escape inside quotes
const ESCAPED_PLAIN: i32 = 5; // after an escape outside quotes
const COMMENT: i32 = 6;

export function reset(
  delimiterBytes: u32, delimiterLength: i32, quoteByte: u8, escapeByte: u8, commentByte: u8, decimalByte: u8,
  hasHeader: bool, starting: bool, firstOffset: f64, firstLine: f64, firstRecord: f64,
): void {
  keepStarts = starting; startCount = 0;
  delimiterWord = delimiterBytes;
  delimiterMask = delimiterLength == 4 ? 0xffffffff : (1 << (delimiterLength * 8)) - 1;
  delimiter = <u8>(delimiterBytes & 0xff);
  quote = quoteByte; escape = escapeByte; comment = commentByte; decimal = decimalByte; headerRecord = hasHeader;
  offset = <u64>firstOffset; line = <u64>firstLine - 1; records = <u64>firstRecord;
  recordOffset = offset; recordLine = line; inRecord = false; columns = -1; separators = 0;
  carryQuote = 0; carryLf = 1; carryCr = 0; carryClose = 0; carryDelimiter = 0; state = START; recent = 0;
  blanks = 0; comments = 0; longest = 0; ragged = 0; trailing = 0; multiline = 0; irregular = 0; quotes = 0; escapes = 0; nuls = 0;
  endsLf = 0; endsCrLf = 0; endsCr = 0; innerNewline = false; continued = false;
  markCount = 0; jumpBytes = 0; jumpRecord = records;
  fractionColumn = -1; fractionDigits = 0; fractionZeros = 0; colonRecord = 0; colonColumn = -1;
  memory.fill(TRAITS, 0, <usize>MAX_COLUMNS * 2);
}

// -------- records

function emitVarint(value: u64): void {
  while (value >= 0x80) {
    store<u8>(JUMPS + jumpBytes++, <u8>(value | 0x80));
    value >>= 7;
  }
  store<u8>(JUMPS + jumpBytes++, <u8>value);
}

// The caller has counted `line` up to the line that begins at `at`.
@inline
function beginRecord(at: u64): void {
  if (line != recordLine + 1) {
    emitVarint(records - jumpRecord);
    emitVarint(line - recordLine - 1);
    jumpRecord = records;
  }
  if (records % RECORDS_PER_MARK == 0) {
    store<f64>(MARKS + <usize>markCount * 16, <f64>at);
    store<f64>(MARKS + <usize>markCount * 16, <f64>line, 8);
    markCount++;
  }
  if (keepStarts) {
    store<u32>(STARTS + <usize>startCount * 8, <u32>(at - offset));
    store<u32>(STARTS + <usize>startCount * 8, <u32>(line - callLine), 4);
    startCount++;
  }
  const slot = TAIL + <usize>(records % TAIL_RECORDS) * 16;
  store<f64>(slot, <f64>at);
  store<f64>(slot, <f64>line, 8);
  records++;
  recordOffset = at;
  recordLine = line;
  inRecord = true;
  separators = 0;
}

// Whether the text that ends before the line end before `p` ends in a delimiter.
function endsInDelimiter(p: usize): bool {
  while (load<u8>(p - 1) == 10 || load<u8>(p - 1) == 13) p--;
  return (bswap(load<u32>(p - 4)) & delimiterMask) == delimiterWord;
}

@inline
function endRecord(at: u64): void {
  if (!inRecord) return;
  inRecord = false;
  const length = at - recordOffset;
  if (length > longest) longest = length;
  if (columns < 0) columns = separators + 1;
  else if (columns != separators + 1) {
    ragged++;
    if (separators == columns && endsInDelimiter(INPUT + <usize>(at - offset))) trailing++;
  }
  if (innerNewline) { multiline++; innerNewline = false; }
}

// -------- traits of columns

function endFraction(): void {
  const significant = fractionDigits - fractionZeros;
  const at = TRAITS + <usize>fractionColumn * 2;
  if (significant > <i32>load<u8>(at)) store<u8>(at, <u8>min(significant, 255));
  fractionColumn = -1;
}

// Reads the digits of a fraction from `p`; the fraction stays open when they reach `end`.
function readFraction(p: usize, end: usize): void {
  while (p < end) {
    const b = load<u8>(p++);
    if (b - 48 > 9) { endFraction(); return; }
    fractionDigits++;
    fractionZeros = b == 48 ? fractionZeros + 1 : 0;
  }
}

// A decimal point, colon, plus or minus at `p`, in the given column of the current record.
function notice(p: usize, end: usize, column: i32): void {
  if (column >= MAX_COLUMNS || !inRecord || (headerRecord && records == 1)) return;
  const b = load<u8>(p);
  const flags = TRAITS + <usize>column * 2 + 1;
  if (b == decimal) {
    if (fractionColumn >= 0) endFraction();
    fractionColumn = column;
    fractionDigits = 0;
    fractionZeros = 0;
    readFraction(p + 1, end);
  } else if (b == 58) {
    store<u8>(flags, load<u8>(flags) | TRAIT_CLOCK);
    colonRecord = records;
    colonColumn = column;
  } else {
    if (colonRecord == records && colonColumn == column) store<u8>(flags, load<u8>(flags) | TRAIT_ZONE);
    const before = load<u8>(p - 1);
    if (b == 45 && (before | 32) == 101) store<u8>(flags, load<u8>(flags) | TRAIT_NEGATIVE_EXPONENT);
  }
}

// -------- 64 bytes at a time

@inline
function matches(p: usize, byte: v128): u64 {
  return <u64>i8x16.bitmask(i8x16.eq(v128.load(p), byte))
    | (<u64>i8x16.bitmask(i8x16.eq(v128.load(p, 16), byte)) << 16)
    | (<u64>i8x16.bitmask(i8x16.eq(v128.load(p, 32), byte)) << 32)
    | (<u64>i8x16.bitmask(i8x16.eq(v128.load(p, 48), byte)) << 48);
}

@inline
function special(v: v128, point: v128): u64 {
  const signs = v128.or(i8x16.eq(v, i8x16.splat(43)), i8x16.eq(v, i8x16.splat(45)));
  return <u64>i8x16.bitmask(v128.or(signs, v128.or(i8x16.eq(v, point), i8x16.eq(v, i8x16.splat(58)))));
}

@inline
function specials(p: usize, point: v128): u64 {
  return special(v128.load(p), point)
    | (special(v128.load(p, 16), point) << 16)
    | (special(v128.load(p, 32), point) << 32)
    | (special(v128.load(p, 48), point) << 48);
}

// Bit i of the result is the parity of bits 0 to i.
@inline
function prefixXor(m: u64): u64 {
  m ^= m << 1;
  m ^= m << 2;
  m ^= m << 4;
  m ^= m << 8;
  m ^= m << 16;
  return m ^ (m << 32);
}

// Scans `length` bytes of INPUT, for dialects whose escape is the quote and that have no comments.
export function scan(length: i32): void {
  callLine = line;
  const end = INPUT + <usize>length;
  const vDelimiter = i8x16.splat(delimiter);
  const vQuote = i8x16.splat(quote);
  const vPoint = i8x16.splat(decimal);
  const vLf = i8x16.splat(10);
  const vCr = i8x16.splat(13);
  const vNul = i8x16.splat(0);
  if (fractionColumn >= 0) readFraction(INPUT, end);
  for (let p = INPUT; p < end; p += 64) {
    const n = <u64>min(end - p, <usize>64);
    const valid: u64 = n == 64 ? ~(<u64>0) : (<u64>1 << n) - 1;
    const lf = matches(p, vLf) & valid;
    const cr = matches(p, vCr) & valid;
    const del = matches(p, vDelimiter) & valid;
    const quo = quote ? matches(p, vQuote) & valid : 0;
    nuls += popcnt(matches(p, vNul) & valid);

    const inside = quo ? prefixXor(quo) ^ carryQuote : carryQuote;
    const insideBefore = (inside << 1) | (carryQuote & 1);
    if (quo | carryClose) {
      const closing = quo & ~inside;
      const afterClosing = (closing << 1) | carryClose;
      const afterDelimiter = (del << 1) | carryDelimiter;
      const afterEnd = (lf << 1) | (cr << 1) | carryLf | carryCr;
      const bad = (quo & inside & ~(afterDelimiter | afterEnd | afterClosing))
        | (afterClosing & valid & ~(del | lf | cr | quo));
      irregular += popcnt(bad);
      quotes += popcnt(quo);
      carryClose = (closing >> (n - 1)) & 1;
    }

    const afterCr = (cr << 1) | carryCr;
    const starts = (((lf << 1) | carryLf) | (afterCr & ~lf)) & valid;
    if (afterCr) {
      endsLf += popcnt(lf & ~afterCr & ~inside);
      endsCrLf += popcnt(lf & afterCr & ~insideBefore);
      endsCr += popcnt(afterCr & ~lf & ~insideBefore & valid);
    } else endsLf += popcnt(lf & ~inside);

    const separating = del & ~inside;
    let marked = keepStarts ? 0 : specials(p, vPoint) & valid;
    let rest = valid; // bits not yet given to a record
    let lines = starts;
    while (lines) {
      const bit = ctz(lines);
      const here: u64 = <u64>1 << bit;
      lines &= lines - 1;
      line++;
      if (insideBefore & here) { innerNewline = true; continue; }
      const span = rest & (here - 1);
      marked = noticeAll(marked, span, separating & rest, p, end);
      separators += <i32>popcnt(separating & span);
      rest &= ~(here - 1);
      const at = offset + (p - INPUT) + bit;
      endRecord(at);
      if ((lf | cr) & here) blanks++;
      else beginRecord(at);
    }
    noticeAll(marked, rest, separating & rest, p, end);
    separators += <i32>popcnt(separating & rest);

    carryQuote = 0 - (inside >> 63);
    carryLf = (lf >> (n - 1)) & 1;
    carryCr = (cr >> (n - 1)) & 1;
    carryDelimiter = (del >> (n - 1)) & 1;
  }
  finishCall(length);
}

// Notices the marked bytes within `span`; gives the marks that are left.
@inline
function noticeAll(marked: u64, span: u64, separating: u64, p: usize, end: usize): u64 {
  let mine = marked & span;
  while (mine) {
    const bit = ctz(mine);
    const below = (<u64>1 << bit) - 1;
    notice(p + <usize>bit, end, separators + <i32>popcnt(separating & below));
    mine &= mine - 1;
  }
  return marked & ~span;
}

// -------- byte by byte: backslash escapes, comments, delimiters of several bytes

export function scanBytes(length: i32): void {
  callLine = line;
  const end = INPUT + <usize>length;
  if (fractionColumn >= 0) readFraction(INPUT, end);
  for (let p = INPUT; p < end; p++) {
    const b = load<u8>(p);
    const newline = b == 10 || b == 13;
    const at = offset + (p - INPUT);
    if (carryLf || (carryCr && b != 10)) {
      line++;
      if (state == QUOTED || continued) { innerNewline = true; continued = false; }
      else {
        endRecord(at);
        state = START;
        recent = 0;
        if (newline) blanks++;
        else if (comment && b == comment) { comments++; state = COMMENT; }
        else beginRecord(at);
      }
    }
    const outside = state != QUOTED && state != ESCAPED && state != ESCAPED_PLAIN;
    if (outside && b == 10) {
      if (carryCr) { endsCr--; endsCrLf++; } else endsLf++;
    } else if (outside && b == 13) endsCr++;
    if (b == 0) nuls++;
    if (b == quote && quote && state != COMMENT) quotes++;
    if (b == escape && escape && escape != quote && state != COMMENT) escapes++;
    if (state != COMMENT) {
      if (b == decimal || b == 58 || b == 43 || b == 45) notice(p, end, separators);
      step(b, newline);
    }
    carryLf = b == 10 ? 1 : 0;
    carryCr = b == 13 ? 1 : 0;
  }
  carryQuote = state == QUOTED || state == ESCAPED || continued ? ~(<u64>0) : 0;
  finishCall(length);
}

@inline
function step(b: u8, newline: bool): void {
  if (state == ESCAPED) state = QUOTED;
  else if (state == ESCAPED_PLAIN) { state = PLAIN; recent = 0; continued = newline; }
  else if (state == QUOTED) {
    if (b == escape && escape != quote) state = ESCAPED;
    else if (b == quote) state = CLOSED;
  } else if (state == CLOSED && b == quote && escape == quote) state = QUOTED;
  else if (!newline) {
    recent = (recent << 8) | b;
    if ((recent & delimiterMask) == delimiterWord) { separators++; state = START; recent = 0; }
    else if (b == quote && quote) {
      if (state == START && recent == b) { state = QUOTED; recent = 0; }
      else { irregular++; state = PLAIN; }
    } else if (b == escape && escape) state = ESCAPED_PLAIN;
    else {
      if (state == CLOSED && !isDelimiterPart(b)) irregular++;
      state = PLAIN;
    }
  }
}

// With a delimiter of several bytes this is lenient; such files are told apart by `quotes` alone.
@inline
function isDelimiterPart(b: u8): bool {
  return delimiterMask > 0xff && (b == <u8>(delimiterWord >> 8) || b == delimiter);
}

// -------- ends

function finishCall(length: i32): void {
  memory.copy(INPUT - KEPT_BYTES, INPUT + <usize>length - KEPT_BYTES, KEPT_BYTES);
  offset += <u64>length;
}

// Closes the last record. A file that ends in CR has one more line end than line starts tell.
export function finish(): void {
  if (fractionColumn >= 0) endFraction();
  if (carryQuote == 0 && carryCr && !byteWise()) endsCr++;
  endRecord(offset);
}

@inline
function byteWise(): bool { return comment != 0 || escape != quote || delimiterMask > 0xff; }

// Empties the output of the last call and writes the counts to STATS, as doubles in the order of `STAT_NAMES` of the host.
export function report(): void {
  let i: usize = STATS;
  store<f64>(i, <f64>offset);
  store<f64>(i, <f64>records, 8);
  store<f64>(i, <f64>line, 16);
  store<f64>(i, <f64>columns, 24);
  store<f64>(i, <f64>blanks, 32);
  store<f64>(i, <f64>comments, 40);
  store<f64>(i, <f64>longest, 48);
  store<f64>(i, <f64>ragged, 56);
  store<f64>(i, <f64>multiline, 64);
  store<f64>(i, <f64>irregular, 72);
  store<f64>(i, <f64>quotes, 80);
  store<f64>(i, <f64>escapes, 88);
  store<f64>(i, <f64>nuls, 96);
  store<f64>(i, <f64>endsLf, 104);
  store<f64>(i, <f64>endsCrLf, 112);
  store<f64>(i, <f64>endsCr, 120);
  store<f64>(i, <f64>(carryQuote & 1), 128);
  store<f64>(i, <f64>trailing, 136);
  store<f64>(i, <f64>markCount, 144);
  store<f64>(i, <f64>jumpBytes, 152);
  store<f64>(i, <f64>startCount, 160);
  markCount = 0;
  jumpBytes = 0;
  startCount = 0;
}

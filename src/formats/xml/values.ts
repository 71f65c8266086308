/** What the text of a value means, once the parser has found it and knows that it is well-formed. */

/** How a value stands in the document. */
export const ABSENT = 0;
/** As it is; line ends within are still those of the file. */
export const PLAIN = 1;
/** The content of an element: with tags, comments, CDATA sections, references. */
export const CONTENT = 2;
/** An attribute with references, or white space other than blanks. */
export const ATTRIBUTE = 3;
/** Text with references, without markup. */
export const TEXT_REFERENCES = 5;
/** Said to be missing: `xsi:nil`. */
export const NIL = 4;
/** A bit: white space around the value is kept. */
export const KEEP = 8;

const TAB = 0x09;
const LF = 0x0a;
const CR = 0x0d;
const SPACE = 0x20;
const QUOTE = 0x22;
const AMPERSAND = 0x26;
const APOSTROPHE = 0x27;
const SEMICOLON = 0x3b;
const LESS = 0x3c;
const GREATER = 0x3e;

const ENTITIES: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

/** What `&name;` stands for; undefined for what XML does not define itself, or for a character that XML does not have. */
export function referenced(name: string): string | undefined {
  if (!name.startsWith('#')) return Object.hasOwn(ENTITIES, name) ? ENTITIES[name] : undefined;
  const found = /^#(?:x([0-9a-fA-F]+)|([0-9]+))$/.exec(name);
  if (!found) return undefined;
  const code = found[1] === undefined ? Number(found[2]) : Number.parseInt(found[1], 16);
  return isCharacter(code) ? String.fromCodePoint(code) : undefined;
}

/** The production Char of XML 1.0. */
function isCharacter(code: number): boolean {
  if (code < SPACE) return code === TAB || code === LF || code === CR;
  return code < 0xd800 || (code > 0xdfff && code < 0xfffe) || (code > 0xffff && code <= 0x10ffff);
}

/** The bytes of a value, in a copy; white space is not trimmed. */
export function decodeValue(bytes: Uint8Array, start: number, end: number, kind: number): Uint8Array {
  const out = new Uint8Array(end - start);
  return out.subarray(0, decodeInto(out, 0, bytes, start, end, kind));
}

/** Writes the bytes of a value into `out` from `at` on, and returns where they end. No value is longer than what it is written as. */
export function decodeInto(
  out: Uint8Array,
  at: number,
  bytes: Uint8Array,
  start: number,
  end: number,
  kind: number,
): number {
  const isAttribute = (kind & ~KEEP) === ATTRIBUTE;
  const hasMarkup = (kind & ~KEEP) === CONTENT;
  let used = at;
  let i = start;
  let cdataEnd = -1;
  while (i < end) {
    const b = bytes[i]!;
    if (b > AMPERSAND && b !== LESS && i !== cdataEnd) {
      out[used++] = b;
      i++;
    } else if (i === cdataEnd) {
      i += 3;
      cdataEnd = -1;
    } else if (b === CR) {
      if (bytes[i + 1] === LF && i + 1 < end) i++;
      out[used++] = isAttribute ? SPACE : LF;
      i++;
    } else if (isAttribute && (b === TAB || b === LF)) {
      out[used++] = SPACE;
      i++;
    } else if (b === AMPERSAND && cdataEnd < 0) {
      let close = i + 2;
      while (bytes[close] !== SEMICOLON) close++;
      used = writeReferenced(out, used, bytes, i + 1, close);
      i = close + 1;
    } else if (b === LESS && cdataEnd < 0 && hasMarkup) {
      const markup = endOfMarkup(bytes, i);
      i = markup.end;
      cdataEnd = markup.cdataEnd;
    } else {
      out[used++] = b;
      i++;
    }
  }
  return used;
}

/** What the reference whose name is in `bytes` stands for. */
function writeReferenced(out: Uint8Array, at: number, bytes: Uint8Array, start: number, end: number): number {
  const first = bytes[start];
  const second = bytes[start + 1];
  let sign = 0;
  if (first === 0x61) sign = second === 0x6d ? AMPERSAND : APOSTROPHE;
  else if (first === 0x6c) sign = LESS;
  else if (first === 0x67) sign = GREATER;
  else if (first === 0x71) sign = QUOTE;
  if (sign > 0) {
    out[at] = sign;
    return at + 1;
  }
  const name = Buffer.from(bytes.subarray(start, end)).toString('latin1');
  const text = Buffer.from(referenced(name)!, 'utf8');
  out.set(text, at);
  return at + text.length;
}

/** Behind a tag, comment or processing instruction; of a CDATA section behind its start, with the place of its end. */
function endOfMarkup(bytes: Uint8Array, start: number): { end: number; cdataEnd: number } {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const behind = (mark: string, from: number) => ({ end: text.indexOf(mark, from) + mark.length, cdataEnd: -1 });
  if (bytes[start + 1] === 0x21) {
    if (bytes[start + 2] === 0x2d) return behind('-->', start + 4);
    return { end: start + 9, cdataEnd: text.indexOf(']]>', start + 9) };
  }
  if (bytes[start + 1] === 0x3f) return behind('?>', start + 2);
  let i = start + 1;
  for (; bytes[i] !== GREATER; i++)
    if (bytes[i] === QUOTE || bytes[i] === APOSTROPHE) i = bytes.indexOf(bytes[i]!, i + 1);
  return { end: i + 1, cdataEnd: -1 };
}

export const isSpace = (b: number): boolean => b === SPACE || b === LF || b === TAB || b === CR;

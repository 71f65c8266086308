/** What the text of a value means, once the parser has found it and knows that it is well-formed. */

/** How a value stands in the document. */
export const ABSENT = 0;
/** As it is; line ends within are still those of the file. */
export const PLAIN = 1;
/** The content of an element: with tags, comments, CDATA sections, references. */
export const CONTENT = 2;
/** An attribute with references, or white space other than blanks. */
export const ATTRIBUTE = 3;
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

/** The bytes of a value; white space is not trimmed. The result may be a view of `bytes`. */
export function decodeValue(bytes: Uint8Array, start: number, end: number, kind: number): Uint8Array {
  switch (kind & ~KEEP) {
    case PLAIN: {
      const value = bytes.subarray(start, end);
      return value.includes(CR) ? decode(bytes, start, end, false) : value;
    }
    case CONTENT:
      return decode(bytes, start, end, false);
    case ATTRIBUTE:
      return decode(bytes, start, end, true);
    default:
      throw new TypeError(`a value of kind ${kind} has no text`);
  }
}

/** No value is longer than what it is written as. */
function decode(bytes: Uint8Array, start: number, end: number, isAttribute: boolean): Uint8Array {
  const out = Buffer.allocUnsafe(end - start);
  let used = 0;
  let i = start;
  let cdataEnd = -1;
  while (i < end) {
    const b = bytes[i]!;
    if (i === cdataEnd) {
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
      const close = bytes.indexOf(SEMICOLON, i);
      const name = Buffer.from(bytes.subarray(i + 1, close)).toString('latin1');
      used += out.write(referenced(name)!, used, 'utf8');
      i = close + 1;
    } else if (b === LESS && cdataEnd < 0 && !isAttribute) {
      const markup = endOfMarkup(bytes, i);
      i = markup.end;
      cdataEnd = markup.cdataEnd;
    } else {
      out[used++] = b;
      i++;
    }
  }
  return out.subarray(0, used);
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

const isSpace = (b: number) => b === SPACE || b === LF || b === TAB || b === CR;

export function trimmed(value: Uint8Array): Uint8Array {
  let from = 0;
  let to = value.length;
  while (from < to && isSpace(value[from]!)) from++;
  while (to > from && isSpace(value[to - 1]!)) to--;
  return value.subarray(from, to);
}

/** The XML declaration and the document type: what comes before the root. Neither is obeyed but for the encoding. */
import { XmlError } from './errors.ts';

const DECLARATION =
  /^<\?xml[ \t\r\n]+version[ \t\r\n]*=[ \t\r\n]*(["'])(1\.[0-9]+)\1(?:[ \t\r\n]+encoding[ \t\r\n]*=[ \t\r\n]*(["'])([A-Za-z][A-Za-z0-9._-]*)\3)?(?:[ \t\r\n]+standalone[ \t\r\n]*=[ \t\r\n]*(["'])(?:yes|no)\5)?[ \t\r\n]*\?>$/;

export interface Declaration {
  version: string;
  encoding: string | undefined;
}

/** `text`: from `<?xml` to `?>`. Undefined when it is no XML declaration. */
export function parseDeclaration(text: string): Declaration | undefined {
  const found = DECLARATION.exec(text);
  return found ? { version: found[2]!, encoding: found[4] } : undefined;
}

/** A document type longer than this is none. */
const LONGEST = 16 * 2 ** 20;

/**
 * The end of a document type that begins at `start`, behind its `>`; -1 when it does not end before `end`. What it declares is not
 * looked at, so that it can do nothing. `base`: offset of `bytes` in the document.
 */
export function doctypeEnd(bytes: Buffer, start: number, end: number, base: number): number {
  if (end - start > LONGEST) throw new XmlError('the document type does not end', base + start);
  let inSubset = false;
  let i = start;
  /** Behind the next `sign`; beyond `end` when there is none. */
  const behind = (sign: string, from: number) => {
    const found = bytes.indexOf(sign, from, 'latin1');
    return found < 0 || found >= end ? end + 1 : found + sign.length;
  };
  while (i < end) {
    const c = String.fromCharCode(bytes[i]!);
    if (c === '"' || c === "'") i = behind(c, i + 1);
    else if (inSubset && c === ']') {
      inSubset = false;
      i++;
    } else if (inSubset && c === '<') i = markupEnd(bytes, i, base, end, behind);
    else if (!inSubset && c === '[') {
      inSubset = true;
      i++;
    } else if (!inSubset && c === '>') return i + 1;
    else i++;
  }
  return -1;
}

type Behind = (sign: string, from: number) => number;

/** Comments and processing instructions as a whole; of a declaration its first signs. */
function markupEnd(bytes: Buffer, start: number, base: number, end: number, behind: Behind): number {
  if (bytes[start + 1] === 0x3f) {
    const mark = behind('?', start + 2);
    return mark > end ? mark : behind('>', mark);
  }
  if (bytes[start + 1] !== 0x21) return start + 2;
  if (bytes[start + 2] !== 0x2d) return start + 3;
  if (bytes[start + 3] !== 0x2d) return start + 4;
  const close = behind('--', start + 4);
  if (close >= end) return end + 1;
  if (bytes[close] !== 0x3e) throw new XmlError('"--" stands within a comment', base + close - 2);
  return close + 1;
}

/** Names of the entities that a document type declares, whether they are text or files, general or parameters. */
export function declaredEntities(doctype: string): Set<string> {
  return new Set([...doctype.matchAll(/<!ENTITY\s+(?:%\s+)?([^\s<>"'%]+)/g)].map((m) => m[1]!));
}

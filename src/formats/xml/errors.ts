/** What is wrong with a document, and where. */
import { GranaryError } from '../../lib/errors.ts';

/** A document is not well-formed, or has what is never read. `message` goes on after "the document is not well-formed: ". */
export class XmlError extends Error {
  /** In bytes of the UTF-8 text. */
  readonly offset: number;
  /** What a user can do, where it is not to ask the sender. */
  readonly hint: string | undefined;

  constructor(message: string, offset: number, hint?: string) {
    super(message);
    this.offset = offset;
    this.hint = hint;
  }
}

/** Both from 1; the column in characters. */
export interface Place {
  line: number;
  column: number;
}

/** Where the byte at `offset` is in a text of UTF-8 (bytes that are not valid count as characters of their own). */
export async function placeOf(text: AsyncIterable<Uint8Array>, offset: number): Promise<Place> {
  const place = { line: 1, column: 1 };
  let at = 0;
  for await (const chunk of text) {
    const end = Math.min(chunk.length, offset - at);
    for (let i = 0; i < end; i++) {
      if (chunk[i] === 0x0a) {
        place.line++;
        place.column = 1;
      } else if ((chunk[i]! & 0xc0) !== 0x80) place.column++;
    }
    at += chunk.length;
    if (at >= offset) break;
  }
  return place;
}

export function placed(e: XmlError, { line, column }: Place): string {
  return `line ${line}, column ${column}: ${e.message}`;
}

/** The error that refuses a document. */
export function malformed(e: XmlError, place: Place): GranaryError {
  return new GranaryError('format.invalid', `The document is not well-formed XML: ${placed(e, place)}.`, {
    where: { line: place.line, column: place.column },
    hint:
      e.hint ??
      'Ask the sender for a correct file, or set `malformed: keep_complete` in the format to load the records before the error.',
    details: { offset: e.offset },
    cause: e,
  });
}

/** The part of a document that is in memory: what is being parsed, and what was parsed and is still needed. */
import { GranaryError } from '../../lib/errors.ts';
import { formatBytes } from '../../lib/units.ts';
import { MAX_RECORD_BYTES } from '../lib/lines.ts';
import { firstIllegal, firstOfXml11, shownByte, wholeCharacters } from './characters.ts';
import { XmlError } from './errors.ts';
import type { Scanner } from './scanner.ts';

export class Window {
  /** Those from `end` on mean nothing, but that a zero is at `end`, which stops every scan. */
  bytes: Buffer;
  end = 0;
  /** How far it was parsed. */
  position = 0;
  /** Where the window is in the document: bytes before it. */
  base = 0;
  /** The document says that it is XML 1.1: characters that mean something else there are refused. */
  #isXml11 = false;
  /** Characters up to here are checked. */
  #checked = 0;
  #fault: XmlError | undefined;
  readonly #scanner: Scanner;

  constructor(scanner: Scanner) {
    this.#scanner = scanner;
    this.bytes = scanner.window;
  }

  /** Adds a chunk, and drops what is before `unneeded`. Returns by how much the rest has moved. The chunk up to its first illegal character counts. */
  append(chunk: Uint8Array, unneeded: number): number {
    const keep = Math.min(unneeded, this.#checked);
    const kept = this.end - keep;
    const needed = kept + chunk.length + 1;
    this.bytes.copyWithin(0, keep, this.end);
    if (needed > this.bytes.length) {
      this.#scanner.enlarge(needed);
      this.bytes = this.#scanner.window;
    }
    this.base += keep;
    this.position -= keep;
    this.#checked -= keep;
    this.bytes.set(chunk, kept);
    this.end = kept + chunk.length;
    this.#check(wholeCharacters(this.bytes, this.#checked, this.end));
    this.bytes[this.end] = 0;
    return keep;
  }

  /** No more will come. */
  finish(): void {
    if (this.#checked < this.end) throw this.error('bytes that are not valid UTF-8', this.#checked);
  }

  #check(to: number): void {
    const from = this.#checked;
    let illegal = firstIllegal(this.bytes, from, to);
    let what = 'bytes that are not valid UTF-8, or a character that XML does not have';
    const other = this.#isXml11 ? firstOfXml11(this.bytes, from, illegal < 0 ? to : illegal) : -1;
    if (other >= 0) {
      illegal = other;
      what = 'a character that has another meaning in XML 1.1, which is not supported';
    }
    if (illegal >= 0) {
      this.#fault ??= this.error(what, illegal);
      this.end = illegal;
    }
    this.#checked = illegal < 0 ? to : illegal;
  }

  /** The declaration of the document says that it is XML 1.1. */
  setXml11(): void {
    this.#isXml11 = true;
    const other = firstOfXml11(this.bytes, 0, this.#checked);
    if (other >= 0) throw this.error('a character that has another meaning in XML 1.1, which is not supported', other);
  }

  /** Throws for an illegal character behind what was parsed. */
  throwFault(): void {
    if (this.#fault) throw this.#fault;
  }

  error(message: string, at: number, hint?: string): XmlError {
    return new XmlError(message, this.base + at, hint);
  }

  /** What stands at `at` may not stand there. */
  illegal(at: number): XmlError {
    const b = this.bytes[at]!;
    return this.error(
      b < 0x20
        ? `the character ${shownByte(b)}, which XML does not have`
        : `"${this.characterAt(at)}" may not stand here`,
      at,
    );
  }

  characterAt(at: number): string {
    return String.fromCodePoint(this.bytes.toString('utf8', at, Math.min(at + 4, this.end)).codePointAt(0) ?? 0xfffd);
  }

  /** Throws for a token that begins at `start`, and grows without end. */
  limitToken(start: number): void {
    if (this.end - start > MAX_RECORD_BYTES) throw this.tooLong('A tag');
  }

  tooLong(what: string): GranaryError {
    return new GranaryError('format.line_too_long', `${what} is longer than ${formatBytes(MAX_RECORD_BYTES)}.`, {
      hint: 'Check that the file is complete and no quote or tag is left open.',
      details: { offset: this.base + this.position },
    });
  }
}

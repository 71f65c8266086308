/** How texts of a collation become UTF-8. The server itself says what the bytes of its simple character sets mean. */
import { GranaryError } from '../../../lib/errors.ts';

export type Encoding =
  | { kind: 'utf8' }
  | { kind: 'binary' }
  /** UTF-8 of each of the 256 bytes. */
  | { kind: 'table'; table: readonly Buffer[] }
  | { kind: 'decoder'; decode(bytes: Uint8Array): string };

type Ask = (sql: string) => Promise<(string | null)[][]>;

/** WHATWG's names of character sets with several bytes for a character. */
const DECODERS: Record<string, string> = {
  big5: 'big5',
  cp932: 'shift_jis',
  eucjpms: 'euc-jp',
  euckr: 'euc-kr',
  gb18030: 'gb18030',
  gb2312: 'gbk',
  gbk: 'gbk',
  sjis: 'shift_jis',
  ucs2: 'utf-16be',
  ujis: 'euc-jp',
  utf16: 'utf-16be',
  utf16le: 'utf-16le',
};
const UTF8 = new Set(['utf8', 'utf8mb3', 'utf8mb4']);

export class Charsets {
  readonly #byCollation: ReadonlyMap<number, string>;
  readonly #tables = new Map<string, readonly Buffer[]>();
  readonly #ask: Ask;

  private constructor(ask: Ask, byCollation: ReadonlyMap<number, string>) {
    this.#ask = ask;
    this.#byCollation = byCollation;
  }

  static async load(ask: Ask): Promise<Charsets> {
    const collations = await ask(
      'SELECT id, character_set_name FROM information_schema.collations WHERE id IS NOT NULL',
    );
    const more = await ask(
      'SELECT id, character_set_name FROM information_schema.collation_character_set_applicability WHERE id IS NOT NULL',
    ).catch(() => []);
    const sets = await ask('SELECT character_set_name FROM information_schema.character_sets WHERE maxlen = 1');
    const simple = new Set(sets.map(([name]) => name!));
    const byCollation = new Map([...collations, ...more].map(([id, name]) => [Number(id), name!]));
    const charsets = new Charsets(ask, byCollation);
    // Rows cannot wait for a question.
    for (const name of new Set(byCollation.values()))
      if (simple.has(name) && !UTF8.has(name) && name !== 'binary') await charsets.#loadTable(name);
    return charsets;
  }

  async #loadTable(charset: string): Promise<void> {
    // MySQL refuses bytes that mean nothing in it, and half of those of ASCII do not.
    const size = charset === 'ascii' ? 128 : 256;
    const all = `X'${Array.from({ length: size }, (_, i) => i.toString(16).padStart(2, '0')).join('')}'`;
    const digits = Array.from({ length: size }, (_, i) => `HEX(CONVERT(SUBSTRING(t, ${i + 1}, 1) USING utf8mb4))`);
    const [row] = await this.#ask(
      `SELECT ${digits.join(', ')} FROM (SELECT CONVERT(${all} USING ${charset}) AS t) one`,
    );
    const known = row!.map((hex) => Buffer.from(hex ?? '', 'hex'));
    this.#tables.set(charset, [...known, ...Array.from({ length: 256 - size }, () => Buffer.from('?'))]);
  }

  /** Error: `connector.protocol` for a character set that cannot be read. */
  of(collation: number): Encoding {
    const name = this.#byCollation.get(collation) ?? '';
    if (name === 'binary') return { kind: 'binary' };
    if (UTF8.has(name)) return { kind: 'utf8' };
    const table = this.#tables.get(name);
    if (table) return { kind: 'table', table };
    if (name === 'utf32') return { kind: 'decoder', decode: decodeUtf32 };
    const label = DECODERS[name];
    if (label) {
      const decoder = new TextDecoder(label);
      return { kind: 'decoder', decode: (bytes) => decoder.decode(bytes) };
    }
    throw new GranaryError(
      'connector.protocol',
      `Texts in the character set ${name || `of collation ${collation}`} cannot be read from the binary log.`,
      { hint: 'Change the column to utf8mb4, or leave it out of the contract.' },
    );
  }
}

function decodeUtf32(bytes: Uint8Array): string {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let text = '';
  for (let i = 0; i + 4 <= bytes.length; i += 4) text += String.fromCodePoint(view.getUint32(i));
  return text;
}

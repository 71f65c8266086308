/**
 * A slow, obviously right reader of CSV: the whole file in one string (a character for each byte), one character at a time. It shares no code
 * with the product and is what the product is compared with.
 */
import type { CsvConfig } from '../src/formats/csv/config.ts';

export interface SlowReading {
  /** Names of the header, or 'fault' when the first record is none. */
  header: string[] | 'fault' | undefined;
  rows: { line: number; values: (string | null)[]; raw: string }[];
  rejects: { line: number; rule: string; raw: string }[];
}

interface Rec {
  line: number;
  text: string;
  /** Undefined for a fault. */
  fields: string[] | undefined;
  tooLong: boolean;
}

/** `wanted`: names with a header, positions without. The column `integer` must hold whole numbers. */
export function slowRead(
  bytes: Buffer,
  config: CsvConfig,
  wanted: (string | number)[],
  integer: string | number,
): SlowReading {
  const records = slowRecords(bytes.toString('latin1'), config);
  let header: SlowReading['header'];
  if (config.header) {
    const first = records.shift();
    header = first && (first.fields?.map((name) => utf8(name).trim()) ?? 'fault');
  }
  for (let i = 0; i < config.footer_lines; i++) records.pop();
  if (config.footer_pattern)
    while (records.length > 0 && new RegExp(config.footer_pattern).test(utf8(records.at(-1)!.text))) records.pop();
  const expected = header === 'fault' ? 0 : (header?.length ?? firstGood(records));
  const reading: SlowReading = { header, rows: [], rejects: [] };
  for (const { line, text, fields, tooLong } of records) {
    const raw = utf8(text.slice(0, 65_536));
    const reject = (rule: string) => reading.rejects.push({ line, rule, raw });
    if (!fields) {
      reject(tooLong ? 'too_long' : 'structure');
      continue;
    }
    const cut = config.ragged === 'truncate' || config.ragged === 'pad_or_truncate';
    const pad = config.ragged === 'pad' || config.ragged === 'pad_or_truncate';
    const surplus = fields.slice(expected).some((f) => f !== '' && !config.null_values.includes(f));
    if ((surplus && !cut) || (fields.length < expected && !pad)) {
      reject('structure');
      continue;
    }
    const at = wanted.map((w) => (typeof w === 'number' ? w : (header as string[]).indexOf(w)));
    const values = at.map((i) => (i >= 0 && i < Math.min(fields.length, expected) ? fields[i]! : null));
    if (values.some((v) => v !== null && !isUtf8(v))) {
      reject('encoding');
      continue;
    }
    const meant = values.map((v) => (v === null ? null : meaning(utf8(v), config)));
    const number = meant[wanted.indexOf(integer)];
    if (typeof number === 'string' && !/^ *-?[0-9]+ *$/.test(number)) reject('type');
    else reading.rows.push({ line, values: meant, raw });
  }
  return reading;
}

function firstGood(records: Rec[]): number {
  return records.find((r) => r.fields)?.fields?.length ?? 0;
}

function meaning(value: string, config: CsvConfig): string | null {
  if (config.null_values.includes(value)) return null;
  const trimmed = config.trim ? value.replace(/^[ \t]+|[ \t]+$/g, '') : value;
  return config.null_values.includes(trimmed) ? null : trimmed;
}

function slowRecords(text: string, config: CsvConfig): Rec[] {
  const records: Rec[] = [];
  let at = 0;
  let line = 1;
  const skipLine = () => {
    at = afterLineEnd(text, lineEnd(text, at));
    line++;
  };
  for (let i = 0; i < config.skip_lines && at < text.length; i++) skipLine();
  while (at < text.length) {
    if (text[at] === '\n' || text[at] === '\r' || (config.comment && text[at] === config.comment)) {
      skipLine();
      continue;
    }
    const found = slowRecord(text, at, config);
    if (found && found.end - at <= config.max_line_bytes) {
      const content = text.slice(at, found.end);
      records.push({ line, text: content, fields: found.fields, tooLong: false });
      line += 1 + (content.match(/\r\n|\r|\n/g)?.length ?? 0);
      at = afterLineEnd(text, found.end);
    } else {
      const end = lineEnd(text, at);
      records.push({ line, text: text.slice(at, end), fields: undefined, tooLong: end - at > config.max_line_bytes });
      skipLine();
    }
  }
  return records;
}

function lineEnd(text: string, from: number): number {
  let p = from;
  while (p < text.length && text[p] !== '\n' && text[p] !== '\r') p++;
  return p;
}

function afterLineEnd(text: string, end: number): number {
  return text[end] === '\r' && text[end + 1] === '\n' ? end + 2 : end + 1;
}

/** The record at `from`, or undefined when its quotes are broken. */
function slowRecord(text: string, from: number, config: CsvConfig): { fields: string[]; end: number } | undefined {
  const quote = config.quote === 'none' ? '' : (config.quote ?? '"');
  const escaper = config.escape && config.escape !== 'none' ? config.escape : '';
  const delimiter = Buffer.from(config.delimiter).toString('latin1');
  const protects = (c: string | undefined) =>
    c !== undefined && (c === quote || c === escaper || c === delimiter[0] || c === '\n' || c === '\r');
  const fields: string[] = [];
  let field = '';
  let state: 'start' | 'plain' | 'quoted' | 'closed' = 'start';
  for (let p = from; ; p++) {
    const c = text[p];
    if (state === 'quoted') {
      if (c === undefined) return undefined;
      if ((c === '\n' || c === '\r') && !config.multiline) return undefined;
      if (escaper && c === escaper && p + 1 < text.length) {
        if (!config.multiline && /[\r\n]/.test(text[p + 1]!)) return undefined;
        field += protects(text[p + 1]) ? text[p + 1] : c + text[p + 1];
        p++;
      } else if (c === quote && !escaper && text[p + 1] === quote) {
        field += quote;
        p++;
      } else if (c === quote) state = 'closed';
      else field += c;
      continue;
    }
    if (c === undefined || c === '\n' || c === '\r') {
      fields.push(field);
      return { fields, end: p };
    }
    if (text.startsWith(delimiter, p)) {
      fields.push(field);
      field = '';
      state = 'start';
      p += delimiter.length - 1;
    } else if (state === 'closed') {
      if (c !== ' ' && c !== '\t') return undefined;
    } else if (state === 'start' && quote && c === quote) {
      field = '';
      state = 'quoted';
    } else if (escaper && c === escaper && p + 1 < text.length) {
      field += protects(text[p + 1]) ? text[p + 1] : c + text[p + 1];
      p++;
      if (text[p] === '\r' && text[p + 1] === '\n') field += text[++p];
      state = 'plain';
    } else {
      field += c;
      if (c !== ' ' && c !== '\t') state = 'plain';
    }
  }
}

const utf8 = (latin1: string) => Buffer.from(latin1, 'latin1').toString('utf8');
const isUtf8 = (latin1: string) => Buffer.from(latin1, 'latin1').equals(Buffer.from(utf8(latin1)));

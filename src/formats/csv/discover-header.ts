/** Is the first record a header, and are the last ones a footer? Pure. */
import { isTyped, type SampleRecord } from './discover-dialect.ts';

export interface HeaderGuess {
  header: boolean;
  /** Nothing in the file shows it either way. */
  unsure: boolean;
}

/** Words that occur in names of columns and rarely as values. */
const NAME_WORDS =
  /(^|[\s_-])(id|no|nr|nbr|num|number|nummer|key|code|sku|ean|name|vorname|nachname|title|titel|type|typ|kind|status|state|date|datum|day|time|at|year|month|price|preis|amount|betrag|sum|total|qty|quantity|menge|count|cost|tax|vat|currency|email|e-mail|mail|phone|telefon|street|strasse|city|stadt|ort|zip|plz|postcode|country|land|region|store|filiale|shop|customer|kunde|product|artikel|item|category|kategorie|description|beschreibung|comment|notes?|url|user|account|value|wert|unit|remark)($|[\s_-])/i;
const SNAKE_CASE = /^[a-z][a-z0-9]*(_[a-z0-9]+)+$/i;
const CAMEL_CASE = /^[a-z]+([A-Z][a-z0-9]*)+$/;

/**
 * Weighs what tells names from values. When nothing does, the record is taken for data: a name among the data can be seen, a row taken
 * for a header is lost.
 */
export function guessHeader(records: readonly SampleRecord[]): HeaderGuess {
  const [first, ...rest] = records;
  if (!first) return { header: false, unsure: false };
  let weight = 0;
  for (const [i, text] of first.fields.entries()) {
    const name = text.trim();
    const below = rest.map((r) => r.fields[i]?.trim() ?? '').filter((v) => v !== '');
    if (name !== '' && isTyped(name)) weight -= 2;
    else if (below.length > 0 && below.filter(isTyped).length > 0.9 * below.length) weight += name === '' ? 0 : 2;
    if (name !== '' && below.includes(name)) weight -= 1;
    if (NAME_WORDS.test(name) || SNAKE_CASE.test(name) || CAMEL_CASE.test(name)) weight += 1;
  }
  return { header: weight > 0, unsure: weight === 0 };
}

const FOOTER_WORDS =
  /^(grand )?(totals?|sub-?total|sum|summe|gesamt(summe)?|trailer|trl|footer|eof|end( of (file|report))?|ende|records?|rows?|count|anzahl|---+|===+)\b/i;

/** How many of the last records are no data. `last`: records of the end of the file. */
export function guessFooter(last: readonly SampleRecord[], width: number, columns: readonly SampleRecord[]): number {
  let footer = 0;
  for (const record of last.toReversed()) {
    if (!isFooter(record, width, columns)) break;
    footer++;
  }
  return footer < last.length ? footer : 0;
}

function isFooter({ fields }: SampleRecord, width: number, columns: readonly SampleRecord[]): boolean {
  const word = fields.find((f) => f.trim() !== '')?.trim() ?? '';
  if (!FOOTER_WORDS.test(word) && !/^[-=*_]{3,}$/.test(word)) return false;
  if (fields.length !== width) return true;
  // It has the width of a record: then its first value must be unlike the others of its column, or most of it empty.
  const filled = fields.filter((f) => f.trim() !== '').length;
  const first = columns.slice(1).map((r) => r.fields[0]?.trim() ?? '');
  const alike = first.filter((v) => FOOTER_WORDS.test(v)).length;
  return alike <= 1 && (filled <= width / 2 || first.filter(isTyped).length > first.length / 2);
}

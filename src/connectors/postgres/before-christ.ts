/**
 * Years before Christ: the server writes `0044-03-15 BC`, which the engine takes for the year 44, or for no date; it wants `0044-03-15 (BC)`.
 * An expression that looks at every value costs the server a sixth of a COPY, so rows are looked at as they come, and nearly none has to be touched.
 */

/** What a row has in it if there is such a year. */
export const BEFORE_CHRIST = Buffer.from('BC');

const SPACE = 0x20;
const QUOTE = 0x22;
const COMMA = 0x2c;
const LINE_FEED = 0x0a;
/** `oid` of date, timestamp and timestamptz. The wire tells that of the type below a domain. */
const TIMES = new Set([1082, 1114, 1184]);

export const isTime = (type: number): boolean => TIMES.has(type);

/** Of one value: `0044-03-15 12:00:00 BC` becomes `0044-03-15 (BC) 12:00:00`, all others stay. */
export const withBeforeChrist = (value: string): string => value.replace(/^([^ ]+)( .*)? BC$/, '$1 (BC)$2');

/** Of a line of CSV. `times`: which of its fields are dates and times; others stay what they are, whatever they look like. */
export function lineBeforeChrist(line: Buffer, times: readonly boolean[]): Buffer {
  if (!isSuspect(line)) return line;
  const pieces: Buffer[] = [];
  let kept = 0;
  let column = 0;
  let start = 0;
  let quoted = false;
  for (let i = 0; i < line.length; i++) {
    const byte = line[i];
    if (byte === QUOTE) quoted = !quoted;
    if (quoted || (byte !== COMMA && byte !== LINE_FEED)) continue;
    if (times[column]) {
      const quotes = line[start] === QUOTE ? 1 : 0;
      const value = line.toString('latin1', start + quotes, i - quotes);
      const changed = withBeforeChrist(value);
      if (changed !== value) {
        pieces.push(line.subarray(kept, start + quotes), Buffer.from(changed, 'latin1'));
        kept = i - quotes;
      }
    }
    column++;
    start = i + 1;
  }
  return kept === 0 ? line : Buffer.concat([...pieces, line.subarray(kept)]);
}

/** A field ends with it. Cheaper than to take a line apart that only mentions British Columbia. */
function isSuspect(line: Buffer): boolean {
  for (let at = line.indexOf(BEFORE_CHRIST); at >= 0; at = line.indexOf(BEFORE_CHRIST, at + 2)) {
    const next = line[at + 2];
    if (line[at - 1] === SPACE && (next === COMMA || next === LINE_FEED || next === QUOTE)) return true;
  }
  return false;
}

/** Which format a plain file has: by its ending, else by how it begins. Pure. */

/** The type of a format, or undefined when nothing speaks for one. `byEnding` is what the name says. */
export function recognise(head: Uint8Array, byEnding: string | undefined): string | undefined {
  if (byEnding !== undefined) return byEnding;
  const bytes = Buffer.from(head);
  if (bytes.subarray(0, 4).toString('latin1') === 'PAR1') return 'parquet';
  const text = bytes.toString('utf8').replace(/^\ufeff/, '');
  const first = /\S/.exec(text)?.[0];
  if (first === '[') return 'json';
  if (first === '{') return isJson(text.trimStart().split('\n')[0]!) ? 'ndjson' : 'json';
  if (first === '<') return /^\s*<(!doctype\s+)?html\b/i.test(text) ? undefined : 'xml';
  if (bytes.includes(0)) return undefined;
  return looksDelimited(text) ? 'csv' : undefined;
}

function isJson(line: string): boolean {
  try {
    JSON.parse(line);
    return true;
  } catch {
    return false;
  }
}

const DELIMITERS = [',', ';', '\t', '|'];

/** One of the usual delimiters occurs in the first lines, about as often in each. */
function looksDelimited(text: string): boolean {
  const lines = text
    .split(/\r\n|\n|\r/)
    .slice(0, 10)
    .filter((l) => l.trim() !== '')
    .slice(0, -1);
  if (lines.length < 2) return false;
  return DELIMITERS.some((d) => {
    const counts = lines.map((l) => l.split(d).length - 1);
    return counts[0]! > 0 && counts.filter((n) => n === counts[0]).length >= lines.length * 0.8;
  });
}

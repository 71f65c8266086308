/**
 * Arrays and composite values, from the server's text to the JSON that its `to_json` makes of them, without a space in it.
 * Forms: https://www.postgresql.org/docs/current/arrays.html#ARRAYS-IO and https://www.postgresql.org/docs/current/rowtypes.html#ROWTYPES-IO-SYNTAX
 */

/** A type as JSON sees it; domains are resolved. */
export type Shape =
  | { kind: 'boolean' | 'number' | 'json' | 'date' | 'timestamp' | 'timestamptz' | 'text' | 'vector' }
  | { kind: 'array'; of: Shape; separator: string }
  | { kind: 'composite'; fields: { name: string; shape: Shape }[] };

const NUMBER = /^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/;

/** The value has the form of its type: it comes from a server. */
export function toJson(text: string, shape: Shape): string {
  switch (shape.kind) {
    case 'array':
      return arrayToJson(text, shape);
    case 'composite':
      return compositeToJson(text, shape.fields);
    case 'vector':
      // Numbers with spaces between.
      return `[${text.split(' ').join(',')}]`;
    case 'boolean':
      return text === 't' ? 'true' : 'false';
    case 'number':
      return NUMBER.test(text) ? text : JSON.stringify(text);
    case 'json':
      return text;
    case 'timestamp':
      return JSON.stringify(text.replace(' ', 'T'));
    case 'timestamptz':
      // Of the time zone UTC.
      return JSON.stringify(text.replace(' ', 'T').replace('+00', '+00:00'));
    default:
      return JSON.stringify(text);
  }
}

function arrayToJson(text: string, { of, separator }: Extract<Shape, { kind: 'array' }>): string {
  // Bounds that do not begin at 1 stand before: [0:1]={a,b}
  let at = text.indexOf('{');
  let out = '';
  while (at < text.length) {
    const c = text[at]!;
    if (c === '{') {
      out += '[';
      at++;
    } else if (c === '}') {
      out += ']';
      at++;
    } else if (c === separator) {
      out += ',';
      at++;
    } else if (c === '"') {
      let value = '';
      for (at++; at < text.length && text[at] !== '"'; at++) {
        if (text[at] === '\\') at++;
        value += text[at];
      }
      at++;
      out += toJson(value, of);
    } else {
      let value = '';
      for (; at < text.length && text[at] !== separator && text[at] !== '}'; at++) {
        if (text[at] === '\\') at++;
        value += text[at];
      }
      out += value === 'NULL' ? 'null' : toJson(value, of);
    }
  }
  return out;
}

function compositeToJson(text: string, fields: readonly { name: string; shape: Shape }[]): string {
  let at = 1;
  const out: string[] = [];
  for (const { name, shape } of fields) {
    let value = '';
    let isNull = true;
    for (let quoted = false; at < text.length; at++) {
      const c = text[at]!;
      if (c === '"') {
        // Twice within quotes it is one that belongs to the value.
        if (quoted && text[at + 1] === '"') value += text[++at];
        else quoted = !quoted;
        isNull = false;
      } else if (c === '\\') {
        value += text[++at];
        isNull = false;
      } else if (!quoted && (c === ',' || c === ')')) break;
      else {
        value += c;
        isNull = false;
      }
    }
    at++;
    out.push(`${JSON.stringify(name)}:${isNull ? 'null' : toJson(value, shape)}`);
  }
  return `{${out.join(',')}}`;
}

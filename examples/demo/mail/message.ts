/** Reads a mail as programs write them: headers, a text and an HTML part, in the encodings of MIME (RFC 2045, 2047). Pure. */

export interface Mail {
  subject: string;
  to: string;
  /** ISO 8601, UTC. */
  date: string;
  text: string;
  html: string;
}

interface Part {
  /** By lower-case name; unfolded. */
  headers: Map<string, string>;
  /** As it came, byte by byte in Latin-1. */
  body: string;
}

/** `source`: the message byte by byte in Latin-1, with CRLF at the ends of lines. */
export function readMail(source: string): Mail {
  const whole = readPart(source);
  const leaves = leavesOf(whole);
  const content = (type: string) => {
    const part = leaves.find((p) => (p.headers.get('content-type') ?? 'text/plain').startsWith(type));
    return part ? decode(part).replaceAll('\r\n', '\n') : '';
  };
  return {
    subject: decodeWords(whole.headers.get('subject') ?? ''),
    to: whole.headers.get('to') ?? '',
    date: new Date(whole.headers.get('date') ?? 0).toISOString(),
    text: content('text/plain'),
    html: content('text/html'),
  };
}

function readPart(source: string): Part {
  const end = source.indexOf('\r\n\r\n');
  const head = source.slice(0, end).replaceAll(/\r\n(?=[ \t])/g, '');
  const headers = head.split('\r\n').map((line): [string, string] => {
    const colon = line.indexOf(':');
    return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
  });
  return { headers: new Map(headers), body: source.slice(end + 4) };
}

function leavesOf(part: Part): Part[] {
  const boundary = /^multipart\/.*boundary="?([^";]+)"?/i.exec(part.headers.get('content-type') ?? '')?.[1];
  if (boundary === undefined) return [part];
  const pieces = `\r\n${part.body}`.split(`\r\n--${boundary}`).slice(1, -1);
  return pieces.flatMap((piece) => leavesOf(readPart(piece.replace(/^[ \t]*\r\n/, ''))));
}

function decode({ headers, body }: Part): string {
  switch (headers.get('content-transfer-encoding')?.toLowerCase()) {
    case 'base64':
      return Buffer.from(body, 'base64').toString('utf8');
    case 'quoted-printable':
      return utf8(unquote(body.replaceAll(/=\r\n/g, '')));
    default:
      return utf8(body);
  }
}

/** `=?UTF-8?Q?…?=` and `=?UTF-8?B?…?=`; UTF-8 is what Granary writes. */
function decodeWords(text: string): string {
  const joined = text.replaceAll(/\?=\s+=\?/g, '?==?');
  return joined.replaceAll(/=\?utf-8\?([qb])\?([^?]*)\?=/gi, (_, how: string, word: string) =>
    how.toLowerCase() === 'b' ? Buffer.from(word, 'base64').toString('utf8') : utf8(unquote(word.replaceAll('_', ' '))),
  );
}

const unquote = (text: string) =>
  text.replaceAll(/=([0-9A-F]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
const utf8 = (bytes: string) => Buffer.from(bytes, 'latin1').toString('utf8');

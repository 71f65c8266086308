/** A real mail server (aiosmtpd) that keeps what it takes, and can be told to misbehave. */
import { mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { makeCertificate } from './certificate.ts';
import { freePorts, LOOPBACK, missing, startServer } from './processes.ts';

const PROGRAM = resolve(import.meta.dirname, '../../.servers/smtp/bin/python');

export interface Mail {
  from: string;
  to: string[];
  /** Names in lower case; folded lines joined. */
  headers: Record<string, string>;
  subject: string;
  messageId: string;
  /** The message as it came. */
  raw: string;
  /** Decoded parts. */
  text: string;
  html: string;
}

/** See `smtp-server.py`. */
export type Misbehaviour =
  | { at: 'mail' | 'rcpt' | 'data'; answer: string; times?: number; only?: string }
  | { drop: 'before' | 'after'; times?: number }
  | { hold_s: number; times?: number };

export interface MailServer {
  host: string;
  port: number;
  user: string | undefined;
  password: string | undefined;
  /** PEM file to trust. */
  certificate: string | undefined;
  /** In the order in which they came, over all starts. */
  mails(): Promise<Mail[]>;
  misbehave(how: Misbehaviour | null): Promise<void>;
  /** Goes down; what it has kept stays. */
  down(): Promise<void>;
  up(): Promise<void>;
  stop(): Promise<void>;
}

export const smtpMissing = () => missing(PROGRAM);

export async function startMailServer(
  options: { tls?: 'none' | 'starttls' | 'implicit'; login?: boolean } = {},
): Promise<MailServer> {
  const folder = await mkdtemp('/tmp/granary-smtp-');
  const port = await freePorts();
  const { tls = 'none', login = false } = options;
  const certificate = tls === 'none' ? undefined : await makeCertificate(folder);
  const [user, password] = login ? ['granary', 'the mail password'] : [];
  let generation = 0;
  const folders: string[] = [];
  let server: { stop(): Promise<void> } | undefined;
  const up = async () => {
    const own = join(folder, String(++generation));
    await mkdir(own);
    folders.push(own);
    const setting = { port, folder: own, user, password, tls, ...certificate };
    server = await startServer(PROGRAM, [resolve(import.meta.dirname, 'smtp-server.py'), JSON.stringify(setting)], {
      port,
    });
  };
  const down = async () => {
    await server?.stop();
    server = undefined;
  };
  await up();
  return {
    host: LOOPBACK,
    port,
    user,
    password,
    certificate: certificate?.certificate,
    up,
    down,
    async mails() {
      const out: Mail[] = [];
      for (const own of folders) {
        const names = (await readdir(own)).filter((n) => /^\d+\.json$/.test(n)).sort();
        for (const name of names) out.push(parseMail(JSON.parse(await readFile(join(own, name), 'utf8'))));
      }
      return out;
    },
    async misbehave(how) {
      const path = join(folders.at(-1)!, 'control.json');
      if (how === null) return rm(path, { force: true });
      await writeFile(`${path}.new`, JSON.stringify(how));
      await rename(`${path}.new`, path);
    },
    async stop() {
      await down();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function parseMail({ from, to, text: raw }: { from: string; to: string[]; text: string }): Mail {
  const { headers, body } = split(raw);
  const parts = partsOf(headers, body);
  return {
    from,
    to,
    headers,
    subject: decodeWords(headers.subject ?? ''),
    messageId: headers['message-id'] ?? '',
    raw,
    text: parts['text/plain'] ?? '',
    html: parts['text/html'] ?? '',
  };
}

function split(raw: string): { headers: Record<string, string>; body: string } {
  const text = raw.replaceAll('\r\n', '\n');
  const end = text.indexOf('\n\n');
  const lines = text
    .slice(0, end)
    .replaceAll(/\n[ \t]+/g, ' ')
    .split('\n');
  const headers = lines.map((line) => [
    line.slice(0, line.indexOf(':')).toLowerCase(),
    line.slice(line.indexOf(':') + 1).trim(),
  ]);
  return { headers: Object.fromEntries(headers), body: text.slice(end + 2) };
}

/** Decoded texts of a message by their type. */
function partsOf(headers: Record<string, string>, body: string): Record<string, string> {
  const type = headers['content-type'] ?? 'text/plain';
  const boundary = /boundary="?([^";]+)"?/.exec(type)?.[1];
  if (boundary === undefined)
    return { [type.split(';')[0]!]: decode(body, headers['content-transfer-encoding'] ?? '') };
  const pieces = body.split(`--${boundary}`).slice(1, -1);
  return Object.assign(
    {},
    ...pieces.map((piece) => {
      const part = split(piece.replace(/^\n/, ''));
      return partsOf(part.headers, part.body);
    }),
  );
}

function decode(text: string, encoding: string): string {
  if (encoding === 'base64') return Buffer.from(text, 'base64').toString('utf8');
  if (encoding !== 'quoted-printable') return text;
  return unquote(text.replaceAll(/=\n/g, ''));
}

const unquote = (text: string) =>
  Buffer.from(
    text
      .replaceAll(/[^\x00-\x7f]/g, '?')
      .replaceAll(/=([0-9A-F]{2})/g, (_, hex) => String.fromCharCode(Number.parseInt(hex, 16))),
    'latin1',
  ).toString('utf8');

/** RFC 2047. */
function decodeWords(text: string): string {
  return text
    .replaceAll(/\?=\s+=\?/g, '?==?')
    .replaceAll(/=\?utf-8\?([bq])\?([^?]*)\?=/gi, (_, kind: string, word: string) =>
      kind.toLowerCase() === 'b' ? Buffer.from(word, 'base64').toString('utf8') : unquote(word.replaceAll('_', ' ')),
    );
}

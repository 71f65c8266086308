/** Intrinsic functions that make or take text. */
import { createHash, randomUUID } from 'node:crypto';
import type { Json } from '../types.ts';
import { failure, kindOf, wantString } from './failure.ts';

/** Characters that Base64Encode, Base64Decode and Hash take, as AWS. */
const MAX_TEXT = 10_000;

const HASHES: Record<string, string> = {
  MD5: 'md5',
  'SHA-1': 'sha1',
  'SHA-256': 'sha256',
  'SHA-384': 'sha384',
  'SHA-512': 'sha512',
};

/**
 * The first argument with its escapes; each `{}` takes the next of the others: a string as it is, a number, boolean or null as JSON.
 * Arrays and objects are refused: AWS writes them in a form of its own; use `States.JsonToString`.
 */
export function format([template, ...values]: Json[]): Json {
  const name = 'States.Format';
  const pieces = piecesOf(wantString(name, template, 'the template'));
  if (pieces.length - 1 !== values.length)
    throw failure(name, `the template has ${pieces.length - 1} {} and there are ${values.length} values`);
  let out = pieces[0]!;
  for (const [i, value] of values.entries()) {
    if (typeof value === 'object' && value !== null)
      throw failure(
        name,
        `a value is a string, a number, a boolean or null, not ${kindOf(value)}; use States.JsonToString`,
      );
    out += `${value}${pieces[i + 1]}`;
  }
  return out;
}

const pieceCache = new Map<string, string[]>();

/** The texts between the placeholders, without escapes. Throws on a brace that is neither escaped nor a placeholder. */
export function piecesOf(template: string): string[] {
  const known = pieceCache.get(template);
  if (known) return known;
  const pieces: string[] = [];
  let piece = '';
  for (let i = 0; i < template.length; i++) {
    const c = template[i]!;
    if (c === '\\' && i + 1 < template.length) piece += template[++i];
    else if (c === '{' && template[i + 1] === '}') {
      pieces.push(piece);
      piece = '';
      i++;
    } else if (c === '{' || c === '}') throw failure('States.Format', `write \\${c} for a ${c} that is no placeholder`);
    else piece += c;
  }
  pieces.push(piece);
  if (pieceCache.size > 5_000) pieceCache.clear();
  pieceCache.set(template, pieces);
  return pieces;
}

export function base64Encode([text]: Json[]): Json {
  return Buffer.from(bounded('States.Base64Encode', text), 'utf8').toString('base64');
}

export function base64Decode([text]: Json[]): Json {
  const encoded = bounded('States.Base64Decode', text);
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(encoded) || encoded.length % 4 !== 0)
    throw failure('States.Base64Decode', 'the text is not Base64');
  return Buffer.from(encoded, 'base64').toString('utf8');
}

/** Lower-case hex. */
export function hash([text, algorithm]: Json[]): Json {
  const wanted = wantString('States.Hash', algorithm, 'the algorithm');
  const known = Object.hasOwn(HASHES, wanted) ? HASHES[wanted] : undefined;
  if (!known) throw failure('States.Hash', `the algorithm is one of ${Object.keys(HASHES).join(', ')}`);
  return createHash(known).update(bounded('States.Hash', text), 'utf8').digest('hex');
}

/** At every character of the second argument; empty parts are dropped, as AWS does. */
export function split([text, delimiters]: Json[]): Json {
  const from = wantString('States.StringSplit', text, 'the first argument');
  const at = new Set(wantString('States.StringSplit', delimiters, 'the second argument'));
  const out: string[] = [];
  let part = '';
  for (const c of from) {
    if (!at.has(c)) part += c;
    else if (part) {
      out.push(part);
      part = '';
    }
  }
  if (part) out.push(part);
  return out;
}

/** Version 4: another at every evaluation. */
export function uuid(): Json {
  return randomUUID();
}

function bounded(name: string, value: Json | undefined): string {
  const text = wantString(name, value, 'the first argument');
  if (text.length > MAX_TEXT) throw failure(name, `takes ${MAX_TEXT} characters, not ${text.length}`);
  return text;
}

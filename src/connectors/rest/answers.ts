/** Answers of the API: their bodies, and what is said of them. */
import { brotliDecompressSync, gunzipSync, inflateSync } from 'node:zlib';
import { GranaryError } from '../../lib/errors.ts';
import { redact } from '../../lib/redact.ts';
import type { Reply } from '../http/client.ts';
import { lost } from '../lib/faults.ts';
import { requestFault } from '../lib/network.ts';

export interface Answer {
  status: number;
  headers: Reply['headers'];
  body: Buffer;
  /** By the server's clock where it tells, milliseconds. */
  at: number;
}

const SHOWN = 200;

/** An answer with a good status that is not what was asked for: cut off, or a page of a proxy. */
export class BadAnswer extends GranaryError {
  constructor(endpoint: string, path: string, problem: string, body: Buffer) {
    super('connector.protocol', `${endpoint}: the answer to ${path} ${problem}${said(body)}`);
  }
}

/** The beginning of what a server says, on one line. */
export function said(body: Buffer): string {
  const text = redact(body.toString('utf8', 0, 4096))
    .replaceAll(/[\s\x00-\x1f\x7f]+/g, ' ')
    .trim();
  return text === '' ? '' : `: ${text.length > SHOWN ? `${text.slice(0, SHOWN)}…` : text}`;
}

interface Reading {
  endpoint: string;
  /** What follows "while". */
  asked: string;
  /** Bytes. */
  most: number;
}

/** The body to its end, decoded. Errors: `connector.lost` (transient) where a part is missing, `connector.protocol` where it is too large. */
export async function bodyOf({ body, headers }: Reply, { endpoint, asked, most }: Reading): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of body as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (bytes > most) throw tooLarge(endpoint, asked, most);
      chunks.push(chunk);
    }
  } catch (e) {
    throw requestFault(endpoint, asked, e);
  } finally {
    body.destroy();
  }
  const whole = Buffer.concat(chunks);
  const length = headers['content-length'];
  if (length !== undefined && Number(length) !== bytes)
    throw lost(endpoint, `${asked}: ${bytes} of ${length} bytes came`);
  return decoded(
    whole,
    headers['content-encoding'],
    most,
    () => tooLarge(endpoint, asked, most),
    (e) => lost(endpoint, asked, e),
  );
}

const tooLarge = (endpoint: string, asked: string, most: number): GranaryError =>
  new GranaryError('connector.protocol', `${endpoint}: the answer is larger than ${most} bytes, while ${asked}`, {
    hint: 'Ask for smaller pages, or raise page_max_bytes of the connector.',
  });

/** Nothing compressed is asked for; some servers compress all the same. */
function decoded(
  body: Buffer,
  encoding: string | undefined,
  most: number,
  large: () => GranaryError,
  damaged: (e: unknown) => GranaryError,
): Buffer {
  const decode = { gzip: gunzipSync, 'x-gzip': gunzipSync, deflate: inflateSync, br: brotliDecompressSync }[
    encoding?.toLowerCase() ?? ''
  ];
  if (!decode) return body;
  try {
    return decode(body, { maxOutputLength: most });
  } catch (e) {
    throw (e as { code?: string }).code === 'ERR_BUFFER_TOO_LARGE' ? large() : damaged(e);
  }
}

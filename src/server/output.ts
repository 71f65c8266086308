/** How answers are written: JSON, problems, and streams that wait for slow readers, but not for ever. */
import type { ServerResponse } from 'node:http';
import { redact } from '../lib/redact.ts';
import { PROBLEM_TYPE, type Problem } from './problem.ts';

/** How long a reader of a stream may take nothing before it is given up. */
export const STALL_MS = 60_000;
/** A stream that has nothing to say says so, that proxies and readers keep it open. */
const BEAT_MS = 15_000;

const SAFE_HEADERS = {
  'Cache-Control': 'no-store',
  'X-Content-Type-Options': 'nosniff',
  'Content-Security-Policy': "default-src 'none'; frame-ancestors 'none'",
};

export function sendText(response: ServerResponse, status: number, contentType: string, text: string): void {
  response.writeHead(status, {
    ...SAFE_HEADERS,
    'Content-Type': contentType,
    'Content-Length': Buffer.byteLength(text),
  });
  response.end(text);
}

export function sendJson(response: ServerResponse, status: number, value: unknown): void {
  sendText(response, status, 'application/json', `${redact(JSON.stringify(value ?? null))}\n`);
}

export function sendProblem(response: ServerResponse, problem: Problem): void {
  if (response.headersSent) {
    // Breaking off is the only way left to say that this is not all.
    response.destroy();
    return;
  }
  if (problem.status === 401) response.setHeader('WWW-Authenticate', 'Bearer realm="granary"');
  if (problem.code === 'api.method') response.setHeader('Allow', String(problem.details?.['allowed']));
  // What is left of a body that was not read is not read.
  if (problem.status === 413) response.setHeader('Connection', 'close');
  sendText(response, problem.status, PROBLEM_TYPE, `${redact(JSON.stringify(problem))}\n`);
}

/** Writes a stream to its end, or until `signal` aborts. */
export async function sendStream(
  response: ServerResponse,
  contentType: string,
  pieces: AsyncIterable<string>,
  { signal, stallMs = STALL_MS, beatMs = BEAT_MS }: { signal: AbortSignal; stallMs?: number; beatMs?: number },
): Promise<void> {
  response.writeHead(200, { ...SAFE_HEADERS, 'Content-Type': contentType, 'X-Accel-Buffering': 'no' });
  response.flushHeaders();
  const beat = contentType === 'text/event-stream' ? ':\n\n' : '\n';
  const beats = setInterval(() => {
    if (!response.writableNeedDrain && !response.writableEnded) response.write(beat);
  }, beatMs);
  try {
    for await (const piece of pieces) {
      if (signal.aborted || response.destroyed) break;
      if (!response.write(piece)) await drained(response, signal, stallMs);
    }
  } finally {
    clearInterval(beats);
  }
  response.end();
}

/** Resolves when the reader has taken what was written, or is gone; breaks off one that takes nothing. */
async function drained(response: ServerResponse, signal: AbortSignal, stallMs: number): Promise<void> {
  await new Promise<void>((resolve) => {
    const done = () => {
      clearTimeout(stalled);
      response.off('drain', done).off('close', done);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const stalled = setTimeout(() => {
      response.destroy();
      done();
    }, stallMs);
    response.on('drain', done).on('close', done);
    signal.addEventListener('abort', done);
    if (response.destroyed || signal.aborted) done();
  });
}

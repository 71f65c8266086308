/** Where data goes: standard output, or a file. */
import { type FileHandle, open } from 'node:fs/promises';
import { GranaryError } from '../lib/errors.ts';
import type { Write } from './rows.ts';
import type { Terminal } from './terminal/terminal.ts';

/**
 * Runs `act` with a `write` that waits while the disk or the reader is slower. A file is complete when this returns. Errors: `cli.file`
 * when a file cannot be written, and those of `act`.
 */
export async function withOutput<T>(
  file: string | undefined,
  terminal: Terminal,
  act: (write: Write) => Promise<T>,
): Promise<T> {
  if (file === undefined) return act((text) => terminal.write(text, { exact: true }));
  const handle = await open(file, 'w').catch((e: Error) => {
    throw unwritable(file, e);
  });
  try {
    return await act((text) => writeTo(handle, file, text));
  } finally {
    await handle.close();
  }
}

async function writeTo(handle: FileHandle, file: string, text: string): Promise<void> {
  try {
    await handle.writeFile(text);
  } catch (e) {
    throw unwritable(file, e as Error);
  }
}

function unwritable(file: string, cause: Error): GranaryError {
  return new GranaryError('cli.file', `${file} cannot be written: ${cause.message}`, { cause });
}

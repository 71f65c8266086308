/** The connector that `granary add connector` writes, a source of it, and programs to run on them. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { connectorTemplate } from '../../src/project/connector-template.ts';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));
/** Lets a project without the package import from it. */
export const REGISTER = join(ROOT, 'exports/register.js');
export const TEMPLATE = connectorTemplate('notes')['connectors/notes.ts']!;
export const SOURCE = `connector: { type: notes }
schedule: manual
datasets:
  notes:
    read: notes
    columns: { id: bigint, text: text, written_at: timestamp }
`;
export const lineOf = (text: string, piece: string) => text.slice(0, text.indexOf(piece)).split('\n').length;

/** `change`: pieces of the template, and what stands in their place. */
export function changed(...changes: [string, string][]): string {
  let text = TEMPLATE;
  for (const [from, to] of changes) {
    assert.ok(text.includes(from), from);
    text = text.replace(from, to);
  }
  return text;
}

/** Runs a program to its end. */
export const tool = (command: string, words: string[], cwd: string) =>
  new Promise<{ code: number; text: string }>((resolve) => {
    const env = { PATH: process.env['PATH'], HOME: cwd };
    execFile(command, words, { cwd, env, maxBuffer: 1e8 }, (e, stdout, stderr) =>
      resolve({ code: e ? Number(e.code) : 0, text: stdout + stderr }),
    );
  });

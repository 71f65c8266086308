/**
 * Lets modules of a project import `granary/connector` and `granary/transform` whether or not the package is installed there. They get the
 * running package itself, so that an error which they throw is one of ours. What they import of the project is remembered: their code is
 * that of all these files.
 */
import { readFile } from 'node:fs/promises';
import { registerHooks } from 'node:module';
import { extname } from 'node:path';
import { sha256 } from '../../lib/hash.ts';

/** The build has another ending. */
const ENDING = extname(import.meta.url);
const ours = (name: string) => new URL(`../../api/${name}${ENDING}`, import.meta.url).href;
const OURS = new Map([
  ['granary/connector', ours('connector')],
  ['granary/connector/testing', ours('connector-testing')],
  ['granary/transform', ours('transform')],
  ['granary/transform/testing', ours('transform-testing')],
]);

/** URLs of folders, with a slash at the end, whose TypeScript is modules whatever a package.json says or does not. */
const folders = new Set<string>();
/** Files by the file that imports them; those of packages are not among them. */
const imports = new Map<string, Set<string>>();

export function resolveImportsFrom(folder: string): void {
  if (folders.size === 0)
    registerHooks({
      resolve(specifier, context, next) {
        const url = OURS.get(specifier);
        if (url !== undefined) return { url, shortCircuit: true };
        const found = next(specifier, context);
        const isOwn = found.url.endsWith('.ts') && [...folders].some((f) => found.url.startsWith(f));
        if (context.parentURL !== undefined) note(context.parentURL, found.url);
        return isOwn ? { ...found, format: 'module-typescript' } : found;
      },
    });
  folders.add(folder);
}

function note(parent: string, url: string): void {
  const isOwn = imports.has(parent) || [...folders].some((f) => parent.startsWith(f));
  if (!isOwn || !url.startsWith('file:') || url.includes('/node_modules/')) return;
  imports.set(parent, (imports.get(parent) ?? new Set()).add(url));
  if (!imports.has(url)) imports.set(url, new Set());
}

const hashes = new Map<string, Promise<string>>();

/** Of a module that was imported, and of all files of the project that it imports, as they were then. Packages are not in it. */
export function codeHashOf(url: string): Promise<string> {
  const known = hashes.get(url) ?? hashOf(url);
  hashes.set(url, known);
  return known;
}

async function hashOf(url: string): Promise<string> {
  const files = new Set([url]);
  for (const file of files) for (const imported of imports.get(file) ?? []) files.add(imported);
  return sha256(JSON.stringify(await Promise.all([...files].map((file) => readFile(new URL(file), 'utf8')))));
}

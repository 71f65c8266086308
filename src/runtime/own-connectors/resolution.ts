/**
 * Lets modules of a project import `granary/connector` whether or not the package is installed there. They get the running package itself, so
 * that an error which they throw is one of ours.
 */
import { registerHooks } from 'node:module';
import { extname } from 'node:path';

/** The build has another ending. */
const ENDING = extname(import.meta.url);
const OURS = new Map([
  ['granary/connector', new URL(`../../api/connector${ENDING}`, import.meta.url).href],
  ['granary/connector/testing', new URL(`../../api/connector-testing${ENDING}`, import.meta.url).href],
]);

/** URLs of folders, with a slash at the end, whose TypeScript is modules whatever a package.json says or does not. */
const folders = new Set<string>();

export function resolveImportsFrom(folder: string): void {
  if (folders.size === 0)
    registerHooks({
      resolve(specifier, context, next) {
        const url = OURS.get(specifier);
        if (url !== undefined) return { url, shortCircuit: true };
        const found = next(specifier, context);
        const isOwn = found.url.endsWith('.ts') && [...folders].some((f) => found.url.startsWith(f));
        return isOwn ? { ...found, format: 'module-typescript' } : found;
      },
    });
  folders.add(folder);
}

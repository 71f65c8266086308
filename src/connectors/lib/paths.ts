/** Paths below a source's root: relative, `/`-separated, never leaving it. */
import { denied } from './faults.ts';

/** May this name, as a server lists it, stand in a path? Names that could lead elsewhere or break a protocol's lines may not. */
export function isSafeName(name: string): boolean {
  return name !== '' && name !== '.' && name !== '..' && !/[/\0\r\n]/.test(name);
}

/** Is the path relative, without empty, `.` and `..` segments and control characters? */
export function isSafePath(path: string): boolean {
  return path.split('/').every(isSafeName);
}

/** The path as it is. Throws `connector.denied` when it is absolute or could leave the root. */
export function checkPath(path: string): string {
  if (!isSafePath(path)) throw denied(path, 'it is not a plain path below the root of the source');
  return path;
}

/** As `checkPath`, for a folder: '' is the root itself. */
export function checkFolder(folder: string): string {
  return folder === '' ? folder : checkPath(folder);
}

/** `a/b` and `c` to `a/b/c`; a base of '' adds nothing, a base that ends in `/` gets no second one. */
export function joinPath(base: string, path: string): string {
  if (base === '' || path === '') return base + path;
  return base.endsWith('/') ? base + path : `${base}/${path}`;
}

/** The folder a path is in, '' at the root. */
export function parentOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf('/')));
}

/** The last segment of a path. */
export function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

/** The folders above a path, outermost first: `a/b/c` gives `a`, `a/b`. */
export function ancestorsOf(path: string): string[] {
  const segments = path.split('/').slice(0, -1);
  return segments.map((_, i) => segments.slice(0, i + 1).join('/'));
}

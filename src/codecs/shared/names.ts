/** Names of members: the inner name of a compressed file, and which paths within an archive are safe and wanted. */
import { posix } from 'node:path';
import { GranaryError } from '../../lib/errors.ts';
import { s } from '../../lib/spec/fields.ts';

/** `name` with its ending replaced as `endings` says (`{ '.gz': '', '.tgz': '.tar' }`); as it is when it has none of them. */
export function innerName(name: string, endings: Record<string, string>): string {
  for (const [ending, replacement] of Object.entries(endings)) {
    if (name.length > ending.length && name.toLowerCase().endsWith(ending))
      return name.slice(0, -ending.length) + replacement;
  }
  return name;
}

/** The field by which archives let a user choose. */
export const membersField = s.list(s.text({ doc: 'Pattern for paths within the archive.', example: '*.csv' }), {
  doc: 'Which files of the archive to take, as patterns with *, ** and ?; one without a slash matches the name in any folder.',
  example: ['sales_*.csv', 'returns/**'],
  default: ['**'],
});

/** Is the file at `path` one that `members` patterns ask for? What operating systems add on their own never is. */
export function isWanted(path: string, members: readonly string[]): boolean {
  const base = posix.basename(path);
  if (base === '.DS_Store' || path.startsWith('__MACOSX/')) return false;
  return members.some((pattern) => {
    if (pattern === '**') return true;
    return posix.matchesGlob(pattern.includes('/') ? path : base, pattern);
  });
}

/**
 * The path of an archive entry in its one plain form (`./a//b.csv` becomes `a/b.csv`).
 * Throws `codec.unsafe_path` for paths that could leave the folder an archive is unpacked in, on any operating system,
 * and for those that could deceive whoever reads them in a log.
 */
export function safePath(archive: string, path: string): string {
  const problem = pathProblem(path);
  if (problem) throw unsafePath(archive, path, problem);
  const plain = posix.normalize(path);
  return plain.startsWith('./') ? plain.slice(2) : plain;
}

function pathProblem(path: string): string | undefined {
  if (path === '') return 'its path is empty';
  if (path.startsWith('/')) return 'its path is absolute';
  if (path.includes('\\')) return 'its path holds a backslash';
  if (/^[a-z]:/i.test(path)) return 'its path begins with a drive letter';
  if (/[\x00-\x1f\x7f]/.test(path)) return 'its path holds control characters';
  if (path.split('/').includes('..')) return 'its path goes up with ".."';
  return undefined;
}

/** `codec.unsafe_path`; `problem` says why, as a clause. */
export function unsafePath(archive: string, path: string, problem: string): GranaryError {
  return new GranaryError(
    'codec.unsafe_path',
    `"${archive}" holds an unsafe entry, ${JSON.stringify(path)}: ${problem}`,
    {
      where: { file: archive },
      hint: 'An honest tool does not make such entries. Ask the sender how the archive was made before trusting it.',
      details: { entry: path },
    },
  );
}

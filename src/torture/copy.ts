/** A copy of a project with an empty data directory, so that torture never touches the real one. */
import { cp, mkdir, rm, stat, symlink } from 'node:fs/promises';
import { dirname, join, relative, sep } from 'node:path';
import { GranaryError } from '../lib/errors.ts';
import type { Project } from '../project/project.ts';

/** Files keep their times: whether one is complete may depend on its age. */
export async function copyProject(project: Project, to: string): Promise<void> {
  await rm(to, { recursive: true, force: true });
  await mkdir(to, { recursive: true });
  const data = relative(project.dir, project.dataDir);
  await cp(project.dir, to, {
    recursive: true,
    preserveTimestamps: true,
    filter: (source) => {
      const path = relative(project.dir, source);
      return !(path === data || path.startsWith(data + sep) || /(^|[\\/])(node_modules|\.git)$/.test(path));
    },
  });
  const packages = await packagesOf(project.dir);
  if (packages !== undefined) await symlink(packages, join(to, 'node_modules'), 'junction');
}

/** What the project's own connectors import from: it is not copied, but found. */
async function packagesOf(start: string): Promise<string | undefined> {
  for (let dir = start; ; dir = dirname(dir)) {
    const packages = join(dir, 'node_modules');
    if ((await stat(packages).catch(() => undefined))?.isDirectory()) return packages;
    if (dir === dirname(dir)) return undefined;
  }
}

/**
 * Errors: `torture.refused` when a run of the project would change something outside its folder: a data directory elsewhere, files that are moved
 * or deleted at a server.
 */
export function refuseDamage(project: Project): void {
  const inside = (path: string) => !relative(project.dir, path).startsWith('..');
  if (!inside(project.dataDir)) refuse(`The data directory ${project.dataDir} is outside the project folder.`);
  for (const source of project.sources.values()) {
    const { type, path } = source.config.connector as { type: string; path?: string };
    const isCopied = type === 'folder' && path !== undefined && inside(join(project.dir, path));
    const changed = [...source.datasets.values()].find((d) => d.config.after_landing.action !== 'leave');
    if (!isCopied && changed)
      refuse(
        `${source.name}.${changed.name} has \`after_landing: ${changed.config.after_landing.action}\`: files would go at the source.`,
      );
  }
}

function refuse(why: string): never {
  throw new GranaryError('torture.refused', why, {
    hint: 'Torture works on a copy and must leave the world as it is. Use an environment that overrides this: `granary torture --env …`.',
  });
}

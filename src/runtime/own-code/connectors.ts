/** Connectors of a project's own: `connectors/<type>.ts`, each with a default export that `defineConnector` made. */
import type { AnyConnector } from '../../ports/extract.ts';
import type { Problem } from '../../project/problems.ts';
import { guarded, shapeProblem } from './connector-guard.ts';
import { loadOwnModules } from './modules.ts';

export async function loadOwnConnectors(
  dir: string,
  taken: readonly string[],
  problems: Problem[],
): Promise<AnyConnector[]> {
  const kind = { folder: 'connectors', word: 'connector', taken, shapeProblem };
  const modules = await loadOwnModules(dir, kind, problems);
  return modules.map(({ type, file, made }) => guarded(type, made as AnyConnector, { dir, file }));
}

/** The components of one project: those there are, and the connectors and transforms that it brings itself. */
import type { AnyConnector } from '../ports/extract.ts';
import type { Transform } from '../ports/transform.ts';
import { type Problem, problemsError } from '../project/problems.ts';
import { COMPONENTS, CONNECTORS } from './catalog.ts';
import { loadOwnConnectors } from './own-code/connectors.ts';
import { loadOwnTransforms } from './own-code/transforms.ts';

export interface ProjectCatalog {
  /** For parsing the project. */
  components: typeof COMPONENTS;
  connectors: ReadonlyMap<string, AnyConnector>;
  transforms: ReadonlyMap<string, Transform>;
}

/** `dir`: the folder of granary.yaml; undefined: outside of any project. Errors: `config.invalid` with every file of the project's own that is broken. */
export async function catalogOf(dir: string | undefined): Promise<ProjectCatalog> {
  const taken = CONNECTORS.map((c) => c.type);
  const problems: Problem[] = [];
  const own = dir === undefined ? [] : await loadOwnConnectors(dir, taken, problems);
  const transforms = dir === undefined ? [] : await loadOwnTransforms(dir, problems);
  if (problems.length > 0) throw problemsError(problems);
  const connectors = own.length === 0 ? CONNECTORS : [...CONNECTORS, ...own];
  return {
    components: { ...COMPONENTS, connectors, transforms },
    connectors: byType(connectors),
    transforms: byType(transforms),
  };
}

const byType = <T extends { type: string }>(components: readonly T[]) => new Map(components.map((c) => [c.type, c]));

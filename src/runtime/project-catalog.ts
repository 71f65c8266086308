/** The components of one project: those there are, and the connectors that it brings itself. */
import type { AnyConnector } from '../ports/extract.ts';
import { COMPONENTS, CONNECTORS } from './catalog.ts';
import { loadOwnConnectors } from './own-connectors/load.ts';

export interface ProjectCatalog {
  /** For parsing the project. */
  components: typeof COMPONENTS;
  connectors: ReadonlyMap<string, AnyConnector>;
}

/** `dir`: the folder of granary.yaml; undefined: outside of any project. Errors: `config.invalid`, when a connector of the project is broken. */
export async function catalogOf(dir: string | undefined): Promise<ProjectCatalog> {
  const taken = CONNECTORS.map((c) => c.type);
  const own = dir === undefined ? [] : await loadOwnConnectors(dir, taken);
  const connectors = own.length === 0 ? CONNECTORS : [...CONNECTORS, ...own];
  return { components: { ...COMPONENTS, connectors }, connectors: new Map(connectors.map((c) => [c.type, c])) };
}

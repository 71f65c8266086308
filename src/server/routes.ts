/** The endpoints there are: a literal list, and how a request finds its own. */
import { GranaryError } from '../lib/errors.ts';
import type { Endpoint } from './endpoint.ts';
import { DATA_ENDPOINTS, TOKEN_ENDPOINTS } from './endpoints/data.ts';
import { REPAIR_ENDPOINTS } from './endpoints/repair.ts';
import { RUN_ENDPOINTS } from './endpoints/runs.ts';
import { STATUS_ENDPOINTS } from './endpoints/status.ts';

export const ENDPOINTS: readonly Endpoint[] = [
  ...STATUS_ENDPOINTS,
  ...RUN_ENDPOINTS,
  ...REPAIR_ENDPOINTS,
  ...DATA_ENDPOINTS,
  ...TOKEN_ENDPOINTS,
];

export interface Route {
  endpoint: Endpoint;
  path: Record<string, string>;
}

const COMPILED = ENDPOINTS.map((endpoint) => ({ endpoint, parts: endpoint.path.split('/') }));

/** Errors: `api.not_found`; `api.method`, whose details have what is allowed; `api.invalid` for a path that is not encoded well. */
export function findRoute(method: string, pathname: string): Route {
  const words = pathname.split('/');
  const here = COMPILED.filter(
    ({ parts }) =>
      parts.length === words.length && parts.every((p, i) => p === words[i] || (p.startsWith('{') && words[i] !== '')),
  );
  // A word of the table wins over a part that varies.
  here.sort((a, b) => a.endpoint.path.split('{').length - b.endpoint.path.split('{').length);
  if (here.length === 0)
    throw new GranaryError('api.not_found', `There is no ${pathname}.`, {
      hint: '/openapi.json describes what there is.',
    });
  const wanted = method === 'HEAD' ? 'GET' : method;
  const found = here.find(({ endpoint }) => endpoint.method === wanted);
  if (!found) {
    const allowed = here.map(({ endpoint }) => endpoint.method);
    throw new GranaryError('api.method', `${pathname} takes ${allowed.join(', ')}, not ${method}.`, {
      details: { allowed },
    });
  }
  const path: Record<string, string> = {};
  for (const [i, part] of found.parts.entries()) if (part.startsWith('{')) path[part.slice(1, -1)] = decoded(words[i]!);
  return { endpoint: found.endpoint, path };
}

function decoded(word: string): string {
  try {
    return decodeURIComponent(word);
  } catch {
    throw new GranaryError('api.invalid', 'The path is not encoded well.');
  }
}

/** Environments: trees of values that are laid over those of granary.yaml and of sources, by name. */
import { nearest } from '../lib/nearest.ts';
import { isMapping } from '../lib/spec/common.ts';
import type { Issue } from '../lib/spec/spec.ts';

/** What the chosen environment lays over the project. Paths of issues are from the root of granary.yaml. */
export interface Overrides {
  project: unknown;
  sources: Record<string, unknown>;
}

/** `name` undefined: no environment, no overrides. */
export function overridesOf(
  root: unknown,
  name: string | undefined,
  sourceNames: string[],
  issues: Issue[],
): Overrides {
  const none: Overrides = { project: undefined, sources: {} };
  if (name === undefined) return none;
  const environments = isMapping(root) && isMapping(root.environments) ? root.environments : {};
  if (!Object.hasOwn(environments, name)) {
    const known = Object.keys(environments);
    issues.push({
      path: ['environments'],
      atKey: true,
      message: `environment "${name}" is not declared${known.length > 0 ? `; declared: ${known.join(', ')}` : ''}`,
      suggestion: nearest(name, known),
    });
    return none;
  }
  const chosen = environments[name];
  if (!isMapping(chosen)) return none;
  const sources = isMapping(chosen.sources) ? chosen.sources : {};
  for (const source of Object.keys(sources)) {
    if (!sourceNames.includes(source))
      issues.push({
        path: ['environments', name, 'sources', source],
        atKey: true,
        message: `there is no source "${source}"`,
        suggestion: nearest(source, sourceNames),
      });
  }
  return { project: chosen.override, sources };
}

/**
 * Mappings are merged, everything else (lists too) is replaced, and `null` takes a value away. A component whose `type` changes is
 * replaced whole: the settings of an SFTP server mean nothing to a folder.
 */
export function overlay(base: unknown, over: unknown): unknown {
  if (over === undefined) return base;
  if (!isMapping(base) || !isMapping(over)) return over;
  if ('type' in base && 'type' in over && base.type !== over.type) return over;
  const out: Record<string, unknown> = Object.assign(Object.create(null), base);
  for (const [key, value] of Object.entries(over)) out[key] = key in base ? overlay(base[key], value) : value;
  return out;
}

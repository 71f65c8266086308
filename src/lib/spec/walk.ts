/** Every spec inside a spec, with its path as people write it: `datasets.<name>.rules[].range`. */
import { isMapping } from './common.ts';
import type { ParseContext, Spec } from './spec.ts';

export interface Walked {
  /** '' for the root. */
  path: string;
  spec: Spec<unknown>;
}

/** Depth first, in the order of declaration. Components of variants are at `path (type)`. */
export function* walkSpec(spec: Spec<unknown>, path = ''): Generator<Walked> {
  yield { path, spec };
  const { children } = spec;
  if (children?.kind === 'object') {
    for (const [name, field] of Object.entries(children.fields))
      yield* walkSpec(field, path ? `${path}.${name}` : name);
  } else if (children?.kind === 'items') {
    yield* walkSpec(children.item, itemPath(spec, path));
  } else if (children) {
    for (const { type, spec: variant } of children.variants) yield* walkSpec(variant, `${path} (${type})`.trim());
  }
}

/** The path of the items of a list or of a mapping with names of the user's choice. */
export function itemPath(spec: Spec<unknown>, path: string): string {
  return spec.label.startsWith('list') ? `${path}[]` : `${path}.<name>`;
}

/** Examples in a spec that the spec itself does not take, one sentence each; none when all is well. References count as right. */
export function wrongExamples(root: Spec<unknown>): string[] {
  const wrong: string[] = [];
  for (const { path, spec } of walkSpec(root)) {
    if (spec.info.example === undefined || holdsReference(spec.info.example)) continue;
    const context: ParseContext = { issues: [] };
    spec.parse(spec.info.example, [path], context);
    wrong.push(...context.issues.map((i) => `${i.path.join('.')}: ${i.message}`));
  }
  return wrong;
}

function holdsReference(value: unknown): boolean {
  if (typeof value === 'string') return value.startsWith('${');
  return (Array.isArray(value) || isMapping(value)) && Object.values(value).some(holdsReference);
}

/** `transform` of a dataset: code of the project's own, by the name of its file in `transforms/`. */
import { type Chosen, s, type Variant } from '../../lib/spec/fields.ts';
import type { Spec } from '../../lib/spec/spec.ts';
import type { ColumnType } from '../../model/schema.ts';

export interface TransformSpec extends Variant {
  columns: Readonly<Record<string, ColumnType>>;
  codeHash: string;
}

export function transformSpec(transforms: readonly TransformSpec[]): Spec<Chosen | undefined> {
  const chosen = s.variants(transforms, {
    doc: 'Code of the project, `transforms/<name>.ts`, that each row goes through once it is typed: it changes values, filters the row or rejects it. Lookups, computed columns, `keep` and rules see what it gives.',
    example: 'clean_address',
    optional: true,
  });
  if (transforms.length > 0) return chosen;
  return {
    ...chosen,
    parse(value, path, context) {
      if (value === undefined || value === null) return undefined;
      const hint = 'granary add transform NAME writes one';
      context.issues.push({ path, message: `the project has no transforms yet; \`${hint}\`` });
      return undefined;
    },
    jsonSchema: () => ({ description: chosen.info.doc, type: ['string', 'object'] }),
  };
}

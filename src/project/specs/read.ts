/** `read` of a dataset: what is read from a source that has no files. Which settings there are depends on the source's connector. */
import type { Variant } from '../../lib/spec/fields.ts';
import type { ObjectSpec, Spec } from '../../lib/spec/spec.ts';

interface Reading extends Variant {
  read?: ObjectSpec<unknown>;
}

/** Parses to what was written: once the connector is known, its own spec is the judge (`resolve-read.ts`). */
export function readSpec(connectors: readonly Reading[]): Spec<unknown> {
  const reading = connectors.filter((c): c is Reading & { read: ObjectSpec<unknown> } => c.read !== undefined);
  const doc = 'What is read from a source without files: a table, a query, an endpoint.';
  return {
    label: 'what the connector reads',
    info: { doc, example: 'shop.orders', optional: true },
    children: {
      kind: 'variants',
      key: 'connector',
      variants: reading.map(({ type, title, read }) => ({ type, title, spec: read })),
    },
    parse: (value) => value ?? undefined,
    jsonSchema: () => ({
      description: doc,
      ...(reading.length > 0 && { anyOf: reading.map(({ read }) => read.jsonSchema()) }),
    }),
  };
}

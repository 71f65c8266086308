/** A hash that changes when, and only when, an object may give other rows: the key under which curated rows are kept. */
import { sha256 } from '../lib/hash.ts';
import { isMapping } from '../lib/spec/common.ts';
import type { Chosen } from '../lib/spec/fields.ts';
import type { ObjectSpec } from '../lib/spec/spec.ts';
import { closesOlder } from './closes-older.ts';
import type { DatasetConfig } from './specs/dataset.ts';
import type { TransformSpec } from './specs/transform.ts';

/**
 * In it: format, layers (by type), columns and computed columns with their order, the transform with its code, lookups, `keep`, `drop`, deduplication, rules, masks,
 * drift, whether the last line is a trailer, whether rows that are not wanted take out older ones. Not in it: secrets, descriptions, where files come from and where rows go (load strategy,
 * partitions, order): they change tables, not rows.
 */
export function contractHash(
  config: DatasetConfig,
  unpack: Chosen[],
  format: Chosen,
  formatSpec: ObjectSpec<unknown>,
  transform?: TransformSpec,
): string {
  return sha256(
    canonicalJson({
      format: without(format, secretsOf(formatSpec)),
      unpack: unpack.map((layer) => layer.type),
      columns: Object.entries(config.columns).map(([name, column]) => [name, without(column, ['description'])]),
      transform: transform && [without(config.transform!, secretsOf(transform.spec)), transform.codeHash],
      computed: Object.entries(config.computed ?? {}),
      lookups: config.lookups,
      keep: config.keep,
      closes: closesOlder(config) ? config.load.key : undefined,
      drop: config.drop,
      deduplicate: config.deduplicate,
      rules: config.rules,
      mask: config.mask,
      on_drift: config.on_drift,
      trailer: config.verify.trailer?.pattern,
    }),
  );
}

const secretsOf = (spec: ObjectSpec<unknown>) =>
  Object.entries(spec.fields).flatMap(([name, field]) => (field.info.secret ? [name] : []));

function without(object: Record<string, unknown>, names: string[]): Record<string, unknown> {
  const out = { ...object };
  for (const name of names) delete out[name];
  return out;
}

/** JSON with sorted keys; undefined fields left out. */
function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (!isMapping(value)) return JSON.stringify(value ?? null);
  const keys = Object.keys(value).filter((key) => value[key] !== undefined);
  return `{${keys
    .sort()
    .map((key) => `${JSON.stringify(key)}:${canonicalJson(value[key])}`)
    .join(',')}}`;
}

/** From a row of a table back to the object, file and line it came from. */
import { GranaryError } from '../lib/errors.ts';
import { nearest } from '../lib/nearest.ts';
import { OBJECTS, type ObjectDoc } from '../model/objects.ts';
import type { TableName, TracedRow, Warehouse } from '../ports/warehouse.ts';
import type { Dataset, Project } from '../project/project.ts';
import { plain } from '../stages/verify/verify.ts';
import type { Runtime } from './runtime.ts';

export interface Traced extends TracedRow {
  /** Its manifest record. */
  origin: ObjectDoc | undefined;
}

/**
 * `table` is `name` or `schema.name`; `words` are `column=value`, or one bare value for a table with a key of one column. Errors:
 * `stage.bad_input` when the table or the key is not known, `query.failed` for an unknown column or a value that is not of its type.
 */
export async function trace(table: string, words: readonly string[], { project, context }: Runtime): Promise<Traced[]> {
  const name = await findTable(table, context.warehouse);
  const key = keyOf(words, name, project);
  const rows = await context.warehouse.trace(name, key).catch((e) => {
    throw plainer(e);
  });
  const out: Traced[] = [];
  for (const row of rows) {
    const origin = await context.state.get(OBJECTS, row.object);
    out.push({ ...row, origin: origin && plain<ObjectDoc>(origin) });
  }
  return out;
}

/** The engine quotes the statement it was given, which nobody has written here. */
function plainer(e: unknown): unknown {
  if (!(e instanceof GranaryError) || e.code !== 'query.failed') return e;
  return new GranaryError(e.code, e.message.split('\n')[0]!, {
    hint: e.hint ?? 'Write values as the column has them.',
    cause: e,
  });
}

async function findTable(text: string, warehouse: Warehouse): Promise<TableName> {
  const tables = (await warehouse.describe()).filter((t) => t.kind === 'table');
  const found = tables.filter((t) => text === `${t.schema}.${t.name}` || (text === t.name && t.schema !== 'granary'));
  const best = found.find((t) => t.schema === 'main') ?? found[0];
  if (best && (found.length === 1 || best.schema === 'main')) return { schema: best.schema, name: best.name };
  const near = nearest(
    text,
    tables.flatMap((t) => [t.name, `${t.schema}.${t.name}`]),
  );
  throw new GranaryError(
    'stage.bad_input',
    found.length > 1
      ? `Several schemas have a table ${text}: ${found.map((t) => t.schema).join(', ')}.`
      : `There is no table ${text}.`,
    {
      hint:
        found.length > 1
          ? `Write ${found[0]!.schema}.${text}.`
          : near
            ? `Did you mean ${near}?`
            : `There are: ${tables.map((t) => (t.schema === 'main' ? t.name : `${t.schema}.${t.name}`)).join(', ')}.`,
    },
  );
}

/** Pure. */
export function keyOf(words: readonly string[], table: TableName, project: Project): Record<string, string> {
  const pairs = words.map((w) => /^([^=]+)=(.*)$/s.exec(w));
  if (pairs.every((p) => p !== null)) return Object.fromEntries(pairs.map((p) => [p[1]!, p[2]!]));
  const key = singleKey(table, project);
  if (words.length === 1 && key) return { [key]: words[0]! };
  throw new GranaryError('stage.bad_input', `Which row of ${table.name}?`, {
    hint: `Write column=value: ${key ?? '<column>'}=${words.find((w) => !w.includes('=')) ?? '…'}`,
  });
}

/** The one column that identifies rows of a table, by what its datasets declare. */
function singleKey(table: TableName, project: Project): string | undefined {
  const datasets = [...project.sources.values()]
    .flatMap((s) => [...s.datasets.values()])
    .filter((d) => d.table.schema === table.schema && d.table.name === table.name);
  return datasets.flatMap(keysOf).find((k) => k.length === 1)?.[0];
}

function keysOf({ config }: Dataset): (readonly string[])[] {
  return [config.load.key, config.deduplicate?.key, ...(config.rules ?? []).map((r) => r?.unique)].filter(
    (k) => k !== undefined,
  );
}

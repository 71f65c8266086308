/** Types of columns by their numbers, as the log names them: asked of the catalog once, and kept. */
import type { PostgresDatabase } from '../database.ts';
import type { Relation } from '../replication/messages.ts';
import type { Shape } from '../replication/nested.ts';
import { isNested, type NativeType } from '../types.ts';

export interface ResolvedType {
  base: NativeType;
  /** Of arrays and composite types. */
  shape: Shape | undefined;
}

/** A type that is gone since: what lands is the server's text. */
const UNKNOWN: ResolvedType = {
  base: { sql: 'text', name: 'unknown', kind: 'b', category: 'X', own: false },
  shape: undefined,
};

interface Described {
  name: string;
  kind: string;
  base: number;
  element: number;
  isArray: boolean;
  separator: string;
  own: boolean;
  fields: [name: string, type: number][] | null;
}

const KINDS: Record<string, Shape['kind']> = {
  bool: 'boolean',
  int2: 'number',
  int4: 'number',
  int8: 'number',
  float4: 'number',
  float8: 'number',
  numeric: 'number',
  json: 'json',
  jsonb: 'json',
  date: 'date',
  timestamp: 'timestamp',
  timestamptz: 'timestamptz',
};

export class TypeCatalog {
  readonly #database: PostgresDatabase;
  readonly #resolved = new Map<string, ResolvedType>();
  #moneyScale: number | undefined;

  constructor(database: PostgresDatabase) {
    this.#database = database;
  }

  /** Digits after the point of `money`, which depend on the locale. */
  async moneyScale(): Promise<number> {
    if (this.#moneyScale === undefined) {
      const [[scale] = []] = await this.#database.query(
        'asking for types',
        "SELECT pg_catalog.scale('0'::pg_catalog.money::numeric)",
      );
      this.#moneyScale = Number(scale);
    }
    return this.#moneyScale;
  }

  /** One for each column. A composite type that is altered while this is open keeps its old fields until the connection is opened anew. */
  async resolve({ columns }: Relation): Promise<ResolvedType[]> {
    const keyOf = (c: Relation['columns'][number]) => `${c.type}:${c.modifier}`;
    const unknown = columns.filter(
      (c, i, all) => !this.#resolved.has(keyOf(c)) && all.findIndex((d) => keyOf(d) === keyOf(c)) === i,
    );
    if (unknown.length > 0) {
      const fields = unknown.map((c, i) => ({ name: String(i), dataTypeID: c.type, dataTypeModifier: c.modifier }));
      const found = new Map((await this.#database.columnsOf(fields)).map((c) => [c.name, c.base]));
      for (const [i, column] of unknown.entries()) {
        const base = found.get(String(i));
        if (!base) continue;
        const shape = isNested(base) ? await this.#shape(column.type) : undefined;
        this.#resolved.set(keyOf(column), { base, shape });
      }
    }
    return columns.map((c) => this.#resolved.get(keyOf(c)) ?? UNKNOWN);
  }

  async #shape(type: number): Promise<Shape> {
    const { name, kind, base, element, isArray, separator, own, fields } = await this.#describe(type);
    if (kind === 'd') return this.#shape(base);
    if (own && /^(int2|oid)vector$/.test(name)) return { kind: 'vector' };
    if (isArray) return { kind: 'array', of: await this.#shape(element), separator };
    if (fields) {
      const shapes = [];
      for (const [field, of] of fields) shapes.push({ name: field, shape: await this.#shape(of) });
      return { kind: 'composite', fields: shapes };
    }
    return { kind: (own && KINDS[name]) || 'text' } as Shape;
  }

  async #describe(type: number): Promise<Described> {
    const [[json] = []] = await this.#database.query(
      'asking for types',
      `SELECT pg_catalog.json_build_object('name', t.typname, 'kind', t.typtype, 'base', t.typbasetype::bigint, 'element', t.typelem::bigint,
         'isArray', t.typelem <> 0 AND t.typlen = -1 AND t.typcategory = 'A',
         'separator', coalesce((SELECT e.typdelim FROM pg_catalog.pg_type e WHERE e.oid = t.typelem), ','),
         'own', t.typnamespace = 'pg_catalog'::pg_catalog.regnamespace,
         'fields', (SELECT pg_catalog.json_agg(pg_catalog.json_build_array(a.attname, a.atttypid::bigint) ORDER BY a.attnum)
           FROM pg_catalog.pg_attribute a WHERE t.typrelid <> 0 AND a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped))
       FROM pg_catalog.pg_type t WHERE t.oid = ${type}`,
    );
    return JSON.parse(json!) as Described;
  }
}

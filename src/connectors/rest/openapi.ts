/** Endpoints that are lists, from an OpenAPI description (3.x, and 2.0). Pure. */

export interface ListedEndpoint {
  path: string;
  title: string | undefined;
  /** As YAML. */
  read: unknown;
}

type Json = Record<string, unknown>;
const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const MOST_REFERENCES = 20;

/** GETs whose answer is an array of objects, or an object that has one. A path with parameters is read for each record of the list above it. */
export function listEndpoints(document: unknown): ListedEndpoint[] {
  if (!isObject(document) || !isObject(document['paths'])) return [];
  const resolve = (value: unknown): Json | undefined => {
    let at = value;
    for (let i = 0; i < MOST_REFERENCES && isObject(at) && typeof at['$ref'] === 'string'; i++)
      at = at['$ref'].startsWith('#/') ? pointer(document, at['$ref'].slice(2)) : undefined;
    return isObject(at) ? at : undefined;
  };
  const lists = new Map<string, { records: string; title: string | undefined; paged: Json }>();
  for (const [path, item] of Object.entries(document['paths'])) {
    const get = resolve(resolve(item)?.['get']);
    const declared = [resolve(item)?.['parameters'], get?.['parameters']].flatMap((p) => (Array.isArray(p) ? p : []));
    const records = get && recordsIn(schemaOf(get, resolve), resolve);
    const title = get?.['summary'];
    if (records === undefined) continue;
    const paged = { ...(records !== '$' && { records }), ...pagingOf(declared.map(resolve), resolve) };
    lists.set(path, { records, title: typeof title === 'string' ? title : undefined, paged });
  }
  const out: ListedEndpoint[] = [];
  for (const [path, { title, paged }] of lists) {
    const placeholders = [...path.matchAll(/\{([^}]+)\}/g)].map((m) => m[1]!);
    if (placeholders.length === 0)
      out.push({ path, title, read: Object.keys(paged).length === 0 ? path : { path, ...paged } });
    else {
      const above = path.slice(0, path.lastIndexOf(`/{${placeholders.at(-1)}}`));
      const parent = lists.get(above);
      // Two levels of parameters, or a list above that is none: a person has to say how it is read.
      if (placeholders.length > 1 || !parent) continue;
      const name = placeholders[0]!.replaceAll(/[^A-Za-z0-9_]/g, '_');
      out.push({
        path,
        title,
        read: {
          path: path.replace(/\{[^}]+\}/, `{${name}}`),
          ...paged,
          for_each: { path: above, ...parent.paged, take: { [name]: 'id' } },
        },
      });
    }
  }
  return out;
}

const CURSORS = ['cursor', 'after', 'starting_after', 'page_token', 'pageToken', 'next_token'];
const PAGES = ['page', 'page_number', 'pageNumber'];
const SIZES = ['limit', 'per_page', 'perPage', 'page_size', 'pageSize', 'size'];
const MOST_RECORDS = 1000;

/** Numbered pages and offsets, by the names of parameters. Where a cursor goes only an answer tells. */
function pagingOf(declared: readonly (Json | undefined)[], resolve: Resolve): { pagination?: Json } {
  const parameters = declared.filter((p) => p?.['in'] === 'query');
  const one = (names: readonly string[]) => parameters.find((p) => names.includes(String(p?.['name'])));
  // 2.0 has the schema of a parameter in the parameter itself.
  const numberOf = (parameter: Json | undefined, field: string) => {
    const value = (resolve(parameter?.['schema']) ?? parameter)?.[field];
    return typeof value === 'number' ? value : undefined;
  };
  const offset = one(['offset']);
  const page = one(PAGES);
  if (one(CURSORS) || (!offset && !page)) return {};
  const size = one(SIZES);
  const records = Math.min(numberOf(size, 'maximum') ?? numberOf(size, 'default') ?? 100, MOST_RECORDS);
  const sized = size ? { size_parameter: size['name'], size: records } : {};
  if (offset) return { pagination: { type: 'offset', ...sized } };
  const isFromZero = (numberOf(page, 'default') ?? numberOf(page, 'minimum')) === 0;
  const named = page!['name'] === 'page' ? {} : { parameter: page!['name'] };
  return { pagination: { type: 'page', ...named, ...(isFromZero && { first: 0 }), ...sized } };
}

function pointer(document: unknown, path: string): unknown {
  let at = document;
  for (const part of path.split('/').map((p) => decodeURIComponent(p).replaceAll('~1', '/').replaceAll('~0', '~')))
    at = isObject(at) && Object.hasOwn(at, part) ? at[part] : undefined;
  return at;
}

type Resolve = (value: unknown) => Json | undefined;

function schemaOf(get: Json, resolve: Resolve): Json | undefined {
  const responses = resolve(get['responses']);
  const answer = resolve(responses?.['200'] ?? responses?.['2XX'] ?? responses?.['default']);
  if (answer?.['schema']) return resolve(answer['schema']);
  const content = resolve(answer?.['content']);
  const media = content && Object.entries(content).find(([type]) => /json/.test(type));
  return resolve(resolve(media?.[1])?.['schema']);
}

/** Where the records are in what a schema describes: `$` for an array; undefined: it is no list. */
function recordsIn(schema: Json | undefined, resolve: Resolve): string | undefined {
  if (!schema) return undefined;
  const isList = (s: Json | undefined) => s?.['type'] === 'array' && isRecord(resolve(s['items']), resolve);
  if (isList(schema)) return '$';
  const properties = propertiesOf(schema, resolve);
  return Object.keys(properties).find((name) => isList(resolve(properties[name])));
}

const isRecord = (schema: Json | undefined, resolve: Resolve): boolean =>
  schema !== undefined && (schema['type'] === 'object' || Object.keys(propertiesOf(schema, resolve)).length > 0);

function propertiesOf(schema: Json, resolve: Resolve, depth = 0): Json {
  const own = isObject(schema['properties']) ? schema['properties'] : {};
  const parts = Array.isArray(schema['allOf']) && depth < MOST_REFERENCES ? schema['allOf'] : [];
  return Object.assign({}, ...parts.map((p) => propertiesOf(resolve(p) ?? {}, resolve, depth + 1)), own) as Json;
}

/** Placeholders `{name}` in paths, parameters and bodies. Pure. */

export type Values = Readonly<Record<string, string | undefined>>;

const PLACEHOLDER = /\{([A-Za-z_][A-Za-z0-9_]*)\}/g;

/** Names that stand in a text. */
export function placeholdersOf(text: string): string[] {
  return [...text.matchAll(PLACEHOLDER)].map((m) => m[1]!);
}

/** Names that stand anywhere in a body. */
export function placeholdersIn(value: unknown): string[] {
  if (typeof value === 'string') return placeholdersOf(value);
  if (typeof value !== 'object' || value === null) return [];
  return Object.values(value).flatMap(placeholdersIn);
}

/** Undefined when a placeholder that is known has no value. Braces around other words are text. */
export function fill(text: string, values: Values, write = (v: string): string => v): string | undefined {
  let complete = true;
  const filled = text.replace(PLACEHOLDER, (whole, name: string) => {
    if (!(name in values)) return whole;
    const value = values[name];
    if (value === undefined) complete = false;
    return value === undefined ? '' : write(value);
  });
  return complete ? filled : undefined;
}

/** A body without the entries whose placeholder has no value. */
export function fillBody(value: unknown, values: Values): unknown {
  if (typeof value === 'string') return fill(value, values);
  if (Array.isArray(value)) return value.map((v) => fillBody(v, values)).filter((v) => v !== undefined);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).map(([key, v]) => [key, fillBody(v, values)] as const);
  return Object.fromEntries(entries.filter(([, v]) => v !== undefined));
}

/** Sets a value in a body, making the objects on the way; `paging.after` is a path. */
export function setIn(body: Record<string, unknown>, path: readonly string[], value: unknown): void {
  let at = body;
  for (const key of path.slice(0, -1)) {
    const next = at[key];
    if (typeof next !== 'object' || next === null || Array.isArray(next)) at[key] = {};
    at = at[key] as Record<string, unknown>;
  }
  at[path.at(-1)!] = value;
}

/** Paths into a JSON value: `data.items`, `"unit price".net`; `$` is the value itself. Arrays are not entered. */

export type KeyPath = string[];

const KEY = /^(?:[^.[\]"\s]+|"(?:[^"\\]|\\.)*")/;

/** Undefined when the text is no path. */
export function parseKeyPath(text: string): KeyPath | undefined {
  let rest = text.trim().replace(/^\$(\.|$)/, '');
  const keys: KeyPath = [];
  while (rest !== '') {
    const key = KEY.exec(rest)?.[0];
    if (key === undefined) return undefined;
    keys.push(key.startsWith('"') ? (JSON.parse(key) as string) : key);
    rest = rest.slice(key.length);
    if (rest === '') break;
    if (!rest.startsWith('.') || rest.length === 1) return undefined;
    rest = rest.slice(1);
  }
  return keys;
}

/** Undefined when it is not there. */
export function valueAt(value: unknown, path: KeyPath): unknown {
  let at = value;
  for (const key of path) {
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, key)) return undefined;
    at = (at as Record<string, unknown>)[key];
  }
  return at;
}

/** A scalar as text; undefined for what is missing or no scalar. */
export function textAt(value: unknown, path: KeyPath): string | undefined {
  const found = valueAt(value, path);
  return typeof found === 'string' || typeof found === 'number' || typeof found === 'boolean'
    ? String(found)
    : undefined;
}

/** Keys as the text of a path. */
export function formatKeyPath(path: KeyPath): string {
  return path.map((key) => (KEY.exec(key)?.[0] === key && !key.startsWith('"') ? key : JSON.stringify(key))).join('.');
}

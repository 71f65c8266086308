/**
 * Paths into JSON: `customer.address.city`, `lines[].sku`. Every path starts at the root of a record's document: a line of NDJSON, an
 * element of a top-level array, or the one document. `[]` stands for each element of an array. A key that holds a dot, a bracket, a
 * quote or a blank is written as a JSON string: `"unit price".net`.
 */

/** A key of an object, or each element of an array. */
export type PathStep = { key: string } | 'each';

const PLAIN_KEY = /^[^.[\]"\s]+/;
const QUOTED_KEY = /^"(?:[^"\\]|\\.)*"/;

/** Undefined when the text is no path. */
export function parsePath(text: string): PathStep[] | undefined {
  const steps: PathStep[] = [];
  let rest = text.trim();
  while (rest !== '') {
    if (rest.startsWith('[]')) {
      steps.push('each');
      rest = rest.slice(2);
    } else {
      if (steps.length > 0) {
        if (!rest.startsWith('.')) return undefined;
        rest = rest.slice(1);
      }
      const key = PLAIN_KEY.exec(rest)?.[0] ?? QUOTED_KEY.exec(rest)?.[0];
      if (key === undefined) return undefined;
      steps.push({ key: key.startsWith('"') ? (JSON.parse(key) as string) : key });
      rest = rest.slice(key.length);
    }
  }
  return steps.length > 0 ? steps : undefined;
}

export function formatPath(steps: readonly PathStep[]): string {
  let text = '';
  for (const step of steps) {
    if (step === 'each') text += '[]';
    else
      text +=
        (text === '' ? '' : '.') + (PLAIN_KEY.exec(step.key)?.[0] === step.key ? step.key : JSON.stringify(step.key));
  }
  return text;
}

/** A records path in full: it names an array, so that it ends with `[]` whether that was written or not. */
export function recordsPath(text: string): PathStep[] | undefined {
  const steps = parsePath(text);
  return steps && (steps.at(-1) === 'each' ? steps : [...steps, 'each']);
}

/** Is `path` equal to `prefix`, or inside it? */
export function startsWithPath(path: readonly PathStep[], prefix: readonly PathStep[]): boolean {
  return prefix.length <= path.length && prefix.every((step, i) => sameStep(step, path[i]!));
}

function sameStep(a: PathStep, b: PathStep): boolean {
  if (a === 'each' || b === 'each') return a === b;
  return a.key === b.key;
}

/** Paths with date parts, written out for a stretch of time. */

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** Each template once for every different value of its date parts from `now` back to `lookBack` seconds before, newest first. */
export function expandPaths(templates: readonly string[], now: Date, lookBack: number): string[] {
  const paths = new Set<string>();
  for (const template of templates) {
    const step = template.includes('{HH}') ? HOUR_MS : DAY_MS;
    const newest = Math.floor(now.getTime() / step) * step;
    for (let at = newest; at >= newest - lookBack * 1000; at -= step) paths.add(fill(template, new Date(at)));
  }
  return [...paths];
}

function fill(template: string, date: Date): string {
  const iso = date.toISOString();
  const parts: Record<string, string> = {
    yyyy: iso.slice(0, 4),
    yy: iso.slice(2, 4),
    MM: iso.slice(5, 7),
    dd: iso.slice(8, 10),
    HH: iso.slice(11, 13),
  };
  return template.replace(/\{(yyyy|yy|MM|dd|HH)\}/g, (_, part: string) => parts[part]!);
}

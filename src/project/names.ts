/** Names for Granary from names of the world: headers, folders, files. */
import { NAME } from './specs/dataset.ts';

/** `Größe (m²)` to `groesse_m2`; `fallback` when nothing is left. Always a legal name, at most 63 letters. */
export function toName(text: string, fallback: string): string {
  const ascii = text
    .replaceAll(/[äöüÄÖÜß]/g, (c) => GERMAN[c.toLowerCase()]!)
    .normalize('NFKD')
    .replaceAll(/\p{M}/gu, '');
  const words = ascii
    .replaceAll(/([a-z0-9])([A-Z])/g, '$1_$2')
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '_')
    .replaceAll(/^_+|_+$/g, '');
  const name = (/^[a-z]/.test(words) ? words : words && `${fallback}_${words}`).slice(0, 63).replace(/_+$/, '');
  return NAME.regex.test(name) ? name : fallback;
}

const GERMAN: Record<string, string> = { ä: 'ae', ö: 'oe', ü: 'ue', ß: 'ss' };

/** Different legal names for the columns of a file, in its order: `Amount`, `amount` to `amount`, `amount_2`. */
export function columnNames(sources: readonly string[]): string[] {
  const taken = new Set<string>();
  return sources.map((source) => {
    const base = toName(source, 'column');
    let name = base;
    for (let n = 2; taken.has(name); n++) name = `${base.slice(0, 62 - String(n).length)}_${n}`;
    taken.add(name);
    return name;
  });
}

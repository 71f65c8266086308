/** What the endings of a file name say: layers to unpack, outermost first, and the format inside. Case does not count. */
import type { Variant } from '../lib/spec/fields.ts';
import type { ComponentSpecs } from './specs/dataset.ts';

/** A codec or format with the endings it is known by: lower-case, with the dot. */
export interface NamedByEnding extends Variant {
  extensions: readonly string[];
}

/** The components of a project: connectors, and codecs and formats with their endings. */
export interface ProjectComponents extends ComponentSpecs {
  codecs: readonly NamedByEnding[];
  formats: readonly NamedByEnding[];
}

/** Endings that stand for two. */
const SHORT_ENDINGS: Record<string, string> = {
  '.tgz': '.tar.gz',
  '.tbz': '.tar.bz2',
  '.tbz2': '.tar.bz2',
  '.tzst': '.tar.zst',
};

export interface Endings {
  codecs: { type: string; ending: string }[];
  format: { type: string; ending: string } | undefined;
  /** The name without the codecs' endings. */
  inner: string;
}

/** `sales.csv.gz.pgp` to openpgp, gzip and csv. Works on file patterns as on names. */
export function readEndings(name: string, components: ProjectComponents): Endings {
  const codecs: Endings['codecs'] = [];
  let inner = name;
  for (;;) {
    const short = Object.entries(SHORT_ENDINGS).find(([ending]) => endsWith(inner, ending));
    if (short) inner = inner.slice(0, -short[0].length) + short[1];
    const found = byEnding(inner, components.codecs);
    if (!found) break;
    codecs.push(found);
    inner = inner.slice(0, -found.ending.length);
  }
  return { codecs, format: byEnding(inner, components.formats), inner };
}

/** The longest ending wins. */
function byEnding(name: string, components: readonly NamedByEnding[]): { type: string; ending: string } | undefined {
  const matches = components.flatMap(({ type, extensions }) =>
    extensions.filter((ending) => endsWith(name, ending)).map((ending) => ({ type, ending })),
  );
  return matches.sort((a, b) => b.ending.length - a.ending.length)[0];
}

const endsWith = (name: string, ending: string) => name.toLowerCase().endsWith(ending);

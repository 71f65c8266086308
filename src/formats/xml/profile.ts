/** What elements a document has, and how often: what discovery goes by. Seen through saxes, which is slow and independent. */
import { GranaryError } from '../../lib/errors.ts';
import type { XmlConfig } from './config.ts';
import { XML, XMLNS, XSI } from './namespace-uris.ts';
import { textOf } from './text.ts';

export interface Profile {
  name: string;
  /** Elements seen. */
  count: number;
  /** Most of them within one parent. */
  most: number;
  /** Elements with text that is more than white space. */
  texts: number;
  attributes: Set<string>;
  /** Those that say something about the document, not about its data. */
  foreign: Set<string>;
  children: Map<string, Profile>;
  /** Namespaces of the name, empty for none. */
  uris: Set<string>;
}

/** More different places than a vocabulary has. */
const MOST_PROFILES = 5000;
const SAMPLE_BYTES = 64 * 2 ** 20;
const FOREIGN: readonly string[] = [XML, XMLNS, XSI];

interface Open {
  profile: Profile;
  /** Children so far, by name. */
  counts: Map<string, number>;
  hasText: boolean;
}

export const emptyProfile = (name: string): Profile => ({
  name,
  count: 0,
  most: 0,
  texts: 0,
  attributes: new Set(),
  foreign: new Set(),
  children: new Map(),
  uris: new Set(),
});

/**
 * The root of a document, or of its beginning: what is cut off is no error. Throws `discover.failed`, and `format.invalid` where a
 * document that is not well-formed is not to be read as far as it goes.
 */
export async function profileDocument(
  path: string,
  config: Pick<XmlConfig, 'encoding' | 'malformed'>,
  whole: boolean,
): Promise<Profile | undefined> {
  const { SaxesParser } = await import('saxes');
  const parser = new SaxesParser({ xmlns: true });
  const document = emptyProfile('');
  const open: Open[] = [{ profile: document, counts: new Map(), hasText: false }];
  let profiles = 0;
  const text = (t: string) => {
    const last = open.at(-1)!;
    last.hasText ||= t.trim() !== '';
  };
  parser.on('text', text);
  parser.on('cdata', text);
  parser.on('error', (e) => {
    throw new GranaryError('format.invalid', `The document is not well-formed XML: ${e.message}`, { cause: e });
  });
  parser.on('opentag', ({ local, uri, attributes }) => {
    const parent = open.at(-1)!;
    let profile = parent.profile.children.get(local);
    if (!profile) {
      if (++profiles > MOST_PROFILES)
        throw new GranaryError('discover.failed', 'Its elements have more different names than a table has columns.', {
          hint: 'Declare the dataset by hand: `record: path/*` takes elements of any name.',
        });
      profile = emptyProfile(local);
      parent.profile.children.set(local, profile);
    }
    const nth = (parent.counts.get(local) ?? 0) + 1;
    parent.counts.set(local, nth);
    profile.most = Math.max(profile.most, nth);
    profile.count++;
    profile.uris.add(uri);
    for (const a of Object.values(attributes))
      (FOREIGN.includes(a.uri) ? profile.foreign : profile.attributes).add(a.local);
    open.push({ profile, counts: new Map(), hasText: false });
  });
  parser.on('closetag', () => {
    const { profile, hasText } = open.pop()!;
    if (hasText) profile.texts++;
  });
  const decoder = new TextDecoder();
  let bytes = 0;
  try {
    for await (const chunk of textOf(path, config)) {
      parser.write(decoder.decode(chunk, { stream: true }));
      bytes += chunk.length;
      if (!whole && bytes > SAMPLE_BYTES) break;
    }
  } catch (e) {
    const isMalformed = e instanceof GranaryError && e.code === 'format.invalid';
    if (!isMalformed || config.malformed !== 'keep_complete') throw e;
  }
  return [...document.children.values()][0];
}

/**
 * What elements the first records of a document have: what the search for drift goes by. It checks nothing, for the parser does, and
 * knows no namespaces; and it is done in a few milliseconds.
 */
import type { XmlConfig } from './config.ts';
import { XmlError } from './errors.ts';
import type { NameTest } from './paths.ts';
import { emptyProfile, type Profile } from './profile.ts';
import { doctypeEnd } from './prolog.ts';
import { textOf } from './text.ts';

/** So many records are enough, or those in the first so many bytes; one of them must be whole. */
const RECORDS = 1000;
const FIRST_BYTES = 2 ** 18;
const MOST_BYTES = 64 * 2 ** 20;
/** Of different elements; more are no vocabulary. */
const MOST_PROFILES = 5000;

const NAME = /[^\s/>]+/y;
const ATTRIBUTE = /\s+([^\s=/>]+)\s*=\s*(?:"[^"]*"|'[^']*')/y;
const ABOUT_XML = /^(?:xmlns$|xmlns:|xml:|xsi:)/;

/** Undefined when there is no such element. */
export async function quickProfile(
  path: string,
  config: Pick<XmlConfig, 'encoding'>,
  chain: readonly Pick<NameTest, 'local'>[],
): Promise<Profile | undefined> {
  let bytes = Buffer.alloc(0);
  let wanted = FIRST_BYTES;
  const read = (size: number) => new QuickProfile(bytes.subarray(0, size), chain).read();
  for await (const chunk of textOf(path, config)) {
    bytes = Buffer.concat([bytes, chunk]);
    for (; wanted <= bytes.length && wanted <= MOST_BYTES; wanted *= 2) {
      const { root } = read(wanted);
      if (root) return root;
    }
    if (wanted > MOST_BYTES) return undefined;
  }
  return read(bytes.length).root;
}

/** Of the element that was last seen. */
interface QuickProfileNode extends Profile {
  /** Number of its parent. */
  parent: number;
  /** Among those of its name there. */
  nth: number;
}

class QuickProfile {
  readonly #bytes: Buffer;
  /** A character is a byte. */
  readonly #text: string;
  readonly #chain: readonly Pick<NameTest, 'local'>[];
  readonly #document = emptyProfile('');
  readonly #open: Profile[] = [this.#document];
  /** Of the elements that are open: their numbers. */
  readonly #numbers: number[] = [0];
  #elements = 0;
  #records = 0;
  #profiles = 0;

  constructor(bytes: Buffer, chain: readonly Pick<NameTest, 'local'>[]) {
    this.#bytes = bytes;
    this.#text = bytes.toString('latin1');
    this.#chain = chain;
  }

  /** Without a root when no record is whole. */
  read(): { root: Profile | undefined } {
    const text = this.#text;
    for (let at = 0; at >= 0 && this.#records < RECORDS && this.#profiles < MOST_PROFILES; ) {
      const tag = text.indexOf('<', at);
      if (tag < 0) break;
      if (this.#open.length > 1 && text.slice(at, tag).trim() !== '') this.#open.at(-1)!.texts++;
      const sign = text[tag + 1];
      if (sign === '/') {
        this.#end();
        at = behind(text, '>', tag);
      } else if (sign === '?') at = behind(text, '?>', tag);
      else if (sign === '!') at = this.#declaration(tag);
      else at = this.#start(tag);
      if (this.#open.length === 0) break;
    }
    const [root] = this.#document.children.values();
    return { root: this.#records > 0 ? root : undefined };
  }

  #declaration(tag: number): number {
    const text = this.#text;
    if (text.startsWith('<!--', tag)) return behind(text, '-->', tag + 4);
    if (text.startsWith('<![CDATA[', tag)) {
      this.#open.at(-1)!.texts++;
      return behind(text, ']]>', tag + 9);
    }
    try {
      return doctypeEnd(this.#bytes, tag + '<!DOCTYPE'.length, this.#bytes.length, 0);
    } catch (e) {
      if (e instanceof XmlError) return -1;
      throw e;
    }
  }

  #start(tag: number): number {
    const text = this.#text;
    NAME.lastIndex = tag + 1;
    const name = NAME.exec(text)?.[0];
    if (name === undefined) return -1;
    const attributes: string[] = [];
    let at = NAME.lastIndex;
    for (;;) {
      ATTRIBUTE.lastIndex = at;
      const found = ATTRIBUTE.exec(text);
      if (!found) break;
      attributes.push(found[1]!);
      at = ATTRIBUTE.lastIndex;
    }
    const close = behind(text, '>', at);
    // A tag that is cut off here may have another name.
    if (close < 0) return -1;
    const profile = this.#child(localName(name));
    for (const a of attributes) (ABOUT_XML.test(a) ? profile.foreign : profile.attributes).add(localName(a));
    this.#open.push(profile);
    this.#numbers.push(++this.#elements);
    if (text[close - 2] === '/') this.#end();
    return close;
  }

  #child(name: string): Profile {
    const { children } = this.#open.at(-1)!;
    const parent = this.#numbers.at(-1)!;
    let profile = children.get(name) as QuickProfileNode | undefined;
    if (!profile) {
      profile = { ...emptyProfile(name), parent, nth: 0 };
      children.set(name, profile);
      this.#profiles++;
    }
    profile.nth = profile.parent === parent ? profile.nth + 1 : 1;
    profile.parent = parent;
    profile.count++;
    profile.most = Math.max(profile.most, profile.nth);
    return profile;
  }

  #end(): void {
    const depth = this.#open.length - 1;
    const isRecord =
      depth === this.#chain.length &&
      this.#chain.every(({ local }, i) => local === '*' || local === this.#open[i + 1]!.name);
    if (isRecord) this.#records++;
    this.#open.pop();
    this.#numbers.pop();
  }
}

/** -1 when it is not there. */
function behind(text: string, mark: string, from: number): number {
  const at = text.indexOf(mark, from);
  return at < 0 ? -1 : at + mark.length;
}

function localName(name: string): string {
  const local = name.slice(name.indexOf(':') + 1);
  return /^[\0-\x7f]*$/.test(local) ? local : Buffer.from(local, 'latin1').toString('utf8');
}

/** Names of elements and attributes: each is checked once, when it is first seen, and is a number from then on. */
import { randomInt } from 'node:crypto';
import { XmlError } from './errors.ts';

const START =
  ':A-Z_a-z\\u{C0}-\\u{D6}\\u{D8}-\\u{F6}\\u{F8}-\\u{2FF}\\u{370}-\\u{37D}\\u{37F}-\\u{1FFF}\\u{200C}\\u{200D}\\u{2070}-\\u{218F}\\u{2C00}-\\u{2FEF}\\u{3001}-\\u{D7FF}\\u{F900}-\\u{FDCF}\\u{FDF0}-\\u{FFFD}\\u{10000}-\\u{EFFFF}';
/** The productions NameStartChar and Name of XML 1.0, fifth edition. */
const NAME = new RegExp(`^[${START}][${START}\\-.0-9\\u{B7}\\u{300}-\\u{36F}\\u{203F}\\u{2040}]*$`, 'u');

export function isName(text: string): boolean {
  return NAME.test(text);
}

/** By byte: 1 for one that can be in a name; those beyond ASCII are checked with the whole name. */
export const NAME_BYTES = Uint8Array.from({ length: 256 }, (_, b) =>
  b >= 0x80 || /[-.:\w]/.test(String.fromCharCode(b)) ? 1 : 0,
);

export interface QName {
  /** Empty for none. */
  prefix: string;
  local: string;
}

/** More different names than any vocabulary has: names are kept while a document is read. */
const MOST_NAMES = 1_000_000;
const MOST_BYTES = 32 * 2 ** 20;
const FNV_PRIME = 16777619;

/** Names that have been seen, found by their bytes. */
export class NameTable {
  /** Bytes of all names, one after the other. */
  pool = new Uint8Array(4096);
  /** By name: where it begins in the pool; the next one begins where it ends. */
  starts = new Int32Array(257);
  count = 0;
  /** By name: 1 where it has a prefix or is `xmlns`. */
  special = new Uint8Array(256);
  #hashes = new Int32Array(256);
  /** Open addressing: a name plus one, or 0. */
  #slots = new Int32Array(1024);
  #names: QName[] = [];

  /** The number of a name. `hash`: of its bytes, as `hashStep` makes it from `HASH_SEED`. `offset` is for errors: where the name is in the document. */
  find(bytes: Uint8Array, from: number, to: number, hash: number, offset: number): number {
    const mask = this.#slots.length - 1;
    let slot = (hash ^ (hash >>> 15)) & mask;
    for (;;) {
      const found = this.#slots[slot]! - 1;
      if (found < 0) break;
      if (this.#hashes[found] === hash && this.#same(found, bytes, from, to)) return found;
      slot = (slot + 1) & mask;
    }
    return this.#add(bytes, from, to, hash, offset);
  }

  #same(name: number, bytes: Uint8Array, from: number, to: number): boolean {
    const { pool } = this;
    let p = this.starts[name]!;
    if (this.starts[name + 1]! - p !== to - from) return false;
    for (let i = from; i < to; i++) if (bytes[i] !== pool[p++]) return false;
    return true;
  }

  hash(name: number): number {
    return this.#hashes[name]!;
  }

  get(name: number): QName {
    return this.#names[name]!;
  }

  text(name: number): string {
    const { prefix, local } = this.#names[name]!;
    return prefix === '' ? local : `${prefix}:${local}`;
  }

  #add(bytes: Uint8Array, from: number, to: number, hash: number, offset: number): number {
    const text = Buffer.from(bytes.subarray(from, to)).toString('utf8');
    if (!isName(text)) throw new XmlError(`"${shown(text)}" is not a name`, offset);
    const colon = text.indexOf(':');
    const prefix = colon < 0 ? '' : text.slice(0, colon);
    const local = text.slice(colon + 1);
    if (colon >= 0 && (prefix === '' || local === '' || local.includes(':')))
      throw new XmlError(`"${shown(text)}" is not a name with a prefix`, offset);
    const end = this.starts[this.count]! + to - from;
    if (this.count === MOST_NAMES || end > MOST_BYTES)
      throw new XmlError('there are more different names of elements and attributes than can be kept', offset);
    this.#makeRoom(end);
    const name = this.count++;
    this.pool.set(bytes.subarray(from, to), this.starts[name]!);
    this.starts[name + 1] = end;
    this.special[name] = colon >= 0 || text === 'xmlns' ? 1 : 0;
    this.#hashes[name] = hash;
    this.#names.push({ prefix, local });
    this.#put(name);
    return name;
  }

  #makeRoom(poolEnd: number): void {
    if (poolEnd > this.pool.length) this.pool = grown(this.pool, Math.max(poolEnd, 2 * this.pool.length));
    if (this.count + 2 <= this.starts.length) return;
    this.starts = grown(this.starts, 2 * this.starts.length);
    this.special = grown(this.special, this.starts.length);
    this.#hashes = grown(this.#hashes, this.starts.length);
    this.#slots = new Int32Array(4 * this.#slots.length);
    for (let name = 0; name < this.count; name++) this.#put(name);
  }

  #put(name: number): void {
    const mask = this.#slots.length - 1;
    const hash = this.#hashes[name]!;
    let slot = (hash ^ (hash >>> 15)) & mask;
    while (this.#slots[slot] !== 0) slot = (slot + 1) & mask;
    this.#slots[slot] = name + 1;
  }
}

/** What the hash of a name begins with: nobody can write a document whose names all have one hash. */
export const HASH_SEED = randomInt(2 ** 31);

/** FNV-1a, a byte at a time. */
export function hashStep(hash: number, byte: number): number {
  return Math.imul(hash ^ byte, FNV_PRIME);
}

export function grown<T extends Uint8Array | Int32Array | Int16Array>(from: T, size: number): T {
  const to = new (from.constructor as new (size: number) => T)(size);
  to.set(from);
  return to;
}

export function shown(text: string): string {
  return text.length > 60 ? `${text.slice(0, 57)}…` : text;
}

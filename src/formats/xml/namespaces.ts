/** Which namespaces prefixes stand for, where in a document; and what names mean to an automaton there. */
import { XmlError } from './errors.ts';
import { grown, type NameTable } from './names.ts';
import { XML, XMLNS } from './namespace-uris.ts';
import type { Automaton } from './plan.ts';

/** Scopes that are kept, so that a document which declares anew in every record costs little. */
const MOST_SCOPES = 1000;
const UNKNOWN = -1;

/** The declarations in force for an element and what is in it. */
export class Scope {
  /** By name: the symbol of an element; -1 for what was not asked yet. */
  symbols = new Int16Array(64).fill(UNKNOWN);
  /** Changes with every change of `symbols`. */
  version = 0;
  readonly parent: Scope | undefined;
  readonly #bindings: ReadonlyMap<string, string>;
  #inner = new Map<string, Scope>();
  #attributes = new Map<number, { uri: string; symbol: number }>();

  constructor(parent: Scope | undefined, declared: readonly (readonly [prefix: string, uri: string])[]) {
    this.parent = parent;
    this.#bindings = new Map([...(parent ? parent.#bindings : []), ...declared]);
  }

  static outermost(): Scope {
    return new Scope(undefined, [
      ['xml', XML],
      ['xmlns', XMLNS],
    ]);
  }

  /** The scope of an element with these declarations. Errors: XmlError for those that are not allowed. */
  within(declared: readonly (readonly [prefix: string, uri: string])[], offset: number): Scope {
    const key = JSON.stringify(declared);
    let scope = this.#inner.get(key);
    if (!scope) {
      for (const [prefix, uri] of declared) checkBinding(prefix, uri, offset);
      scope = new Scope(this, declared);
      if (this.#inner.size === MOST_SCOPES) this.#inner.clear();
      this.#inner.set(key, scope);
    }
    return scope;
  }

  /** Looks up the symbol of an element's name, for `symbols` lacks it. */
  element(name: number, names: NameTable, automaton: Automaton, offset: number): number {
    if (name < this.symbols.length && this.symbols[name] !== UNKNOWN) return this.symbols[name]!;
    const { prefix, local } = names.get(name);
    if (prefix === 'xmlns') throw new XmlError('an element has the prefix "xmlns", which is for declarations', offset);
    const uri = this.#bindings.get(prefix);
    if (prefix !== '' && !uri) throw unbound(prefix, offset);
    const symbol = automaton.elementSymbol(uri ?? '', local);
    if (name >= this.symbols.length) {
      const known = this.symbols.length;
      this.symbols = grown(this.symbols, Math.max(name + 1, 2 * known)).fill(UNKNOWN, known);
    }
    this.symbols[name] = symbol;
    this.version++;
    return symbol;
  }

  attribute(name: number, names: NameTable, automaton: Automaton, offset: number): { uri: string; symbol: number } {
    let found = this.#attributes.get(name);
    if (!found) {
      const { prefix, local } = names.get(name);
      const uri = prefix === '' ? (local === 'xmlns' ? XMLNS : '') : this.#bindings.get(prefix);
      if (uri === undefined) throw unbound(prefix, offset);
      found = { uri, symbol: automaton.attributeSymbol(uri, local) };
      this.#attributes.set(name, found);
    }
    return found;
  }
}

function unbound(prefix: string, offset: number): XmlError {
  return new XmlError(`the namespace prefix "${prefix}" is not declared`, offset);
}

function checkBinding(prefix: string, uri: string, offset: number): void {
  if (prefix !== '' && uri === '') throw new XmlError(`the prefix "${prefix}" is declared without a namespace`, offset);
  if ((prefix === 'xml') !== (uri === XML))
    throw new XmlError(`"${prefix}" and the namespace ${uri} do not go together`, offset);
  if (prefix === 'xmlns' || uri === XMLNS)
    throw new XmlError(`"${prefix}" and the namespace ${uri} do not go together`, offset);
}

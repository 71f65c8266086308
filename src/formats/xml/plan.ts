/**
 * The paths of a dataset as an automaton: one state for every element that is open, which says what its start, its attributes and its
 * end mean. States and transitions are made when a document first needs them; there are as many as the paths allow, however large or
 * odd the document.
 */
import { GranaryError } from '../../lib/errors.ts';
import type { Repeated, XmlConfig } from './config.ts';
import { XML, XMLNS, XSI } from './namespace-uris.ts';
import { type ColumnPath, type NameTest, parseColumnPath, parseRecordPath } from './paths.ts';

export interface PlanColumn {
  path: ColumnPath;
  source: string;
  repeated: Repeated;
}

export interface XmlPlan {
  /** Tests of the elements from the root to the record. */
  chain: NameTest[];
  columns: PlanColumn[];
  namespaces: Record<string, string>;
}

/** Throws `config.invalid` for what is no path, or has a prefix that is not declared. `sources`: paths of columns. */
export function planXml(
  config: Pick<XmlConfig, 'record' | 'namespaces' | 'repeated' | 'repeated_in'>,
  sources: readonly string[],
): XmlPlan {
  const record = parseRecordPath(config.record);
  if (!record) throw invalid(`"${config.record}" is not a path of elements`);
  const namespaces = { xml: XML, xsi: XSI, ...config.namespaces };
  const columns = sources.map((source) => {
    const path = parseColumnPath(source, record);
    if (typeof path === 'string') throw invalid(path);
    return { path, source, repeated: config.repeated_in?.[source] ?? config.repeated };
  });
  for (const { prefix } of [...record.chain, ...columns.flatMap((c) => testsOf(c.path))]) {
    if (prefix !== undefined && !Object.hasOwn(namespaces, prefix))
      throw invalid(`the prefix "${prefix}" is not declared`, `Add it to the format: namespaces: { ${prefix}: <URI> }`);
  }
  return { chain: record.chain, columns, namespaces };
}

const testsOf = ({ steps, end }: ColumnPath): NameTest[] => (end.kind === 'attribute' ? [...steps, end.name] : steps);

function invalid(problem: string, hint = 'Write paths as in `Item/@sku`, `../../@id`, `position()`.'): GranaryError {
  return new GranaryError('config.invalid', `The XML format cannot be used: ${problem}.`, { hint });
}

/** What an open element means; bits of `flags`. */
export const LEVEL = 1;
export const TEXT = 2;
export const ATTRIBUTES = 4;

interface State {
  /** How many tests of the chain are matched, when the element is on it. */
  chain: number;
  /** Columns on their way: how many of their steps are matched. */
  items: { column: number; step: number }[];
  /** By symbol of an attribute. */
  attributes: number[][];
  text: number[];
}

/** Names in these are meant only where a path says so: `@type` is not `xsi:type`. */
const ABOUT_XML: readonly string[] = [XML, XMLNS, XSI];

/** The class of names that match the same tests. */
type Symbol = number;

export class Automaton {
  /** By state: bits. */
  flags = new Uint8Array(16);
  /** By state: the chain's level that it opens; -1 for none. */
  level = new Int32Array(16);
  /** By `state * width + symbol`; -1 for what is not known yet. */
  transitions = new Int32Array(0);
  width = 8;
  /** Changes with every change of the tables above. */
  version = 0;
  readonly plan: XmlPlan;
  readonly #states: State[] = [];
  readonly #byKey = new Map<string, number>();
  readonly #tests: NameTest[];
  readonly #attributeTests: NameTest[];
  /** Tests that names of a symbol match, as indexes. */
  readonly #symbols: number[][] = [];
  readonly #symbolByKey = new Map<string, Symbol>();
  readonly #attributeSymbols: number[][] = [];
  readonly #attributeSymbolByKey = new Map<string, Symbol>();

  constructor(plan: XmlPlan) {
    this.plan = plan;
    this.#tests = [...plan.chain, ...plan.columns.flatMap((c) => c.path.steps)];
    this.#attributeTests = plan.columns.flatMap(({ path: { end } }) => (end.kind === 'attribute' ? [end.name] : []));
    this.transitions = new Int32Array(16 * this.width).fill(-1);
    this.#stateOf({ chain: -1, items: [] });
    this.#stateOf({ chain: 0, items: [] });
  }

  /** The state of the document itself, around the root. */
  readonly outside = 1;

  /** Of an element's expanded name. Element symbols and attribute symbols are different things. */
  elementSymbol(uri: string, local: string): Symbol {
    const symbol = symbolOf(this.#matching(this.#tests, uri, local), this.#symbols, this.#symbolByKey);
    while (symbol >= this.width) this.#widen();
    return symbol;
  }

  attributeSymbol(uri: string, local: string): Symbol {
    // An attribute without a prefix is in no namespace, whatever the default one.
    return symbolOf(
      this.#matching(this.#attributeTests, uri, local),
      this.#attributeSymbols,
      this.#attributeSymbolByKey,
    );
  }

  get states(): number {
    return this.#states.length;
  }

  /** Text columns of a state. */
  text(state: number): readonly number[] {
    return this.#states[state]!.text;
  }

  attributes(state: number, symbol: Symbol): readonly number[] {
    const { attributes, chain, items } = this.#states[state]!;
    let found = attributes[symbol];
    if (!found) {
      const ends = this.#attributeColumns(chain, items);
      found = ends.filter((c) => {
        const { end } = this.plan.columns[c]!.path;
        return end.kind === 'attribute' && this.#has(this.#attributeSymbols[symbol]!, this.#attributeTests, end.name);
      });
      attributes[symbol] = found;
    }
    return found;
  }

  /** The state of a child: for a transition that `transitions` does not know yet. */
  next(state: number, symbol: Symbol): number {
    const at = state * this.width + symbol;
    if (this.transitions[at]! >= 0) return this.transitions[at]!;
    const next = this.#compute(this.#states[state]!, symbol);
    this.transitions[state * this.width + symbol] = next;
    this.version++;
    return next;
  }

  #compute({ chain, items }: State, symbol: Symbol): number {
    const { plan } = this;
    const matches = (test: NameTest) => this.#has(this.#symbols[symbol]!, this.#tests, test);
    const nextChain = chain >= 0 && chain < plan.chain.length && matches(plan.chain[chain]!) ? chain + 1 : -1;
    const nextItems = items.flatMap(({ column, step }) => {
      const test = plan.columns[column]!.path.steps[step];
      return test && matches(test) ? [{ column, step: step + 1 }] : [];
    });
    plan.columns.forEach(({ path: { level, steps } }, column) => {
      if (level === chain - 1 && steps.length > 0 && matches(steps[0]!)) nextItems.push({ column, step: 1 });
    });
    return this.#stateOf({ chain: nextChain, items: nextItems });
  }

  #stateOf({ chain, items }: Pick<State, 'chain' | 'items'>): number {
    const key = `${chain} ${items.map((i) => `${i.column}.${i.step}`).join(' ')}`;
    const known = this.#byKey.get(key);
    if (known !== undefined) return known;
    const { columns, chain: tests } = this.plan;
    const ended = items.filter((i) => i.step === columns[i.column]!.path.steps.length).map((i) => i.column);
    const text = ended.filter((c) => columns[c]!.path.end.kind === 'text');
    const around = text.find(() => chain > 0);
    if (around !== undefined)
      throw invalid(`"${columns[around]!.source}" takes the text of elements that hold the records`);
    if (chain === tests.length)
      columns.forEach(({ path }, c) => {
        if (path.level === chain - 1 && path.steps.length === 0 && path.end.kind === 'text') text.push(c);
      });
    const id = this.#states.length;
    this.#byKey.set(key, id);
    this.#states.push({ chain, items, attributes: [], text });
    if (id === this.flags.length) this.#lengthen();
    this.level[id] = chain > 0 ? chain - 1 : -1;
    this.flags[id] =
      (chain > 0 ? LEVEL : 0) |
      (text.length > 0 ? TEXT : 0) |
      (this.#attributeColumns(chain, items).length > 0 ? ATTRIBUTES : 0);
    return id;
  }

  #attributeColumns(chain: number, items: State['items']): number[] {
    return this.plan.columns.flatMap(({ path: { level, steps, end } }, c) => {
      const here =
        steps.length === 0
          ? chain > 0 && level === chain - 1
          : items.some((i) => i.column === c && i.step === steps.length);
      return here && end.kind === 'attribute' ? [c] : [];
    });
  }

  #matching(tests: NameTest[], uri: string, local: string): number[] {
    return tests.flatMap(({ prefix, local: wanted }, i) => {
      const isName = wanted === '*' || wanted === local;
      return isName && (prefix === undefined ? !ABOUT_XML.includes(uri) : this.plan.namespaces[prefix] === uri)
        ? [i]
        : [];
    });
  }

  #has(matched: number[], tests: NameTest[], test: NameTest): boolean {
    return matched.includes(tests.indexOf(test));
  }

  #lengthen(): void {
    const size = this.flags.length * 2;
    this.flags = copied(new Uint8Array(size), this.flags);
    this.level = copied(new Int32Array(size), this.level);
    this.transitions = copied(new Int32Array(size * this.width).fill(-1), this.transitions);
  }

  #widen(): void {
    const { width, transitions } = this;
    this.width *= 2;
    this.transitions = new Int32Array(this.flags.length * this.width).fill(-1);
    for (let s = 0; s < this.flags.length; s++)
      this.transitions.set(transitions.subarray(s * width, (s + 1) * width), s * this.width);
  }
}

function copied<T extends Uint8Array | Int32Array>(to: T, from: T): T {
  to.set(from);
  return to;
}

function symbolOf(matching: number[], symbols: number[][], byKey: Map<string, Symbol>): Symbol {
  const key = matching.join(' ');
  let symbol = byKey.get(key);
  if (symbol === undefined) {
    symbol = symbols.push(matching) - 1;
    byKey.set(key, symbol);
  }
  return symbol;
}

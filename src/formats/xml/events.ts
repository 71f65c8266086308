/** Hands on what scanner.as has seen while it passed tokens. */
import type { NameTable } from './names.ts';
import type { Scope } from './namespaces.ts';
import type { Automaton } from './plan.ts';
import type { Gathered } from './records.ts';
import type { Scanner } from './scanner.ts';
import { EVENT } from './scanner-memory.ts';

export class EventReader {
  readonly #scanner: Scanner;
  readonly #gathered: Gathered;
  readonly #automaton: Automaton;
  readonly #names: NameTable;
  /** Columns of attributes, by state and name. */
  readonly #attributeColumns = new Map<number, readonly number[]>();

  constructor(scanner: Scanner, gathered: Gathered, automaton: Automaton, names: NameTable) {
    this.#scanner = scanner;
    this.#gathered = gathered;
    this.#automaton = automaton;
    this.#names = names;
  }

  /** `scope`: what prefixes mean where the scanner was: attributes that have any are left to the parser. */
  take(bytes: Uint8Array, scope: Scope): void {
    const { events, eventsEnd } = this.#scanner;
    const gathered = this.#gathered;
    const automaton = this.#automaton;
    for (let e = 0; e < eventsEnd; e += EVENT.size) {
      const a = events[e + 1]!;
      switch (events[e]) {
        case EVENT.value: {
          const columns = automaton.text(a);
          for (let c = 0; c < columns.length; c++)
            gathered.value(columns[c]!, bytes, events[e + 2]!, events[e + 3]!, events[e + 4]!);
          break;
        }
        case EVENT.attribute: {
          const columns = this.#columnsOf(a, events[e + 2]!, scope);
          for (let c = 0; c < columns.length; c++)
            gathered.value(columns[c]!, bytes, events[e + 3]!, events[e + 4]!, events[e + 5]!);
          break;
        }
        case EVENT.opened:
          gathered.open(a, events[e + 2]!, events[e + 3]!, true);
          break;
        default:
          gathered.close(a, bytes, events[e + 2]!);
      }
    }
  }

  /** Columns of an attribute without a prefix. */
  #columnsOf(state: number, name: number, scope: Scope): readonly number[] {
    const key = state * 2 ** 20 + name;
    let columns = this.#attributeColumns.get(key);
    if (!columns) {
      const { symbol } = scope.attribute(name, this.#names, this.#automaton, 0);
      columns = this.#automaton.attributes(state, symbol);
      this.#attributeColumns.set(key, columns);
      const [column = -1, ...others] = columns;
      const isOwn = column < 0 || this.#gathered.levels[column] === this.#gathered.own;
      if (isOwn && others.length === 0) this.#scanner.learnAttribute(state, name, column);
    }
    return columns;
  }
}

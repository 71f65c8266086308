/** Lists of Retry and Catch that several states share: a state names the list by a sign, and the end of the drawing tells it once. */
import type { State } from '../types.ts';
import { heading, wrap } from './box.ts';
import { caught, retry } from './words.ts';

export class Notes {
  /** Sign by list. */
  private readonly signs = new Map<string, string>();

  /** Of all states of a document, those of bodies included. */
  constructor(states: Iterable<State>) {
    const counts = new Map<string, number>();
    for (const state of states)
      for (const list of [retriesOf(state), catchesOf(state)])
        counts.set(keyOf(list), (counts.get(keyOf(list)) ?? 0) + 1);
    for (const [key, count] of counts) if (count > 1 && key.includes('\n')) this.signs.set(key, sign(this.signs.size));
  }

  /** What becomes of errors in the state: `brief` for its first line, and lines of its own. */
  of(state: State): { brief: string[]; lines: string[] } {
    const brief: string[] = [];
    const lines: string[] = [];
    const add = (what: string, list: string[]) => {
      const known = this.signs.get(keyOf(list));
      if (known === undefined) lines.push(...list.map((line) => `${what}    ${line}`));
      else brief.push(`${what} ${known}`);
    };
    add('retry', retriesOf(state));
    add('catch', catchesOf(state));
    return { brief, lines };
  }

  legend(width: number): string[] {
    const out: string[] = [];
    for (const [key, known] of this.signs) {
      const hang = known.length + 2;
      const lines = key.split('\n').map((line, i) => (i === 0 ? `${known}  ` : ' '.repeat(hang)) + line);
      out.push(...lines.flatMap((line) => wrap(line, width, hang + 2)));
    }
    return out.length === 0 ? out : ['', heading('retry and catch', width), ...out];
  }
}

function retriesOf(state: State): string[] {
  return (('Retry' in state && state.Retry) || []).map(retry);
}

function catchesOf(state: State): string[] {
  return (('Catch' in state && state.Catch) || []).map(caught);
}

function keyOf(list: string[]): string {
  return list.join('\n');
}

/** ① to ⑳, then (21). */
function sign(index: number): string {
  return index < 20 ? String.fromCodePoint(0x2460 + index) : `(${index + 1})`;
}

/**
 * Draws a machine as text for a terminal: boxes from top to bottom, bodies of Map and Parallel within their box, the ways of a Choice
 * indented until they meet again, except the main one. `↓` leads to a state that is drawn below, `↑` to one above. Lists of Retry and Catch that
 * several states share are told once, at the end.
 */
import { box, heading, RAIL, wrap } from './draw/box.ts';
import { Notes } from './draw/notes.ts';
import { condition, describe, duration, kindOf } from './draw/words.ts';
import type { ChoiceState, FailState, Machine, Processor, State, SucceedState } from './types.ts';

const MAX_WIDTH = 100;
/** Of a machine without bodies. */
const PLAIN_WIDTH = 76;
/** What a body loses on both sides. */
const FRAME = 6;
/** Below this a body is told, not drawn. */
const MIN_WIDTH = 36;

/** Lines of at most 100 columns. The document is one that `lintMachine` has no findings for. */
export function drawMachine(machine: Machine): string[] {
  const width = Math.min(MAX_WIDTH, PLAIN_WIDTH + FRAME * depthOf(machine.States));
  const out = machine.Comment ? wrap(machine.Comment, width) : [];
  if (machine.TimeoutSeconds !== undefined) out.push(`Ends after ${duration(machine.TimeoutSeconds)} at the latest.`);
  const notes = new Notes(statesOf(machine.States));
  out.push(rail('●'), rail('▼'), ...new Flow(machine.States, notes).draw(machine.StartAt, width));
  out.push(...notes.legend(width));
  return out.map((line) => line.trimEnd());
}

type States = Record<string, State>;

class Flow {
  private readonly states: States;
  private readonly notes: Notes;
  private readonly drawn = new Set<string>();

  constructor(states: States, notes: Notes) {
    this.states = states;
    this.notes = notes;
  }

  draw(start: string, width: number): string[] {
    const out = this.chain(start, new Set(), width);
    for (const [target, sources] of this.caught()) {
      if (this.drawn.has(target)) continue;
      out.push('', heading(`on an error of ${sources.join(', ')}`, width), ...this.chain(target, new Set(), width));
    }
    for (const name of Object.keys(this.states))
      if (!this.drawn.has(name)) out.push('', heading('never reached', width), ...this.chain(name, new Set(), width));
    return out;
  }

  /** From `name` on, to the end or a state that is drawn already or will be by who called (`later`). */
  private chain(name: string, later: Set<string>, width: number): string[] {
    const out: string[] = [];
    for (let at: string | undefined = name; at !== undefined; ) {
      const jump = this.jump(at, later);
      if (jump) return [...out, rail(jump)];
      const state: State = this.states[at]!;
      this.drawn.add(at);
      if (state.Type === 'Succeed' || state.Type === 'Fail')
        return [...out, ...wrap(ending(at, state), width - RAIL, 2).map(rail)];
      out.push(...box(at, kindOf(state), this.inside(state, width - 4), width, true));
      if (state.Type === 'Choice') at = this.ways(state, later, width, out);
      else {
        at = state.Next;
        if (at === undefined) out.push(rail('■ end'));
        else if (!this.jump(at, later)) out.push(rail('▼'));
      }
    }
    return out;
  }

  /** The ways of a Choice; returns the state where they meet, or where the main one goes on. */
  private ways(state: ChoiceState, later: Set<string>, width: number, out: string[]): string | undefined {
    const ways = state.Choices.map((rule) => ({ when: `if ${condition(rule)}`, to: rule.Next ?? '' }));
    if (state.Default !== undefined) ways.push({ when: 'otherwise', to: state.Default });
    const targets = [...new Set(ways.map((w) => w.to))];
    const meeting = this.meeting(targets, later);
    const next = this.main(targets, meeting, later) ?? meeting;
    const direct = ways.filter((w) => w.to === next);
    const onward = direct.length === 1 ? direct[0] : undefined;
    const listed = ways.filter((w) => w !== onward);
    const room = width - RAIL - 3;
    const within = new Set([...later, ...[next, meeting].filter((name) => name !== undefined)]);
    for (const [i, way] of listed.entries()) {
      const last = next === undefined && i === listed.length - 1;
      const [first, rest] = last ? ['└─ ', '   '] : ['├─ ', '│  '];
      const short = this.jump(way.to, within) ?? this.end(way.to);
      const words = wrap(short ? `${way.when}  ${short}` : way.when, room);
      const body = short ? [] : this.chain(way.to, within, room);
      out.push(...[...words, ...body].map((line, n) => rail(`${n === 0 ? first : rest}${line}`)));
      if (!last) out.push(rail('│'));
    }
    if (next !== undefined) out.push(...wrap(onward ? `▼  ${onward.when}` : '▼', room, 3).map(rail));
    return next;
  }

  /** What most ways lead to, the nearest such; when none meet, the last way if it comes to an end, else that with the most states. */
  private meeting(targets: string[], later: Set<string>): string | undefined {
    const open = targets.filter((t) => !this.jump(t, later));
    const reaches = new Map(open.map((t) => [t, this.reach(t, later)]));
    const counts = new Map<string, number>();
    for (const reach of reaches.values()) for (const name of reach) counts.set(name, (counts.get(name) ?? 0) + 1);
    const most = Math.max(0, ...counts.values());
    const ends = (name: string) => onwards(this.states[name]).length === 0;
    const usual = open.find((t) => t === targets.at(-1) && onwards(this.states[t]).length > 0);
    if (most === 1 && usual !== undefined && [...reaches.get(usual)!].some(ends)) return usual;
    const candidates = most > 1 ? [...counts.keys()].filter((name) => counts.get(name) === most) : open;
    let best: string | undefined;
    let size = 0;
    for (const name of candidates) {
      const reached = (reaches.get(name) ?? this.reach(name, later)).size;
      if (reached > size) [best, size] = [name, reached];
    }
    return best;
  }

  /**
   * The way that goes on straight down to where the ways meet: the last of them, which is the usual one; where that leads to the meeting at
   * once, the longest. Undefined when it would cross another.
   */
  private main(targets: string[], meeting: string | undefined, later: Set<string>): string | undefined {
    if (meeting === undefined) return undefined;
    const until = new Set([...later, meeting]);
    const open = targets.filter((t) => !this.jump(t, until));
    const own = new Map(open.map((t) => [t, this.reach(t, until)]));
    const leads = (t: string) => [...own.get(t)!].some((name) => onwards(this.states[name]).includes(meeting));
    const longest = open.filter(leads).sort((a, b) => own.get(b)!.size - own.get(a)!.size)[0];
    const usual = targets.at(-1)!;
    const main = own.has(usual) && leads(usual) ? usual : longest;
    const crosses = open.some((t) => t !== main && [...own.get(t)!].some((name) => own.get(main!)?.has(name)));
    return crosses ? undefined : main;
  }

  private reach(start: string, later: Set<string>): Set<string> {
    const reached = new Set([start]);
    for (const name of reached)
      for (const target of onwards(this.states[name])) if (!this.jump(target, later)) reached.add(target);
    return reached;
  }

  /** How a state is told that is not drawn here. */
  private jump(name: string, later: Set<string>): string | undefined {
    if (this.drawn.has(name)) return `↑ ${name}`;
    if (later.has(name)) return `↓ ${name}`;
    return Object.hasOwn(this.states, name) ? undefined : `? ${name}`;
  }

  /** A state that ends, told beside the way to it; undefined for another. */
  private end(name: string): string | undefined {
    const state = this.states[name]!;
    if (state.Type !== 'Succeed' && state.Type !== 'Fail') return undefined;
    this.drawn.add(name);
    return ending(name, state);
  }

  private inside(state: State, width: number): string[] {
    const out = describe(state, this.notes.of(state)).flatMap((text) =>
      wrap(text, width, /^\w+ {2,}/.exec(text)?.[0].length ?? 2),
    );
    if (state.Type === 'Map') out.push('', ...this.body(state.ItemProcessor, width), '');
    if (state.Type === 'Parallel')
      for (const [i, branch] of state.Branches.entries())
        out.push(heading(`branch ${i + 1} of ${state.Branches.length}`, width), ...this.body(branch, width), '');
    return out;
  }

  private body(processor: Processor, width: number): string[] {
    const room = width - 2;
    if (room < MIN_WIDTH) return wrap(` … ${Object.keys(processor.States).join(', ')}`, width, 3);
    return new Flow(processor.States, this.notes).draw(processor.StartAt, room).map((line) => ` ${line}`);
  }

  private caught(): Map<string, string[]> {
    const out = new Map<string, string[]>();
    for (const [name, state] of Object.entries(this.states))
      for (const { Next: target } of ('Catch' in state && state.Catch) || []) {
        const sources = out.get(target) ?? [];
        if (!sources.includes(name)) out.set(target, [...sources, name]);
      }
    return out;
  }
}

function ending(name: string, state: SucceedState | FailState): string {
  if (state.Type === 'Succeed') return `■ ${name}: succeeds`;
  const why = [state.Error ?? state.ErrorPath, state.Cause ?? state.CausePath].filter((part) => part !== undefined);
  return `✗ ${name}: fails${why.length > 0 ? ` with ${why.join(', ')}` : ''}`;
}

function rail(text: string): string {
  return ' '.repeat(RAIL) + text;
}

function onwards(state: State | undefined): string[] {
  if (!state) return [];
  if (state.Type === 'Choice')
    return [...state.Choices.map((rule) => rule.Next ?? ''), ...(state.Default === undefined ? [] : [state.Default])];
  return 'Next' in state && state.Next !== undefined ? [state.Next] : [];
}

function bodiesOf(state: State): Processor[] {
  return state.Type === 'Map' ? [state.ItemProcessor] : state.Type === 'Parallel' ? state.Branches : [];
}

function statesOf(states: States): State[] {
  return Object.values(states).flatMap((state) => [state, ...bodiesOf(state).flatMap((b) => statesOf(b.States))]);
}

function depthOf(states: States): number {
  const bodies = Object.values(states).flatMap(bodiesOf);
  return Math.max(0, ...bodies.map((b) => 1 + depthOf(b.States)));
}

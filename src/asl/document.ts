/** Documents: their hash, the machine that a frame runs, limits. */
import { createHash } from 'node:crypto';
import { EngineError } from './errors.ts';
import type { Json, Machine, Processor, State } from './types.ts';
import { StatesError } from './types.ts';

/** AWS: input and output of a state are at most 256 KiB as UTF-8. */
export const MAX_DATA_BYTES = 262_144;

export const ROOT_SCOPE = '[]';

/** Throws `InvalidDefinition` for what no transition could make sense of; the linter says much more. */
export function checkDocument(machine: Machine): void {
  const check = (m: { StartAt: string; States: Record<string, State> } | undefined, where: string): void => {
    const wrong = (what: string) => new EngineError('InvalidDefinition', `${where}: ${what}`);
    if (typeof m?.States !== 'object' || m.States === null) throw wrong('has no States');
    if (!Object.hasOwn(m.States, m.StartAt)) throw wrong(`StartAt names no state: ${m.StartAt}`);
    for (const [name, state] of Object.entries(m.States)) {
      const at = `${where}.${name}`;
      if (state.Type === 'Parallel') for (const [i, branch] of state.Branches.entries()) check(branch, `${at}[${i}]`);
      if (state.Type === 'Map') check(state.ItemProcessor, at);
      if (!KNOWN.has(state.Type)) throw new EngineError('InvalidDefinition', `${at}: Type ${state.Type} is not known`);
    }
  };
  check(machine, 'machine');
}
const KNOWN = new Set(['Task', 'Pass', 'Choice', 'Wait', 'Succeed', 'Fail', 'Parallel', 'Map']);

export function hashOf(document: string): string {
  return createHash('sha256').update(document).digest('hex').slice(0, 32);
}

/**
 * The machine within `machine` that a scope names: a JSON list of the names of Map states and of [name, branch] of Parallel states on
 * the way down.
 */
export function machineAt(machine: Machine, scope: string): Processor {
  let at: Processor = machine;
  for (const step of JSON.parse(scope) as (string | [string, number])[]) {
    const [name, branch] = typeof step === 'string' ? [step, 0] : step;
    const state = at.States[name];
    const inner =
      state?.Type === 'Map' ? state.ItemProcessor : state?.Type === 'Parallel' ? state.Branches[branch] : undefined;
    if (!inner) throw new StatesError('States.Runtime', `the document has no ${scope}`);
    at = inner;
  }
  return at;
}

export function scopeOf(parent: string, state: string, branch?: number): string {
  const inner = JSON.stringify(branch === undefined ? state : [state, branch]);
  return parent === ROOT_SCOPE ? `[${inner}]` : `${parent.slice(0, -1)},${inner}]`;
}

/** A name as one step of a path: `/`, `#` and `%` would make paths ambiguous. */
export const pathStep = (name: string): string => name.replace(/[%/#]/g, (c) => encodeURIComponent(c));

export function isDistributed(state: State): boolean {
  return state.Type === 'Map' && state.ItemProcessor.ProcessorConfig?.Mode === 'DISTRIBUTED';
}

/** As JSON text. Throws `States.DataLimitExceeded`; `what` is for the message. */
export function dataText(value: Json | undefined, what: string): string {
  const text = JSON.stringify(value ?? null);
  // The bytes are counted only where the characters could be too many.
  if (text.length > MAX_DATA_BYTES / 3 && Buffer.byteLength(text) > MAX_DATA_BYTES)
    throw new StatesError('States.DataLimitExceeded', `${what} is larger than ${MAX_DATA_BYTES} bytes`);
  return text;
}

/** Canonical form of an input, to compare two: keys sorted. */
export function canonical(value: Json): string {
  return JSON.stringify(value, (_, v: Json) =>
    v !== null && typeof v === 'object' && !Array.isArray(v)
      ? Object.fromEntries(Object.entries(v).sort(([a], [b]) => (a < b ? -1 : 1)))
      : v,
  );
}

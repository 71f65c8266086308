/**
 * The linter of the portable profile: what AWS Step Functions would refuse, what it would read otherwise than this interpreter, and what is
 * in neither. Each state is checked by itself (`lint/states.ts`), and the graph of states here.
 */
import {
  checkFields,
  type Fields,
  integer,
  isObject,
  member,
  needs,
  oneOf,
  queryLanguage,
  text,
} from './lint/checks.ts';
import { checkState, isDistributed } from './lint/states.ts';

export interface LintFinding {
  /** Where in the document: `States.Land.Retry[0]`; '' for the document itself. */
  path: string;
  message: string;
}

/** As AWS. */
const MAX_BYTES = 1_048_576;
const MAX_NAME = 80;

/** Everything that is wrong with the document, in its order. Empty for a document that runs here and on AWS alike. */
export function lintMachine(machine: unknown): LintFinding[] {
  if (!isObject(machine)) return [{ path: '', message: 'a state machine is a JSON object' }];
  const lint = new Lint();
  const table = {
    Comment: text,
    TimeoutSeconds: integer(1, 99_999_999),
    QueryLanguage: queryLanguage,
    Version: oneOf('1.0'),
  };
  checkFields(machine, '', { ...table, ...GRAPH }, lint.report);
  lint.graph(machine, '', false);
  const bytes = Buffer.byteLength(JSON.stringify(machine));
  if (bytes > MAX_BYTES) lint.report('', `the document has ${bytes} bytes; AWS takes ${MAX_BYTES}`);
  return lint.findings;
}

/** Checked by `graph`. */
const GRAPH = { StartAt: () => {}, States: () => {} };
const PROCESSOR = { ...GRAPH, Comment: text };

class Lint {
  readonly findings: LintFinding[] = [];
  /** Of every state of the document, nested ones too: names are unique over all. */
  private readonly places = new Map<string, string>();

  readonly report = (path: string, message: string): void => {
    this.findings.push({ path, message });
  };

  /** A `StartAt` with its `States`. */
  graph(machine: Fields, at: string, express: boolean): void {
    const { StartAt: start, States: states } = machine;
    needs(machine, at, this.report, 'StartAt');
    if (!isObject(states) || Object.keys(states).length === 0) {
      this.report(member(at, 'States'), 'has no states');
      return;
    }
    if (start !== undefined && (typeof start !== 'string' || !Object.hasOwn(states, start)))
      this.report(member(at, 'StartAt'), `there is no state ${JSON.stringify(start)}`);
    for (const [name, state] of Object.entries(states)) {
      const here = member(member(at, 'States'), name);
      this.name(name, here);
      if (isObject(state)) this.state(state, here, states, express);
      else this.report(here, 'is an object');
    }
    if (typeof start === 'string' && Object.hasOwn(states, start)) this.reach(start, states, member(at, 'States'));
  }

  private name(name: string, at: string): void {
    if (name.length === 0 || name.length > MAX_NAME) this.report(at, `a name has 1 to ${MAX_NAME} characters`);
    const other = this.places.get(name);
    if (other !== undefined) this.report(at, `the name is taken by ${other}: names are unique over the whole document`);
    else this.places.set(name, at);
  }

  private state(state: Fields, at: string, states: Fields, express: boolean): void {
    checkState(state, at, express, this.report);
    if (['Task', 'Pass', 'Wait', 'Parallel', 'Map'].includes(String(state['Type']))) this.transition(state, at);
    for (const { at: where, name } of targetsOf(state, at))
      if (!Object.hasOwn(states, name)) this.report(where, `there is no state '${name}' beside this one`);
    const branches: unknown[] =
      state['Type'] === 'Parallel' && Array.isArray(state['Branches']) ? state['Branches'] : [];
    for (const [i, branch] of branches.entries()) {
      const here = `${at}.Branches[${i}]`;
      if (!isObject(branch)) {
        this.report(here, 'is an object');
        continue;
      }
      checkFields(branch, here, PROCESSOR, this.report);
      this.graph(branch, here, express);
    }
    if (state['Type'] === 'Map' && isObject(state['ItemProcessor']))
      this.processor(state, `${at}.ItemProcessor`, express);
  }

  private processor(state: Fields, at: string, express: boolean): void {
    const processor = state['ItemProcessor'] as Fields;
    const config = processor['ProcessorConfig'];
    const distributed = isDistributed(state);
    checkFields(processor, at, { ...PROCESSOR, ProcessorConfig: () => {} }, this.report);
    if (config !== undefined && !isObject(config)) this.report(`${at}.ProcessorConfig`, 'is an object');
    if (isObject(config)) {
      const here = `${at}.ProcessorConfig`;
      const table = { Mode: oneOf('INLINE', 'DISTRIBUTED'), ExecutionType: oneOf('STANDARD', 'EXPRESS') };
      checkFields(config, here, table, this.report);
      if (distributed) needs(config, here, this.report, 'ExecutionType');
      else if ('ExecutionType' in config) this.report(`${here}.ExecutionType`, 'is for the Mode DISTRIBUTED');
    }
    this.graph(processor, at, express || (isObject(config) && config['ExecutionType'] === 'EXPRESS'));
  }

  private transition(state: Fields, at: string): void {
    const { Next: next, End: end } = state;
    if (end !== undefined && end !== true) this.report(`${at}.End`, 'is true or is not there');
    if (next !== undefined && end !== undefined) this.report(at, 'has Next and End: only one is allowed');
    if (next === undefined && end === undefined) this.report(at, 'needs Next or End');
  }

  /** Every state is reached from the first, and an end from there. */
  private reach(start: string, states: Fields, at: string): void {
    const reached = new Set([start]);
    let ends = false;
    for (const name of reached) {
      const state = states[name];
      if (!isObject(state)) continue;
      const targets = targetsOf(state, '').filter((target) => Object.hasOwn(states, target.name));
      // A state that leads nowhere is an end, or is found as broken already.
      if (targets.length === 0 || state['End'] === true) ends = true;
      for (const target of targets) reached.add(target.name);
    }
    for (const name of Object.keys(states)) if (!reached.has(name)) this.report(member(at, name), 'is never reached');
    if (!ends) this.report(at, 'no state that ends is reached');
  }
}

/** Where the state may go on, with the place in the document that says so. */
function targetsOf(state: Fields, at: string): { at: string; name: string }[] {
  const out: { at: string; name: string }[] = [];
  const add = (holder: unknown, field: string, where: string) => {
    const name = isObject(holder) ? holder[field] : undefined;
    if (typeof name === 'string') out.push({ at: member(where, field), name });
  };
  const type = state['Type'];
  if (type === 'Choice') {
    add(state, 'Default', at);
    if (Array.isArray(state['Choices']))
      for (const [i, rule] of state['Choices'].entries()) add(rule, 'Next', `${at}.Choices[${i}]`);
    return out;
  }
  if (type === 'Succeed' || type === 'Fail') return out;
  add(state, 'Next', at);
  if (Array.isArray(state['Catch']))
    for (const [i, catcher] of state['Catch'].entries()) add(catcher, 'Next', `${at}.Catch[${i}]`);
  return out;
}

/** The context object, `$$`. */
import type { Core, Frame, Run } from './core.ts';
import { frameById, retryCount } from './core.ts';
import type { Json } from './types.ts';

const iso = (ms: number): string => new Date(ms).toISOString();

/**
 * `$$.Execution` (Id, Name, Input, StartTime, RedriveCount), `$$.State` (Name, EnteredTime, RetryCount), `$$.StateMachine` (Id, Name: the
 * pipeline) and, in an ItemSelector, `$$.Map.Item` (Index, Value). There are no task tokens.
 *
 * As on AWS, within a distributed Map `$$.Execution` is the child's: its Name is the parent's with the path of the item
 * (`run-1:Objects#0/3`), its Input the item. A document that needs the parent's passes it on through ItemSelector.
 */
export function contextOf(core: Core, run: Run, frame: Frame, item?: { Index: number; Value: Json }): Json {
  const context = {
    get Execution() {
      return executionOf(core, run, frame);
    },
    get State() {
      return { Name: frame.state, EnteredTime: iso(frame.entered), RetryCount: retryCount(frame) };
    },
    StateMachine: { Id: run.pipeline, Name: run.pipeline },
  };
  return (item ? Object.defineProperty(context, 'Map', { value: { Item: item }, enumerable: true }) : context) as Json;
}

function executionOf(core: Core, run: Run, frame: Frame): Json {
  const owner = frame.origin !== null ? frame : frame.owner !== null ? frameById(core, frame.owner) : undefined;
  const name = owner ? `${run.id}:${owner.path.slice(1)}` : run.id;
  const execution = {
    Id: name,
    Name: name,
    StartTime: iso(owner ? owner.started : run.started),
    RedriveCount: run.redrives,
    // Read only when the document asks for it.
    get Input() {
      if (owner) return JSON.parse(owner.origin ?? 'null');
      return JSON.parse(core.db.get<{ input: string }>('SELECT input FROM execution WHERE num = ?', run.num)!.input);
    },
  };
  return execution as Json;
}

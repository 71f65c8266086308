/** What the parts of the interpreter share: rows, the runs in memory, and work that follows a commit. */
import type { EngineHost, HistoryEvent } from './api.ts';
import type { Database } from './database.ts';
import { machineAt } from './document.ts';
import type { Machine, Processor, State } from './types.ts';
import { StatesError } from './types.ts';

export type FrameStatus =
  | 'READY'
  | 'QUEUED'
  | 'RUNNING'
  | 'SLEEPING'
  | 'FILLING'
  | 'JOINING'
  | 'WRITING'
  | 'PENDING'
  | 'DONE'
  | 'FAILED'
  | 'ABORTED';

/** See database.ts. Times in ms. JSON texts: input, output, retries (counts per retrier), visits (per state, from 0). */
export interface Frame {
  readonly id: number;
  readonly exec: number;
  readonly path: string;
  readonly parent: number | null;
  readonly idx: number;
  readonly scope: string;
  /** The enclosing child of a distributed Map, which is an execution of its own in the context object. */
  readonly owner: number | null;
  /** The input of a child of a distributed Map. */
  readonly origin: string | null;
  readonly started: number;
  state: string;
  status: FrameStatus;
  held: number;
  input: string;
  output: string | null;
  entered: number;
  wake: number | null;
  deadline: number | null;
  retries: string | null;
  visits: string;
}

/** Counters of a Parallel or Map whose children run: a join reads only these. */
export interface Fan {
  readonly frame: number;
  readonly total: number;
  /** Children at once. */
  readonly max: number;
  /** Failures that do not fail the Map. */
  readonly tolerated: number;
  /** Index of the next child that has no frame yet. */
  next: number;
  pending: number;
  active: number;
  done: number;
  failed: number;
}

/** A running execution, as far as it is kept in memory. */
export interface Run {
  readonly num: number;
  readonly id: string;
  readonly pipeline: string;
  readonly definition: string;
  readonly started: number;
  readonly redrives: number;
  readonly machine: Machine;
  /** Of its last event. */
  seq: number;
}

export interface Core {
  readonly db: Database;
  readonly host: EngineHost;
  /** Names of paused pipelines. */
  readonly paused: Set<string>;
  run(num: number): Run;
  /** As `run`, read again. */
  renew(num: number): Run;
  /** Appends to the history, within the transaction. `details` is JSON text. */
  record(run: Run, type: string, path: string, state?: string, details?: string): void;
  /** Runs once the transaction is committed; forgotten when it is rolled back. */
  after(work: () => void): void;
  /** A frame became READY: the pump turns again. */
  readied(): void;
  /** A point in time was stored at which something is due. */
  due(at: number): void;
  /** Ends what is in flight for a frame, after the commit. */
  abort(frame: number): void;
  /** Starts reading or writing on the side, after the commit. */
  launch(work: SideWork): void;
  /** The execution has ended: it is flushed to the disk and those who wait are told. */
  ended(run: Run): void;
}

/** What is in flight for a frame, apart from attempts of tasks. */
export type SideWork = { kind: 'fill' | 'write'; frame: number };

export interface RunsAndEvents {
  run(num: number): Run;
  record: Core['record'];
  forget(num: number): void;
  /** After a commit: hands on what was recorded. */
  committed(): void;
  /** After a rollback: what is in memory is read anew. */
  rolledBack(): void;
  /** Events there are. */
  count: number;
}

/** Runs by number, read when needed, and the writing of their histories. */
export function runsAndEvents(db: Database, host: EngineHost): RunsAndEvents {
  const runs = new Map<number, Run>();
  const machines = new Map<string, Machine>();
  let recorded: { id: string; event: HistoryEvent }[] = [];
  let added = 0;

  function run(num: number): Run {
    const cached = runs.get(num);
    if (cached) return cached;
    const row = db.get<Omit<Run, 'machine' | 'seq'>>(
      'SELECT num, id, pipeline, definition, started, redrives FROM execution WHERE num = ?',
      num,
    )!;
    let machine = machines.get(row.definition);
    if (!machine) {
      const found = db.get<{ document: string }>('SELECT document FROM definition WHERE hash = ?', row.definition)!;
      machine = JSON.parse(found.document) as Machine;
      if (machines.size > 500) machines.clear();
      machines.set(row.definition, machine);
    }
    const last = db.get<{ seq: number | null }>('SELECT max(seq) AS seq FROM event WHERE exec = ?', num);
    const made: Run = { ...row, machine, seq: last?.seq ?? 0 };
    runs.set(num, made);
    return made;
  }

  const self: RunsAndEvents = {
    count: 0,
    run,
    record(of, type, path, state, details) {
      const at = host.clock.now();
      of.seq++;
      added++;
      db.run(
        'INSERT INTO event(exec, seq, at, type, path, state, details) VALUES(?,?,?,?,?,?,?)',
        of.num,
        of.seq,
        at,
        type,
        path,
        state ?? null,
        details ?? null,
      );
      if (host.onEvent) recorded.push({ id: of.id, event: eventOf(of.seq, at, type, path, state, details) });
    },
    forget: (num) => void runs.delete(num),
    committed() {
      self.count += added;
      added = 0;
      const told = recorded;
      recorded = [];
      for (const { id, event } of told) host.onEvent?.(id, event);
    },
    rolledBack() {
      added = 0;
      recorded = [];
      runs.clear();
    },
  };
  return self;
}

export function eventOf(
  seq: number,
  at: number,
  type: string,
  path: string,
  state?: string | null,
  details?: string | null,
): HistoryEvent {
  const event: HistoryEvent = { seq, at, type, path };
  if (state != null) event.state = state;
  if (details != null) event.details = JSON.parse(details);
  return event;
}

/** Scopes are found again and again. */
const processors = new WeakMap<Machine, Map<string, Processor>>();

export function processorOf(run: Run, scope: string): Processor {
  let scopes = processors.get(run.machine);
  if (!scopes) {
    scopes = new Map();
    processors.set(run.machine, scopes);
  }
  let found = scopes.get(scope);
  if (!found) {
    found = machineAt(run.machine, scope);
    scopes.set(scope, found);
  }
  return found;
}

export function stateOf(run: Run, frame: { scope: string; state: string }): State {
  const { States } = processorOf(run, frame.scope);
  const state = Object.hasOwn(States, frame.state) ? States[frame.state] : undefined;
  if (!state) throw new StatesError('States.Runtime', `the document has no state ${frame.state}`);
  return state;
}

export function stateIfKnown(run: Run, frame: Frame): State | undefined {
  try {
    return stateOf(run, frame);
  } catch {
    return undefined;
  }
}

export function frameById(core: { db: Database }, id: number): Frame | undefined {
  return core.db.get<Frame>('SELECT * FROM frame WHERE id = ?', id);
}

/** Writes what has changed. A paused pipeline's frames are held unless something is in flight for them. */
export function saveFrame(core: Core, run: Run, frame: Frame): void {
  const { status } = frame;
  const rests = status === 'READY' || status === 'QUEUED' || status === 'SLEEPING';
  frame.held = rests && core.paused.has(run.pipeline) ? 1 : 0;
  core.db.run(
    'UPDATE frame SET state=?, status=?, held=?, input=?, output=?, entered=?, wake=?, deadline=?, retries=?, visits=? WHERE id=?',
    frame.state,
    status,
    frame.held,
    frame.input,
    frame.output,
    frame.entered,
    frame.wake,
    frame.deadline,
    frame.retries,
    frame.visits,
    frame.id,
  );
  if (status === 'READY' && !frame.held) core.readied();
  if (frame.wake !== null) core.due(frame.wake);
}

export const visitOf = (frame: Frame): number => (JSON.parse(frame.visits) as Record<string, number>)[frame.state] ?? 0;

export const retriesOf = (frame: Frame): number[] => JSON.parse(frame.retries ?? '[]') as number[];

export const retryCount = (frame: Frame): number => retriesOf(frame).reduce((sum, n) => sum + n, 0);

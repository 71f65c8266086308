/** What can be asked of the database: executions, histories, where they are. */
import type { Execution, ExecutionStatus, HistoryEvent, ListRequest } from './api.ts';
import { eventOf } from './core.ts';
import type { Database } from './database.ts';
import type { Machine } from './types.ts';

export interface ExecutionRow {
  num: number;
  id: string;
  pipeline: string;
  definition: string;
  status: ExecutionStatus;
  input: string;
  output: string | null;
  error: string | null;
  cause: string | null;
  started: number;
  ended: number | null;
  deadline: number | null;
  redrives: number;
}

export const executionRow = (db: Database, id: string): ExecutionRow | undefined =>
  db.get<ExecutionRow>('SELECT * FROM execution WHERE id = ?', id);

export function toExecution(row: ExecutionRow): Execution {
  const execution: Execution = {
    id: row.id,
    pipeline: row.pipeline,
    definition: row.definition,
    status: row.status,
    input: JSON.parse(row.input),
    startedAt: row.started,
    redrives: row.redrives,
  };
  if (row.output !== null) execution.output = JSON.parse(row.output);
  if (row.error !== null) execution.error = row.error;
  if (row.cause !== null) execution.cause = row.cause;
  if (row.ended !== null) execution.endedAt = row.ended;
  return execution;
}

export function definition(db: Database, hash: string): Machine | undefined {
  const row = db.get<{ document: string }>('SELECT document FROM definition WHERE hash = ?', hash);
  return row && (JSON.parse(row.document) as Machine);
}

export function list(db: Database, request: ListRequest = {}): Execution[] {
  const { pipeline, status, limit = 50, before } = request;
  const where: string[] = [];
  const values: (string | number)[] = [];
  if (pipeline !== undefined) {
    where.push('pipeline = ?');
    values.push(pipeline);
  }
  if (status !== undefined) {
    where.push('status = ?');
    values.push(status);
  }
  if (before !== undefined) {
    where.push('num < (SELECT num FROM execution WHERE id = ?)');
    values.push(before);
  }
  const condition = where.length > 0 ? `WHERE ${where.join(' AND ')}` : '';
  return db
    .all<ExecutionRow>(`SELECT * FROM execution ${condition} ORDER BY num DESC LIMIT ?`, ...values, limit)
    .map(toExecution);
}

export function history(db: Database, id: string, options: { after?: number; limit?: number } = {}): HistoryEvent[] {
  const { after = 0, limit = -1 } = options;
  return db
    .all<{ seq: number; at: number; type: string; path: string; state: string | null; details: string | null }>(
      `SELECT seq, at, type, path, state, details FROM event
       WHERE exec = (SELECT num FROM execution WHERE id = ?) AND seq > ? ORDER BY seq LIMIT ?`,
      id,
      after,
      limit,
    )
    .map((row) => eventOf(row.seq, row.at, row.type, row.path, row.state, row.details));
}

export interface Place {
  path: string;
  state: string;
  status: string;
  since: number;
  wakeAt?: number;
  attempt: number;
}

/** Frames that live, in the order of their paths. */
export function current(db: Database, id: string): Place[] {
  return db
    .all<{ path: string; state: string; status: string; entered: number; wake: number | null; retries: string | null }>(
      `SELECT f.path, f.state, f.status, f.entered, f.wake, f.retries FROM frame f INDEXED BY frame_live
       WHERE f.exec = (SELECT num FROM execution WHERE id = ? AND status = 'RUNNING') AND f.status NOT IN ('DONE', 'FAILED', 'ABORTED')
         AND f.status IN ('READY', 'QUEUED', 'RUNNING', 'SLEEPING', 'FILLING', 'JOINING', 'WRITING', 'PENDING') ORDER BY f.path`,
      id,
    )
    .map(({ path, state, status, entered, wake, retries }) => {
      const attempt = (JSON.parse(retries ?? '[]') as number[]).reduce((sum, n) => sum + n, 1);
      const place: Place = { path, state, status, since: entered, attempt };
      if (status === 'SLEEPING' && wake !== null) place.wakeAt = wake;
      return place;
    });
}

const count = (db: Database, sql: string): number => db.get<{ n: number }>(sql)!.n;

export function frameCounts(db: Database): { running: number; readyFrames: number; sleepingFrames: number } {
  return {
    running: count(db, "SELECT count(*) AS n FROM execution WHERE status = 'RUNNING'"),
    readyFrames:
      count(db, "SELECT count(*) AS n FROM frame WHERE status = 'READY' AND held = 0") +
      count(db, "SELECT count(*) AS n FROM frame WHERE status = 'QUEUED' AND held = 0"),
    sleepingFrames: count(
      db,
      "SELECT count(*) AS n FROM frame WHERE status = 'SLEEPING' AND status NOT IN ('DONE', 'FAILED', 'ABORTED')",
    ),
  };
}

/** Events of all histories, from the counts that ended executions carry. */
export function countEvents(db: Database): number {
  return (
    count(db, "SELECT coalesce(sum(events), 0) AS n FROM execution WHERE status <> 'RUNNING'") +
    count(
      db,
      `SELECT coalesce(sum((SELECT max(seq) FROM event WHERE exec = e.num)), 0) AS n FROM execution e WHERE status = 'RUNNING'`,
    )
  );
}

/** Executions that prune removes, oldest first, with the number of their events. */
export function prunable(db: Database, endedBefore: number, limit: number): { num: number; events: number }[] {
  return db.all(
    'SELECT num, events FROM execution WHERE ended IS NOT NULL AND ended < ? ORDER BY ended LIMIT ?',
    endedBefore,
    limit,
  );
}

export function removeExecution(db: Database, num: number): void {
  db.run('DELETE FROM event WHERE exec = ?', num);
  db.run('DELETE FROM item WHERE frame IN (SELECT id FROM frame WHERE exec = ?)', num);
  db.run('DELETE FROM fan WHERE frame IN (SELECT id FROM frame WHERE exec = ?)', num);
  db.run('DELETE FROM frame WHERE exec = ?', num);
  db.run('DELETE FROM execution WHERE num = ?', num);
}

export function removeUnusedDefinitions(db: Database): void {
  db.run('DELETE FROM definition WHERE hash NOT IN (SELECT definition FROM execution)');
}

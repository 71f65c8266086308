/** Structured log lines: JSON, one a line, without secrets. Who writes them where is the runtime's matter. */
import { redact } from './redact.ts';

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** What a line is about. Names are stable: scripts filter by them. Others may be added, of plain values. */
export interface LogFields {
  run?: string | undefined;
  /** State of the machine, or name of the stage. */
  step?: string | undefined;
  /** Counted from 1. */
  attempt?: number | undefined;
  source?: string | undefined;
  /** `tenant/source/dataset`. */
  dataset?: string | undefined;
  object?: string | undefined;
  /** Process that tells, when it is not the owner. */
  pid?: number | undefined;
  /** Error code. */
  code?: string | undefined;
  [name: string]: string | number | boolean | undefined;
}

/** One line as it is read back. */
export interface LogRecord extends LogFields {
  /** ISO 8601, UTC. */
  at: string;
  level: LogLevel;
  message: string;
}

/** The whole interface of those who tell. Never throws, never waits. */
export type Log = (level: LogLevel, message: string, fields?: LogFields) => void;

export const isAtLeast = (level: LogLevel, least: LogLevel): boolean =>
  LOG_LEVELS.indexOf(level) >= LOG_LEVELS.indexOf(least);

/** A log whose lines carry `fields`, unless they have their own. */
export function logWith(log: Log | undefined, fields: LogFields): Log {
  return (level, message, own) => log?.(level, message, { ...fields, ...own });
}

/** Characters of a value; a line stays small enough to be read by anything. */
const LONGEST_VALUE = 8000;

/**
 * One line with its line feed. Values are redacted before they become JSON, where the escaped form of a secret would not be recognised,
 * and the line is redacted once more.
 */
export function logLine(record: LogRecord): string {
  const out: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(record)) {
    if (value === undefined) continue;
    const text = typeof value === 'string' ? redact(value) : value;
    out[name] = typeof text === 'string' && text.length > LONGEST_VALUE ? `${text.slice(0, LONGEST_VALUE)}…` : text;
  }
  return `${redact(JSON.stringify(out))}\n`;
}

/** Undefined for what is no log line: the torn end of a file, or something foreign. */
export function parseLogLine(line: string): LogRecord | undefined {
  if (!line.startsWith('{')) return undefined;
  try {
    const record = JSON.parse(line) as LogRecord;
    const fits = typeof record.at === 'string' && typeof record.message === 'string';
    return fits && LOG_LEVELS.includes(record.level) ? record : undefined;
  } catch {
    return undefined;
  }
}

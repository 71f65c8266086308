/**
 * The log of the owner of a data directory: lines are appended to one file, which is ended by size and by day (UTC). One writer at a time.
 * A line is written whole and at once, so a crash loses none that was told. Nothing here throws or stops anyone: what cannot be written is
 * dropped and counted, and the count is the next line that can be.
 */
import {
  closeSync,
  existsSync,
  fstatSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readSync,
  renameSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { isAtLeast, type Log, type LogRecord, logLine, parseLogLine } from '../../lib/log.ts';
import { type Clock, isoNow } from '../../ports/clock.ts';
import type { ObjectStore } from '../../ports/object-store.ts';
import type { LogsConfig } from '../../project/specs/logs.ts';
import { keepPast } from './keep-past.ts';
import { CURRENT, pastName } from './names.ts';

export interface LogFilesOptions {
  /** Made when it is not there. */
  folder: string;
  config: LogsConfig;
  clock: Clock;
  /** For copies of files of the past. */
  objects?: ObjectStore;
}

interface Open {
  fd: number;
  bytes: number;
  /** ISO 8601: time of the first line. */
  begun: string;
}

export class LogFiles {
  readonly #options: LogFilesOptions;
  #file: Open | undefined;
  #dropped = 0;
  #keeping: Promise<void> = Promise.resolve();
  #closed = false;

  /** Opens the file with the first line. What an earlier process has left is put away in the background. */
  constructor(options: LogFilesOptions) {
    this.#options = options;
    this.#putAway();
  }

  readonly log: Log = (level, message, fields = {}) => {
    if (this.#closed || !isAtLeast(level, this.#options.config.level)) return;
    const at = isoNow(this.#options.clock);
    this.#write({ at, level, message, ...fields });
  };

  /** Lines that could not be written since the last one that could. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Waits until files of the past are put away. */
  async settled(): Promise<void> {
    await this.#keeping;
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#keeping;
    if (this.#file) closeSync(this.#file.fd);
    this.#file = undefined;
  }

  #write(record: LogRecord): void {
    try {
      const file = this.#fileFor(record.at);
      if (this.#dropped > 0) {
        const message = `${this.#dropped} lines of the log could not be written and are lost.`;
        append(file, logLine({ at: record.at, level: 'warn', message }));
        this.#dropped = 0;
      }
      append(file, logLine(record));
    } catch {
      this.#dropped++;
    }
  }

  #fileFor(at: string): Open {
    const { folder, config } = this.#options;
    const file = this.#file;
    const isOver = file && (file.bytes >= config.max_file || (file.bytes > 0 && !isSameDay(file.begun, at)));
    if (file && !isOver) return file;
    if (file) {
      closeSync(file.fd);
      this.#file = undefined;
      moveAway(folder, file.begun);
      this.#putAway();
    }
    this.#file = openCurrent(folder, at);
    return this.#file.bytes > 0 && !isSameDay(this.#file.begun, at) ? this.#fileFor(at) : this.#file;
  }

  #putAway(): void {
    const { folder, config, clock, objects } = this.#options;
    this.#keeping = this.#keeping
      .then(() => keepPast({ folder, config, now: clock.now(), objects }))
      .then((problem) => {
        if (problem) this.log('warn', `Log files could not be put away: ${problem.message}`, { code: problem.code });
      });
  }
}

const isSameDay = (a: string, b: string): boolean => a.slice(0, 10) === b.slice(0, 10);

/** What a full disk takes a part of is taken back: a file has whole lines only. */
function append(file: Open, line: string): void {
  const bytes = Buffer.from(line);
  let written = 0;
  try {
    while (written < bytes.length) written += writeSync(file.fd, bytes, written);
  } catch (e) {
    if (written > 0) ftruncateSync(file.fd, file.bytes);
    throw e;
  }
  file.bytes += written;
}

function openCurrent(folder: string, at: string): Open {
  mkdirSync(folder, { recursive: true });
  const fd = openSync(join(folder, CURRENT), 'a+', 0o640);
  try {
    const { size } = fstatSync(fd);
    if (size === 0) return { fd, bytes: 0, begun: at };
    const file: Open = { fd, bytes: size, begun: firstTime(fd) ?? at };
    const last = Buffer.alloc(1);
    readSync(fd, last, 0, 1, size - 1);
    // The machine died in the middle of a line.
    if (last[0] !== LINE_FEED) append(file, '\n');
    return file;
  } catch (e) {
    closeSync(fd);
    throw e;
  }
}

const LINE_FEED = 10;

function firstTime(fd: number): string | undefined {
  const head = Buffer.alloc(64 * 1024);
  const n = readSync(fd, head, 0, head.length, 0);
  for (const line of head.toString('utf8', 0, n).split('\n')) {
    const record = parseLogLine(line);
    if (record) return new Date(record.at).toISOString();
  }
  return undefined;
}

/** Files that were begun in one millisecond get numbers. */
function moveAway(folder: string, begun: string): void {
  let n = 0;
  let name = pastName(begun, n);
  while ([name, `${name}.zst`].some((f) => existsSync(join(folder, f)))) name = pastName(begun, ++n);
  renameSync(join(folder, CURRENT), join(folder, name));
}

/** Progress of long work, redrawn in place at the bottom of a screen: what, a bar, per cent, rate, time left. */
import { formatBytes, formatCount, formatSeconds } from '../../lib/units.ts';
import type { Progress } from '../../stages/context.ts';
import { cut, visible, widthOf } from './style.ts';

/** What bars are drawn on. */
export interface Screen {
  columns: number;
  write(text: string): boolean;
}

const REDRAW_MS = 100;
/** Keeps the time running where work says nothing for long. */
const TICK_MS = 500;
const MOST = 4;
const BAR = 20;

interface Work extends Progress {
  /** Milliseconds, and what was done then: the rate is measured from there. */
  from: { at: number; done: number };
}

export class Bars {
  readonly #screen: Screen | undefined;
  readonly #now: () => number;
  readonly #works = new Map<string, Work>();
  #drawn = 0;
  #drawnAt = 0;
  #timer: NodeJS.Timeout | undefined;

  /** Without a screen nothing is drawn. */
  constructor(screen: Screen | undefined, now: () => number = Date.now) {
    this.#screen = screen;
    this.#now = now;
  }

  update(progress: Progress): void {
    if (!this.#screen) return;
    const now = this.#now();
    const known = this.#works.get(progress.what);
    const from = known && known.done <= progress.done ? known.from : { at: now, done: progress.done };
    if (progress.done === progress.total) this.#works.delete(progress.what);
    else this.#works.set(progress.what, { ...progress, from });
    this.#timer ??= setInterval(() => this.#redraw(), TICK_MS).unref();
    if (now - this.#drawnAt >= REDRAW_MS) this.#redraw();
  }

  /** All work on a file is over, however it ended. */
  finish(file: string): void {
    for (const what of this.#works.keys()) if (what.endsWith(file)) this.#works.delete(what);
  }

  /** Takes the bars off the screen until they are drawn again, so that lines can be written. */
  hide(): void {
    if (this.#drawn > 0) this.#screen!.write(`\r\x1b[${this.#drawn}A\x1b[J`);
    this.#drawn = 0;
    this.#drawnAt = 0;
  }

  /** The end of all work. */
  clear(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.hide();
    this.#works.clear();
  }

  #redraw(): void {
    this.hide();
    const width = this.#screen!.columns - 1;
    const now = this.#now();
    const lines = [...this.#works.values()].slice(-MOST).map((w) => cut(barLine(w, now, width), width));
    if (lines.length > 0) this.#screen!.write(`${lines.join('\n')}\n`);
    this.#drawn = lines.length;
    this.#drawnAt = now;
  }
}

/**
 * `verifying sales.csv.gz  ███████░░░  64 %  120 MB  84 MB/s  3.2 s left`; of work that does not tell how far it is,
 * `reading sales.csv.gz  1,500,000 rows  12 s`.
 */
export function barLine(work: Progress & { from: { at: number; done: number } }, now: number, width: number): string {
  const seconds = (now - work.from.at) / 1000;
  const tail = (
    work.done > 0 || !work.total
      ? measured(work, seconds)
      : [amount(work, work.total), formatSeconds(Math.round(seconds))]
  ).join('  ');
  const name = Math.max(12, Math.min(40, width - widthOf(tail) - 2));
  const what = cut(visible(work.what), name);
  return `${what}${' '.repeat(Math.max(0, name - widthOf(what)))}  ${tail}`;
}

function measured({ done, total, unit, from }: Progress & { from: { done: number } }, seconds: number): string[] {
  const rate = seconds > 0.5 ? (done - from.done) / seconds : 0;
  const parts: string[] = [];
  if (total) {
    const share = Math.min(1, done / total);
    const full = Math.round(share * BAR);
    parts.push('█'.repeat(full) + '░'.repeat(BAR - full), `${Math.floor(share * 100)} %`.padStart(5));
  }
  parts.push(amount({ unit }, done));
  if (rate > 0) {
    parts.push(`${amount({ unit }, rate)}/s`);
    if (total) parts.push(`${formatSeconds((total - done) / rate)} left`);
  }
  return parts;
}

const amount = ({ unit }: Pick<Progress, 'unit'>, n: number) =>
  unit === 'bytes' ? formatBytes(n) : `${formatCount(Math.round(n))} rows`;

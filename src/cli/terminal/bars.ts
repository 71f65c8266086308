/** Progress of long work, redrawn in place at the bottom of a screen: what, a bar, per cent, rate, time left. */
import { formatBytes, formatCount, formatSeconds } from '../../lib/units.ts';
import type { Progress } from '../../stages/context.ts';
import { cut, type Style, visible, widthOf } from './style.ts';

/** What bars are drawn on. */
export interface Screen {
  columns: number;
  write(text: string): boolean;
}

const REDRAW_MS = 100;
/** Work that says nothing for so long is over, or is no longer known. */
const FORGET_MS = 30_000;
const MOST = 4;
const BAR = 20;

interface Work extends Progress {
  /** Milliseconds, and what was done then: the rate is measured from there. */
  from: { at: number; done: number };
  seen: number;
}

export class Bars {
  readonly #screen: Screen | undefined;
  readonly #style: Style;
  readonly #now: () => number;
  readonly #works = new Map<string, Work>();
  #headline = '';
  #drawn = 0;
  #drawnAt = 0;

  /** Without a screen nothing is drawn. */
  constructor(screen: Screen | undefined, style: Style, now: () => number = Date.now) {
    this.#screen = screen;
    this.#style = style;
    this.#now = now;
  }

  /** A line above the bars: what is going on as a whole. */
  headline(text: string): void {
    this.#headline = text;
    this.#redraw();
  }

  update(progress: Progress): void {
    if (!this.#screen) return;
    const now = this.#now();
    const known = this.#works.get(progress.what);
    const from = known && known.done <= progress.done ? known.from : { at: now, done: progress.done };
    this.#works.set(progress.what, { ...progress, from, seen: now });
    if (progress.total !== undefined && progress.done >= progress.total) this.#works.delete(progress.what);
    for (const [what, work] of this.#works) if (now - work.seen > FORGET_MS) this.#works.delete(what);
    if (now - this.#drawnAt >= REDRAW_MS) this.#redraw();
  }

  /** Takes the bars off the screen until the next update, so that lines can be written. */
  hide(): void {
    if (this.#drawn > 0) this.#screen!.write(`\x1b[${this.#drawn}A\x1b[J`);
    this.#drawn = 0;
    this.#drawnAt = 0;
  }

  /** The end of all work. */
  clear(): void {
    this.hide();
    this.#works.clear();
    this.#headline = '';
  }

  #redraw(): void {
    if (!this.#screen) return;
    this.hide();
    const width = this.#screen.columns - 1;
    const now = this.#now();
    const lines = [...this.#works.values()].slice(-MOST).map((w) => cut(barLine(w, now, width), width));
    if (this.#headline !== '') lines.unshift(this.#style.dim(cut(this.#headline, width)));
    if (lines.length > 0) this.#screen.write(`${lines.join('\n')}\n`);
    this.#drawn = lines.length;
    this.#drawnAt = now;
  }
}

/** `verifying sales.csv.gz  ███████░░░  64 %  120 MB  84 MB/s  3.2 s left` */
export function barLine(work: Progress & { from: { at: number; done: number } }, now: number, width: number): string {
  const amount = work.unit === 'bytes' ? formatBytes : formatCount;
  const seconds = (now - work.from.at) / 1000;
  const rate = seconds > 0.5 ? (work.done - work.from.done) / seconds : 0;
  const parts: string[] = [];
  if (work.total) {
    const share = Math.min(1, work.done / work.total);
    const full = Math.round(share * BAR);
    parts.push('█'.repeat(full) + '░'.repeat(BAR - full), `${Math.floor(share * 100)} %`.padStart(5));
  }
  parts.push(work.unit === 'bytes' ? amount(work.done) : `${amount(work.done)} rows`);
  if (rate > 0) {
    parts.push(work.unit === 'bytes' ? `${amount(rate)}/s` : `${amount(Math.round(rate))} rows/s`);
    if (work.total) parts.push(`${formatSeconds((work.total - work.done) / rate)} left`);
  }
  const tail = parts.join('  ');
  const name = Math.max(12, Math.min(40, width - widthOf(tail) - 2));
  const what = cut(visible(work.what), name);
  return `${what}${' '.repeat(Math.max(0, name - widthOf(what)))}  ${tail}`;
}

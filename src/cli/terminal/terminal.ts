/** Where a command writes: results and reports to standard output, notes and progress to standard error, all of it without secrets. */
import { once } from 'node:events';
import type { WriteStream } from 'node:tty';
import { redact } from '../../lib/redact.ts';
import { Bars } from './bars.ts';
import { type Style, styleFor, wantsColour } from './style.ts';
import { type Cell, type Column, tableLines } from './table.ts';

export interface TerminalOptions {
  stdout: NodeJS.WriteStream;
  stderr: NodeJS.WriteStream;
  json: boolean;
  quiet: boolean;
  colour: boolean;
  env: Record<string, string | undefined>;
}

export class Terminal {
  /** The caller wants one JSON document and nothing else on standard output. */
  readonly json: boolean;
  readonly quiet: boolean;
  /** For standard output. */
  readonly style: Style;
  /** Columns of the screen; Infinity when standard output is no screen. */
  readonly width: number;
  /** Progress of long work. Not drawn when nobody looks. */
  readonly bars: Bars;
  readonly #stdout: NodeJS.WriteStream;
  readonly #stderr: NodeJS.WriteStream;
  readonly #noteStyle: Style;

  constructor({ stdout, stderr, json, quiet, colour, env }: TerminalOptions) {
    this.json = json;
    this.quiet = quiet;
    this.#stdout = stdout;
    this.#stderr = stderr;
    this.style = styleFor(colour && wantsColour(stdout, env));
    this.#noteStyle = styleFor(colour && wantsColour(stderr, env));
    this.width = stdout.isTTY ? Math.max(40, stdout.columns ?? 80) : Number.POSITIVE_INFINITY;
    const draw = !json && !quiet && stderr.isTTY && env.TERM !== 'dumb';
    this.bars = new Bars(draw ? (stderr as WriteStream) : undefined);
  }

  /** A line of a report. Left out with --json and --quiet. */
  line(text = ''): void {
    if (!this.json && !this.quiet) this.#put(this.#stdout, `${text}\n`);
  }

  lines(texts: readonly string[]): void {
    for (const text of texts) this.line(text);
  }

  heading(text: string): void {
    this.line();
    this.line(this.style.bold(text));
  }

  table(columns: readonly Column[], rows: readonly (readonly Cell[])[], indent = 0): void {
    this.lines(tableLines(columns, rows, { style: this.style, width: this.width, indent }));
  }

  /** What the command was asked for, as JSON, when JSON is wanted. */
  document(value: unknown): void {
    if (this.json) this.#put(this.#stdout, `${JSON.stringify(value, null, 2)}\n`);
  }

  /** A line for a person who watches; on standard error. Left out with --json and --quiet. */
  note(text: string): void {
    if (!this.json && !this.quiet) this.#put(this.#stderr, `${this.#noteStyle.dim(text)}\n`);
  }

  /** Errors are always told; on standard error. */
  problem(texts: (style: Style) => readonly string[]): void {
    this.#put(
      this.#stderr,
      texts(this.#noteStyle)
        .map((t) => `${t}\n`)
        .join(''),
    );
  }

  /**
   * Part of a result of any size, always written. Waits while the reader is slower. `exact` for data: rows must arrive as they are, even where
   * one happens to hold a word that is also somebody's password.
   */
  async write(text: string, { exact = false } = {}): Promise<void> {
    this.bars.hide();
    if (!this.#stdout.write(exact ? text : redact(text))) await once(this.#stdout, 'drain');
  }

  #put(stream: NodeJS.WriteStream, text: string): void {
    this.bars.hide();
    stream.write(redact(text));
  }
}

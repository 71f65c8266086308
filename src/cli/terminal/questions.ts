/** A conversation at a terminal: questions on one stream, lines typed on another. Lines that are typed early are kept for the next question. */
import { createInterface, type Interface } from 'node:readline';
import { Writable } from 'node:stream';
import { GranaryError } from '../../lib/errors.ts';
import { redact } from '../../lib/redact.ts';

export interface QuestionsOptions {
  input: NodeJS.ReadableStream;
  output: NodeJS.WritableStream;
  /** Ends the question that is open. */
  signal: AbortSignal;
  /** Ctrl-C was typed: the terminal gives keys one by one, and no signal. */
  onInterrupt(): void;
}

/** Errors of the questions: `cancelled` on Ctrl-C, Ctrl-D, or when the input ends. */
export class Questions {
  readonly #reading: Interface;
  readonly #screen: Screen;
  readonly #output: NodeJS.WritableStream;
  readonly #early: string[] = [];
  #waiting: { resolve(line: string): void; reject(error: unknown): void } | undefined;
  #isOver = false;

  constructor({ input, output, signal, onInterrupt }: QuestionsOptions) {
    this.#output = output;
    this.#screen = new Screen(output);
    // No history: what was typed as a secret must not come back by the arrow keys.
    this.#reading = createInterface({ input, output: this.#screen, terminal: true, historySize: 0 });
    this.#reading.on('line', (line) => {
      if (!this.#waiting) this.#early.push(line);
      this.#settle((w) => w.resolve(line));
    });
    this.#reading.on('SIGINT', onInterrupt);
    this.#reading.on('close', () => {
      this.#isOver = true;
      this.#settle((w) => w.reject(stopped()));
    });
    signal.addEventListener('abort', () => this.#reading.close(), { once: true });
    if (signal.aborted) this.#reading.close();
  }

  say(text = ''): void {
    this.#output.write(`${redact(text)}\n`);
  }

  /** What was typed, without blanks around it. */
  async line(question: string): Promise<string> {
    this.#reading.setPrompt(redact(question));
    return (await this.#next(() => this.#reading.prompt())).trim();
  }

  /** As typed; nothing of it is shown. */
  async unseen(question: string): Promise<string> {
    this.#output.write(redact(question));
    this.#screen.isHidden = true;
    try {
      return await this.#next(() => undefined);
    } finally {
      this.#screen.isHidden = false;
      this.#output.write('\n');
    }
  }

  close(): void {
    this.#reading.close();
  }

  #next(ask: () => void): Promise<string> {
    const early = this.#early.shift();
    if (early !== undefined) return Promise.resolve(early);
    if (this.#isOver) return Promise.reject(stopped());
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
      ask();
    });
  }

  #settle(how: (waiting: { resolve(line: string): void; reject(error: unknown): void }) => void): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    if (waiting) how(waiting);
  }
}

const stopped = () => new GranaryError('cancelled', 'Stopped by request.', { hint: 'Nothing was written.' });

/** Shows what is typed, but for secrets. */
class Screen extends Writable {
  isHidden = false;
  readonly #output: NodeJS.WritableStream;

  constructor(output: NodeJS.WritableStream) {
    super();
    this.#output = output;
  }

  get columns(): number | undefined {
    return (this.#output as Partial<NodeJS.WriteStream>).columns;
  }

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    if (!this.isHidden) this.#output.write(chunk);
    done();
  }
}

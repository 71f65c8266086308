/** The files that rows go to: one after the other, so that the engine can read the first ones while the document is still parsed. */
import { ParquetFile } from './parquet-file.ts';
import type { Page, PageSink } from './row-page.ts';

/** Small enough for the engine to begin early, and large enough to be worth a statement; files grow with the document. */
const LEAST_FILE_BYTES = 16 * 2 ** 20;
const MOST_FILE_BYTES = 64 * 2 ** 20;
const GROWTH = 1 / 4;

export interface RowFile {
  path: string;
  rows: number;
  /** Rows in the files before it. */
  before: number;
}

export class RowFiles implements PageSink {
  readonly files: RowFile[] = [];
  readonly #folder: string;
  readonly #columns: number;
  #current: ParquetFile | undefined;
  #rows = 0;
  #bytes = 0;

  constructor(folder: string, columns: number) {
    this.#folder = folder;
    this.#columns = columns;
  }

  write(page: Page): void {
    this.#current ??= this.#begin();
    this.#current.write(page);
  }

  /** Ends the current file when it is large enough, and returns it. */
  takeLarge(): RowFile | undefined {
    const enough = Math.min(MOST_FILE_BYTES, Math.max(LEAST_FILE_BYTES, GROWTH * this.#bytes));
    return this.#current && this.#current.bytes >= enough ? this.#take(this.#current) : undefined;
  }

  /** Ends the last file, and returns it; the only one, if there are no rows. */
  takeLast(): RowFile | undefined {
    if (this.files.length === 0) this.#current ??= this.#begin();
    return this.#current && this.#take(this.#current);
  }

  #begin(): ParquetFile {
    return new ParquetFile(`${this.#folder}/rows-${this.files.length}.parquet`, this.#columns);
  }

  #take(current: ParquetFile): RowFile {
    current.close();
    const file = { path: current.path, rows: current.rows, before: this.#rows };
    this.files.push(file);
    this.#rows += current.rows;
    this.#bytes += current.bytes;
    this.#current = undefined;
    return file;
  }

  /** Gives up what is not complete. */
  close(): void {
    this.#current?.abandon();
    this.#current = undefined;
  }
}

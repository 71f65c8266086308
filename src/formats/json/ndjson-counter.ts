/** Counts the records of NDJSON as its bytes stream by. */
import type { PayloadFacts, RecordCounter } from '../../ports/format.ts';
import { isBlank, MAX_RECORD_BYTES } from '../lib/lines.ts';
import { countRecords } from './count.ts';
import type { PathStep } from './paths.ts';

const NEWLINE = 0x0a;

/**
 * Without a records path every line that is not blank is one record and lines are only told apart. With one, each line is parsed, which
 * needs it whole: a line that is longer than the reader takes is the one record that the reader will reject.
 */
export class NdjsonCounter implements RecordCounter {
  readonly #records: readonly PathStep[];
  #facts = { records: 0, lines: 0, blankLines: 0 };
  /** What has been seen of a line that goes on in the next chunk. */
  #open = false;
  #blank = true;
  #held: Buffer[] = [];
  #heldBytes = 0;

  constructor(records: readonly PathStep[]) {
    this.#records = records;
  }

  push(chunk: Uint8Array): void {
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    let start = 0;
    while (start < bytes.length) {
      const found = bytes.indexOf(NEWLINE, start);
      const end = found < 0 ? bytes.length : found;
      this.#part(bytes, start, end);
      if (found < 0) break;
      this.#endLine();
      start = found + 1;
    }
  }

  async finish(): Promise<{ facts: PayloadFacts }> {
    if (this.#open) this.#endLine();
    return { facts: { ...this.#facts } };
  }

  #part(bytes: Buffer, start: number, end: number): void {
    this.#open = true;
    this.#blank &&= isBlank(bytes, start, end);
    if (this.#records.length === 0) return;
    this.#heldBytes += end - start;
    // Copied: the chunk belongs to whoever streams.
    if (this.#heldBytes <= MAX_RECORD_BYTES) this.#held.push(Buffer.from(bytes.subarray(start, end)));
  }

  #endLine(): void {
    this.#facts.lines++;
    if (this.#blank) this.#facts.blankLines++;
    else if (this.#records.length === 0 || this.#heldBytes > MAX_RECORD_BYTES) this.#facts.records++;
    else this.#facts.records += countRecords(Buffer.concat(this.#held), this.#records, true);
    this.#open = false;
    this.#blank = true;
    this.#held = [];
    this.#heldBytes = 0;
  }
}

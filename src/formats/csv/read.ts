/** Which attempts a CSV file is read with. */
import type { Attempt, ReadInput } from '../../ports/format.ts';
import type { CsvConfig } from './config.ts';
import type { CsvFacts } from './count.ts';
import { fastAttempt, slowReason } from './fast.ts';
import { losslessAttempt } from './lossless.ts';

/** The engine's reader for files that it can be trusted with, ours for the rest and when the books do not balance. */
export async function readCsv(input: ReadInput<CsvConfig>): Promise<Attempt[]> {
  const facts = input.facts as CsvFacts;
  const slow = input.index === undefined || slowReason(input, facts) !== undefined;
  if (slow) return [losslessAttempt(input)];
  return [fastAttempt(input, facts), fastAttempt(input, facts, 'sequential'), losslessAttempt(input)];
}

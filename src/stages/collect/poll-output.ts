/** What a poll found. */
export interface PollOutput {
  /** Key of the list: one `FoundFile` a line. */
  list: string | null;
  found: number;
  /** Names of the datasets that files were found for. */
  datasets: string[];
  /** Milliseconds until the first of the files that wait may be complete, where that can be told. */
  soonestMs: number | null;
  /** How far the feeds have come that were found: it changes with every extraction of one. */
  reached?: string;
  /** Files that are not complete yet: the first 20, with the reason. */
  waiting: { path: string; reason: string }[];
  waitingCount: number;
  /** Files that no dataset claims: the first 20. */
  unclaimed: string[];
  unclaimedCount: number;
}

export const nothingFound = (list: string | null): PollOutput => ({
  list,
  found: 0,
  datasets: [],
  soonestMs: null,
  waiting: [],
  waitingCount: 0,
  unclaimed: [],
  unclaimedCount: 0,
});

/** Tables that cannot be captured while the others of the feed go on: what is wrong, and when they are tried again. */
import { GranaryError } from '../../../lib/errors.ts';
import type { Trouble } from '../../../ports/extract.ts';
import { sqlStateOf } from '../errors.ts';

export interface KnownTrouble {
  code: GranaryError['code'];
  why: string;
  hint?: string;
  /** Of the dataset: with another one it is tried at once. */
  contract: string;
  /** When it was tried last, in milliseconds since 1970. */
  at: number;
  /** How often reading its rows failed: each time it waits for longer. 0: the catalog alone tells, at every extraction. */
  tries: number;
}

const FIRST_WAIT_MS = 60_000;
const LONGEST_WAIT_MS = 1_800_000;
/** Of a message and its advice: a position is stored at every extraction. */
const MOST_CHARACTERS = 300;
/** A lock, and a statement, that took too long. */
const OF_ONE_TABLE = new Set(['55P03', '57014']);
const CODES = new Set(['connector.not_found', 'connector.unsupported', 'connector.denied', 'connector.protocol']);

/** Whether the other tables can go on. */
export const isOfOneTable = (e: unknown): e is GranaryError =>
  e instanceof GranaryError && ((!e.transient && CODES.has(e.code)) || OF_ONE_TABLE.has(sqlStateOf(e.cause)));

export function troubleOf(
  { code, message, hint }: GranaryError,
  { contract, at, tries }: Pick<KnownTrouble, 'contract' | 'at' | 'tries'>,
): KnownTrouble {
  const short = (text: string) => (text.length > MOST_CHARACTERS ? `${text.slice(0, MOST_CHARACTERS - 1)}…` : text);
  return { code, why: short(message), ...(hint && { hint: short(hint) }), contract, at, tries };
}

export const isDue = ({ at, tries }: KnownTrouble, now: number): boolean =>
  tries === 0 || now >= at + Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** (tries - 1));

/** As a feed that is looked at asks: what the catalog tells is not asked all the time. */
export const isWorthALook = (trouble: KnownTrouble, now: number): boolean =>
  isDue({ ...trouble, tries: Math.max(1, trouble.tries) }, now);

/** What a person has to know of: what may pass by itself is tried again first. */
export const told = (troubles: Readonly<Record<string, KnownTrouble>>): Trouble[] =>
  Object.entries(troubles)
    .filter(([, { code, tries }]) => code !== 'connector.unavailable' || tries > 1)
    .map(([dataset, { code, why, hint }]) => ({
      dataset,
      error: { code, message: why, transient: false, ...(hint && { hint }) },
    }));

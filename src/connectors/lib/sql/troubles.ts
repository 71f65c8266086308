/** Captured tables that cannot be read while the others of their feed go on: what is wrong, and when they are tried again. In the position of the feed. */
import type { GranaryError } from '../../../lib/errors.ts';
import type { Trouble } from '../../../ports/extract.ts';

export interface KnownTrouble {
  code: GranaryError['code'];
  why: string;
  hint?: string;
  /** Of the dataset: with another one it is tried at once. */
  contract: string;
  /** When it was tried last, in milliseconds since 1970. */
  at: number;
  /** How often reading its rows failed: each time it waits for longer. 0: that it is mended shows at no cost. */
  tries: number;
}

const FIRST_WAIT_MS = 60_000;
const LONGEST_WAIT_MS = 1_800_000;
/** Of a message and its advice: a position is stored at every extraction. */
const MOST_CHARACTERS = 300;
const CODES = new Set(['connector.not_found', 'connector.unsupported', 'connector.denied', 'connector.protocol']);

/** Whether an error is of a table, and the other ones can go on: asked again at once, the server would say the same. */
export const isOfTable = (e: GranaryError): boolean => !e.transient && CODES.has(e.code);

export function troubleOf(
  { code, message, hint }: GranaryError,
  { contract, at, tries }: Pick<KnownTrouble, 'contract' | 'at' | 'tries'>,
): KnownTrouble {
  const short = (text: string) => (text.length > MOST_CHARACTERS ? `${text.slice(0, MOST_CHARACTERS - 1)}…` : text);
  return { code, why: short(message), ...(hint && { hint: short(hint) }), contract, at, tries };
}

export const isDue = ({ at, tries }: KnownTrouble, now: number): boolean =>
  tries === 0 || now >= at + Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** (tries - 1));

/** As a feed that is looked at all the time asks: what shows at little cost is not asked each time either. */
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

/** For the alarm of the feed; undefined when there is nothing to tell. */
export function notCaptured(troubles: Readonly<Record<string, KnownTrouble>>): string | undefined {
  const found = told(troubles);
  const [first] = found;
  if (!first) return undefined;
  const others = found.length > 1 ? ` So it is with ${found.length - 1} more (granary dlq list).` : '';
  return `${first.dataset} is not captured, and the others go on: ${first.error.message}${others}`;
}

/** Which columns an operator was told of, in few bytes: four characters for each, as there may be many. */
import { shortHash } from './position.ts';

const LENGTH = 4;

/** Columns of the contract that the table has lost, and those of the table that are not in the contract. */
export interface Beside {
  lost: readonly string[];
  unread: readonly string[];
}

export const toldOf = ({ lost, unread }: Beside): string =>
  [...lost.map((name) => `-${name}`), ...unread.map((name) => `+${name}`)].map(markOf).join('');

/** What was not told before. */
export function untold({ lost, unread }: Beside, told: string): Beside {
  const known = new Set(told.match(new RegExp(`.{${LENGTH}}`, 'g')));
  return {
    lost: lost.filter((name) => !known.has(markOf(`-${name}`))),
    unread: unread.filter((name) => !known.has(markOf(`+${name}`))),
  };
}

const markOf = (text: string): string => shortHash(text).slice(0, LENGTH);

/** The errors all codecs have in common. All are terminal: the same bytes fail the same way. */
import { GranaryError } from '../../lib/errors.ts';
import { looksLike } from './looks-like.ts';

const FETCH_AGAIN = 'Fetch the file again; if it stays like this, ask the sender for a new one.';

/** `codec.corrupt`. `problem` is a clause without a subject's name: `the CRC of member 2 does not match`. */
export function corrupt(name: string, problem: string, options: { cause?: unknown; hint?: string } = {}): GranaryError {
  return new GranaryError('codec.corrupt', `"${name}" is damaged: ${problem}`, {
    where: { file: name },
    hint: options.hint ?? FETCH_AGAIN,
    cause: options.cause,
  });
}

/** `codec.truncated`. */
export function truncated(name: string, format: string, cause?: unknown): GranaryError {
  return new GranaryError('codec.truncated', `"${name}" ends in the middle of its ${format} data`, {
    where: { file: name },
    hint: 'Check that the sender had finished writing it, then fetch it again.',
    cause,
  });
}

/** For data that does not begin as the format does: `codec.truncated` when there is none, else `codec.corrupt`. */
export function notInFormat(name: string, format: string, head: Uint8Array): GranaryError {
  if (head.length === 0)
    return new GranaryError('codec.truncated', `"${name}" is empty: there is no ${format} data in it`, {
      where: { file: name },
      hint: 'Check that the sender had finished writing it, then fetch it again.',
    });
  const seen = looksLike(head);
  return new GranaryError(
    'codec.corrupt',
    `"${name}" is not in ${format} format${seen ? `: it looks like ${seen}` : ''}`,
    {
      where: { file: name },
      hint: `If it is meant to be so, take ${format} out of the dataset's \`unpack\` steps or put the right one in its place.`,
    },
  );
}

/** `codec.unsupported`. `what` is a whole clause: `entry "a.csv" is encrypted`. */
export function unsupported(name: string, what: string, hint: string, cause?: unknown): GranaryError {
  return new GranaryError('codec.unsupported', `"${name}" cannot be unpacked: ${what}`, {
    where: { file: name },
    hint,
    cause,
  });
}

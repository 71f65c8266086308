/** What the parsers of this codec throw, before the name of the file is known; `named` makes the error that leaves the codec. */
import { corrupt, unsupported } from '../shared/faults.ts';

/** Bytes that break the format; the message is a clause: `a signature packet ends too early`. */
export class Malformed extends Error {}

/** Bytes that use something this codec does not have; the message is a clause, `hint` a sentence. */
export class Unsupported extends Error {
  readonly hint: string;

  constructor(message: string, hint: string) {
    super(message);
    this.hint = hint;
  }
}

/** `codec.corrupt` or `codec.unsupported` for the two above, with the name of the file; any other error as it is. */
export function named(error: unknown, name: string): unknown {
  if (error instanceof Malformed) return corrupt(name, error.message, { cause: error.cause });
  if (error instanceof Unsupported) return unsupported(name, error.message, error.hint);
  return error;
}

/** Asks a person at the terminal. */
import { GranaryError } from '../../lib/errors.ts';

/** A line typed without being shown. Standard input must be a terminal. Errors: `cancelled` on Ctrl-C. */
export async function askUnseen(question: string): Promise<string> {
  const { stdin, stderr } = process;
  stderr.write(question);
  stdin.setRawMode(true);
  stdin.setEncoding('utf8');
  let typed = '';
  try {
    for await (const keys of stdin) {
      for (const key of keys as string) {
        if (key === '\r' || key === '\n' || key === '\u0004') return typed;
        if (key === '\u0003') throw new GranaryError('cancelled', 'Stopped by request.');
        typed = key === '\u007f' ? typed.slice(0, -1) : typed + key;
      }
    }
    return typed;
  } finally {
    stdin.setRawMode(false);
    stderr.write('\n');
  }
}

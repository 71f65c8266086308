/** A file that cannot be read, however often it is tried: it becomes a dead letter, somebody mends the cause, and it is replayed. */
import { booksTable } from '../../../src/cli/books-table.ts';
import { Terminal } from '../../../src/cli/terminal/terminal.ts';
import { sumByDataset } from '../../../src/runtime/books.ts';
import { MISHAPS } from '../generate/deliveries.ts';
import { granary } from '../owner.ts';
import { proveBooks } from '../show/expected.ts';
import { showSubject } from '../show/mail.ts';
import { booksOf, chapter, nextMail, type Scene, untilBooks } from './scene.ts';

export async function theFileGaveUp(scene: Scene): Promise<void> {
  const { dir, terminal } = scene;
  chapter(terminal, 'A file that nobody may read', [
    `${MISHAPS.forbidden} is on the server, and its sender has forgotten to let anybody read it.`,
    'To try again would help nobody: it is put aside, everything else goes on, and somebody is told.',
    '',
  ]);
  showSubject(await nextMail(scene, 1), terminal);
  await granary('dlq list', dir, terminal);
}

export async function whatGaveUpIsReplayed(scene: Scene): Promise<void> {
  const { terminal, servers, deliveries, clock } = scene;
  clock.forwardTo('2026-11-16T05:10:00+01:00');
  chapter(terminal, '05:10: its sender has opened the file', []);
  servers.ftp.forbidden.delete(MISHAPS.forbidden);
  await replayed('dlq replay --all', scene);
  showSubject(await nextMail(scene, 2), terminal);
  terminal.line();
  terminal.line(`And ${MISHAPS.openDay} is held for its size only: on that Sunday all courses were free.`);
  await replayed(`quarantine release ${MISHAPS.openDay}`, scene);
  await untilBooks(scene, deliveries.expected.repaired);
  proveBooks(deliveries.expected.repaired, await booksOf(scene), terminal);
}

/** A command that ends with its run, and the books of that run instead of all that it tells. */
async function replayed(line: string, { dir, terminal, owner }: Scene): Promise<void> {
  const { stdout, stderr, env } = process;
  const quiet = new Terminal({ stdout, stderr, env, json: false, quiet: true, colour: false });
  await granary(line, dir, terminal, quiet);
  terminal.bars.clear();
  const [run] = await owner.operations.runs({ limit: 1 });
  booksTable(sumByDataset(await owner.operations.books({ run: run!.id })), terminal);
}

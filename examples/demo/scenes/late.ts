/** A file that does not come: nothing fails, and still somebody is told. Then it comes, with others that belong to days long gone. */
import { booksTable } from '../../../src/cli/books-table.ts';
import { MISHAPS } from '../generate/deliveries.ts';
import { deliver } from '../setup.ts';
import { proveBooks } from '../show/expected.ts';
import { showMail, showSubject } from '../show/mail.ts';
import { booksOf, chapter, nextMail, type Scene, tellQuarantine, untilBooks } from './scene.ts';

export async function theFileIsLate(scene: Scene): Promise<void> {
  const { terminal, clock } = scene;
  clock.forwardTo('2026-11-16T06:30:00+01:00');
  chapter(terminal, '06:30: a file is late', [
    'At six the tills of three regions were to have sent their Sunday. The south has not: it is still',
    `writing ${MISHAPS.beingWritten}.part. Nothing has failed, and still there is a mail.`,
    '',
  ]);
  showMail(await nextMail(scene, 3), terminal);
}

export async function itComes(scene: Scene): Promise<void> {
  const { dir, terminal, clock, deliveries } = scene;
  clock.forwardTo('2026-11-16T07:45:00+01:00');
  chapter(terminal, '07:45: it comes', [
    `So does ${MISHAPS.late}, ten days late, and an old price list: newer prices stay.`,
    `${MISHAPS.cutOff} comes again, whole; ${MISHAPS.corrected} again, with München in it.`,
    'One file is there twice, under two names: it is loaded once.',
    '',
  ]);
  await deliver(deliveries.morning, dir);
  await untilBooks(scene, deliveries.expected.morning);
  terminal.bars.clear();
  terminal.line();
  showSubject(await nextMail(scene, 4), terminal);
  terminal.heading('The books, as the tables stand');
  booksTable(await booksOf(scene), terminal);
  proveBooks(deliveries.expected.morning, await booksOf(scene), terminal);
  terminal.heading('Still in quarantine, for you');
  await tellQuarantine(scene);
}

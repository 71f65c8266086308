/** The night: files arrive and are loaded by themselves, also those whose transfer broke. */
import { booksTable } from '../../../src/cli/books-table.ts';
import { formatBytes, formatCount } from '../../../src/lib/units.ts';
import { type Delivery, MISHAPS } from '../generate/deliveries.ts';
import { deliver } from '../setup.ts';
import { showAttempts } from '../show/attempts.ts';
import { proveBooks } from '../show/expected.ts';
import { showRefused } from '../show/refused.ts';
import { booksOf, chapter, type Scene, tellQuarantine, untilBooks } from './scene.ts';

export async function theNight(scene: Scene): Promise<void> {
  const { dir, terminal, deliveries, owner, servers } = scene;
  chapter(terminal, 'Monday 16 November, 03:30: granary up', [
    `${contents(deliveries.night)} arrive on an FTP server and in folders: till lines in Windows-1252 and`,
    'gzip, nested NDJSON, zipped CSV, fixed-width prices, a spreadsheet, customers under OpenPGP. Nobody',
    'starts anything.',
    '',
  ]);
  servers.ftp.troubles.set(MISHAPS.interrupted, ['cut', 'busy']);
  servers.ftp.forbidden.add(MISHAPS.forbidden);
  await untilBooks(scene, deliveries.expected.catalog);
  await deliver(deliveries.night, dir);
  await untilBooks(scene, deliveries.expected.night);
  terminal.bars.clear();
  terminal.line();
  booksTable(await booksOf(scene), terminal);
  proveBooks(deliveries.expected.night, await booksOf(scene), terminal);

  terminal.heading('Refused: one line of each kind');
  await showRefused(owner.runtime.context.warehouse, terminal, 4);
  terminal.heading('In quarantine, whole');
  await tellQuarantine(scene);

  chapter(terminal, 'The line broke', [
    `${MISHAPS.interrupted} was half there when the connection was lost; then the server was busy.`,
  ]);
  await showAttempts(MISHAPS.interrupted, owner, terminal);
}

function contents({ write }: Delivery): string {
  return `${formatCount(write.length)} files, ${formatBytes(write.reduce((n, f) => n + f.bytes.length, 0))},`;
}

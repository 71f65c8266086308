/** `granary discover` for sources without files: tables, endpoints and the like. */
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { formatCount, plural } from '../lib/units.ts';
import { parseConnector, takenNames } from '../runtime/discover/connector-config.ts';
import { type DiscoveredReads, discoverReads } from '../runtime/discover/extracts.ts';
import { sourceYaml } from '../runtime/discover/source-file.ts';
import { type Call, EXIT, type ExitCode } from './command.ts';
import type { Target } from './commands/discover.ts';
import type { Terminal } from './terminal/terminal.ts';

export async function executeReads(
  { options, terminal, signal }: Call,
  dir: string,
  target: Target,
): Promise<ExitCode> {
  const found = await discoverReads({
    dir,
    environment: options.text('env'),
    connector: await parseConnector(dir, target.connector),
    known: { reads: target.reads, names: await takenNames(dir) },
    only: options.list('only'),
    onOffer: ({ name, rows }) =>
      terminal.note(
        `${name}${rows === undefined ? '' : `  about ${formatCount(rows)} ${rows === 1 ? 'row' : 'rows'}`}`,
      ),
    signal,
  });
  const write = !options.on('print') && found.datasets.length > 0;
  const text = await writeReads(target, found, write, terminal);
  terminal.document({ source: target.name, written: write ? target.path : null, ...found, yaml: text });
  tellReads(target, found, write, terminal);
  return found.datasets.length > 0 || found.skipped.length === 0 ? EXIT.ok : EXIT.failed;
}

/** Returns the text, which is printed where no file is written. */
export async function writeReads(
  target: Target,
  found: DiscoveredReads,
  write: boolean,
  terminal: Terminal,
): Promise<string> {
  const { name, connector } = target;
  const text = sourceYaml({ name, connector, datasets: [], reads: found.datasets }, target.before?.text);
  if (write) {
    await mkdir(dirname(target.path), { recursive: true });
    await writeFile(target.path, text);
  } else if (!terminal.json && found.datasets.length > 0) await terminal.write(text);
  return text;
}

export function tellReads(
  target: Target,
  { datasets, skipped, offers, taken, advice }: DiscoveredReads,
  written: boolean,
  terminal: Terminal,
): void {
  const { style } = terminal;
  const to = written ? (text: string) => terminal.line(text) : (text: string) => terminal.note(text);
  if (offers === 0) to(advice ?? 'The source offers nothing that this user may read.');
  else if (datasets.length === 0 && skipped.length === 0)
    to(`Datasets that are there read all ${formatCount(taken)} that it offers; nothing is left.`);
  if (datasets.length > 0 && written) {
    terminal.line();
    terminal.table(
      [
        { title: 'dataset' },
        { title: 'reads', flexible: true },
        { title: 'columns', align: 'right' },
        { title: 'rows, about', align: 'right' },
        { title: 'key', flexible: true },
        { title: 'load' },
      ],
      datasets.map((d) => [
        d.name,
        nameOf(d.read),
        formatCount(d.columns.length),
        d.rows === undefined ? '' : formatCount(d.rows),
        d.key.join(' + '),
        String(d.load?.['strategy'] ?? ''),
      ]),
    );
    for (const d of datasets)
      for (const note of d.notes) terminal.line(`${style.yellow('to check')} ${d.name}: ${note}`);
  }
  for (const { name, error } of skipped) {
    to(`${style.yellow('left out')} ${name}: ${error.message}`);
    if (error.hint) to(`         ${style.dim(error.hint)}`);
  }
  if (!written) return;
  terminal.line();
  terminal.line(
    `${plural(datasets.length, 'dataset')} written to ${style.bold(target.path)}: look through it, then granary check && granary run`,
  );
}

function nameOf(read: unknown): string {
  if (typeof read !== 'object' || read === null) return String(read);
  const { table, path, endpoint } = read as Record<string, unknown>;
  return String(table ?? path ?? endpoint ?? JSON.stringify(read));
}

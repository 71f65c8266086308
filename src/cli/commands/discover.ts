/** `granary discover`. */
import { mkdir, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { isMapping } from '../../lib/spec/common.ts';
import { formatCount } from '../../lib/units.ts';
import { toName } from '../../project/names.ts';
import { findProject, SOURCES_DIR } from '../../project/project-files.ts';
import { parseConnector, readSource, type SourceFile, takenNames } from '../../runtime/discover/connector-config.ts';
import { sourceYaml } from '../../runtime/discover/source-file.ts';
import { type Discovered, discover } from '../../runtime/discover.ts';
import { catalogOf } from '../../runtime/project-catalog.ts';
import { type Call, EXIT, type ExitCode } from '../command.ts';
import { executeReads } from '../discover-reads.ts';
import { usage } from '../parse.ts';
import { readAssignments, readCodecSettings } from '../settings.ts';
import type { Terminal } from '../terminal/terminal.ts';

/** Levels of folders below the root that are looked into. */
export const DEPTH = 3;

export async function execute(call: Call): Promise<ExitCode> {
  const { options, terminal, signal } = call;
  const dir = await findProject(options.text('dir') ?? '.');
  const target = await chooseTarget(call, dir);
  if ((await catalogOf(dir)).connectors.get(target.connector.type)?.kind === 'extracts')
    return executeReads(call, dir, target);
  const found = await discover({
    dir,
    connector: await parseConnector(dir, target.connector),
    codecs: readCodecSettings(options.list('unpack')),
    source: target.name,
    known: { patterns: target.patterns, names: await takenNames(dir) },
    folder: options.text('folder')?.replaceAll(/^\/+|\/+$/g, '') ?? '',
    depth: options.count('depth') ?? DEPTH,
    whole: options.on('whole'),
    onFamily: (family) =>
      terminal.note(
        `${family.pattern}  ${formatCount(family.files.length)} ${family.files.length === 1 ? 'file' : 'files'}`,
      ),
    onProgress: (what, done, total) => terminal.bars.update({ what, done, total, unit: 'bytes' }),
    signal,
  });
  terminal.bars.clear();
  const text = sourceYaml(
    { name: target.name, connector: target.connector, datasets: found.datasets },
    target.before?.text,
  );
  const write = !options.on('print') && found.datasets.length > 0;
  if (write) {
    await mkdir(dirname(target.path), { recursive: true });
    await writeFile(target.path, text);
  } else if (!terminal.json && found.datasets.length > 0) await terminal.write(text);
  terminal.document({ source: target.name, written: write ? target.path : null, ...found, yaml: text });
  tell(found, target, write, terminal);
  return found.datasets.length > 0 || found.skipped.length === 0 ? EXIT.ok : EXIT.failed;
}

export interface Target {
  name: string;
  /** As in YAML, references unresolved. */
  connector: { type: string; [setting: string]: unknown };
  path: string;
  /** The file that is there. */
  before: SourceFile | undefined;
  /** File patterns of its datasets. */
  patterns: string[];
  /** What its datasets read, where it has no files. */
  reads: unknown[];
}

async function chooseTarget({ arguments: [source], options }: Call, dir: string): Promise<Target> {
  const type = options.text('connector');
  if ((source === undefined) === (type === undefined))
    throw usage(
      'Which source? Name one of the project, or give --connector for a new one',
      '`granary discover --help` has examples.',
    );
  const mayWrite = options.on('print') || options.on('force');
  if (source !== undefined) {
    const before = await readSource(dir, source, options.text('env') ?? process.env['GRANARY_ENV']);
    const datasets = isMapping(before.tree['datasets']) ? before.tree['datasets'] : {};
    if (Object.keys(datasets).length > 0 && !mayWrite)
      throw usage(
        `${before.file} has datasets already`,
        'Use --print to see what would be added, or --force to add it; what is there stays.',
      );
    const patterns = Object.values(datasets).flatMap((d) =>
      isMapping(d) && typeof d['files'] === 'string' ? [d['files']] : [],
    );
    return {
      name: source,
      connector: before.tree['connector'] as Target['connector'],
      path: join(dir, before.file),
      before,
      patterns,
      reads: Object.values(datasets).flatMap((d) => (isMapping(d) && d['read'] !== undefined ? [d['read']] : [])),
    };
  }
  const name = options.text('name') ?? toName(type!, 'source');
  const path = join(dir, SOURCES_DIR, `${name}.yaml`);
  if (!options.on('print') && (await stat(path).catch(() => undefined)))
    throw usage(
      `${path} is there already`,
      `Choose another --name, or look for more datasets of it: granary discover ${name} --force`,
    );
  return {
    name,
    connector: { type: type!, ...readAssignments(options.list('set')) },
    path,
    before: undefined,
    patterns: [],
    reads: [],
  };
}

export function tell(
  { datasets, skipped, files, taken }: Discovered,
  target: Target,
  written: boolean,
  terminal: Terminal,
): void {
  const { style } = terminal;
  const to = written ? (text: string) => terminal.line(text) : (text: string) => terminal.note(text);
  if (files === 0) to('The source has no files there.');
  else if (datasets.length === 0 && skipped.length === 0)
    to(`Datasets that are there take all ${formatCount(taken)} of its files; nothing is left.`);
  if (datasets.length > 0 && written) {
    terminal.line();
    terminal.table(
      [
        { title: 'dataset' },
        { title: 'files', flexible: true },
        { title: 'format' },
        { title: 'columns', align: 'right' },
        { title: 'rows seen', align: 'right' },
        { title: 'key', flexible: true },
      ],
      datasets.flatMap((d) =>
        [d, ...(d.parts ?? [])].map((of) => [
          of.name,
          'record' in of ? `${of.record} of ${d.name}` : of.files,
          d.format.type,
          formatCount(of.columns.length),
          formatCount(of.rowsSeen),
          of.suggestedKeys[0]?.join(' + ') ?? '',
        ]),
      ),
    );
    for (const d of datasets.flatMap((whole) => [whole, ...(whole.parts ?? [])]))
      for (const note of d.notes) terminal.line(`${style.yellow('to check')} ${d.name}: ${note}`);
  }
  for (const s of skipped) {
    to(`${style.yellow('left out')} ${s.pattern} (${formatCount(s.files)}): ${s.error.message}`);
    if (s.error.hint) to(`         ${style.dim(s.error.hint)}`);
  }
  if (!written) return;
  terminal.line();
  terminal.line(`Written to ${style.bold(target.path)}: look through it, then granary check && granary run`);
}

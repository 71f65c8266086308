/** `granary add source`. */
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { formatCount, plural } from '../../lib/units.ts';
import type { AnyConnector } from '../../ports/extract.ts';
import { findProject, SOURCES_DIR } from '../../project/project-files.ts';
import { parseConnector, takenNames } from '../../runtime/discover/connector-config.ts';
import { discoverReads } from '../../runtime/discover/extracts.ts';
import { sourceYaml } from '../../runtime/discover/source-file.ts';
import { discover } from '../../runtime/discover.ts';
import { catalogOf } from '../../runtime/project-catalog.ts';
import { askAllSettings, askChanges, askConnector, askName, askOffers, askReads } from '../add-source/dialog.ts';
import { NewSecrets } from '../add-source/new-secrets.ts';
import type { Settings, SettingsDialog } from '../add-source/settings.ts';
import { type Call, EXIT, type ExitCode } from '../command.ts';
import { tellReads, writeReads } from '../discover-reads.ts';
import { usage } from '../parse.ts';
import { Questions } from '../terminal/questions.ts';
import { DEPTH, type Target, tell } from './discover.ts';

export async function execute(call: Call): Promise<ExitCode> {
  const { options, signal } = call;
  const { stdin, stderr } = process;
  if (!stdin.isTTY || !stderr.isTTY)
    throw usage(
      'granary add source asks questions, and there is no terminal to ask them at',
      'Use granary discover: --connector <type> --set field=value --name <name>; `granary discover --help` has examples.',
    );
  const dir = await findProject(options.text('dir') ?? '.');
  const questions = new Questions({
    input: stdin,
    output: stderr,
    signal,
    // To the same place as a signal: it stops what is going on.
    onInterrupt: () => process.emit('SIGINT', 'SIGINT'),
  });
  try {
    return await addSource(dir, questions, call);
  } finally {
    questions.close();
  }
}

async function addSource(dir: string, questions: Questions, call: Call): Promise<ExitCode> {
  const { terminal } = call;
  const { style } = terminal;
  const connector = await askConnector((await catalogOf(dir)).components.connectors, questions, style);
  const name = await askName(dir, connector.type, questions, style);
  const secrets = new NewSecrets(dir, name);
  const dialog: SettingsDialog = { questions, dim: style.dim, keep: (path, value) => secrets.keep(path, value) };
  const settings: Settings = {};
  let written = '';
  try {
    await askAllSettings(connector, settings, dialog);
    for (;;) {
      const target: Target = {
        name,
        connector: { type: connector.type, ...settings },
        path: join(dir, SOURCES_DIR, `${name}.yaml`),
        before: undefined,
        patterns: [],
        reads: [],
      };
      try {
        written = await find(dir, connector, target, questions, call);
        if (written !== '') break;
        questions.say('Nothing is chosen that a dataset could be made of.');
      } catch (e) {
        if ((await askChanges(connector, settings, e, dialog)) === undefined) return EXIT.failed;
        continue;
      }
      const nothing = usage(
        'There is nothing to write',
        'Other settings may show more: another folder, user or database.',
      );
      if ((await askChanges(connector, settings, nothing, dialog)) === undefined) return EXIT.failed;
    }
  } finally {
    await secrets.removeUnused(written);
  }
  if (secrets.names.length > 0)
    terminal.line(`${secrets.names.join(', ')} ${secrets.names.length === 1 ? 'is' : 'are'} stored in secrets.enc`);
  if (secrets.keyFile !== undefined)
    terminal.note(
      `${secrets.keyFile} is new: it opens the secrets. Keep a copy in a safe place, and out of version control.`,
    );
  return EXIT.ok;
}

/** Returns what was written; '' when there was nothing. Errors: those of the connector and of its settings. */
async function find(
  dir: string,
  connector: AnyConnector,
  target: Target,
  questions: Questions,
  call: Call,
): Promise<string> {
  const { terminal, signal } = call;
  const parsed = await parseConnector(dir, target.connector);
  const names = await takenNames(dir);
  questions.say(terminal.style.dim('Connecting…'));
  if (connector.kind === 'extracts') {
    const found = await discoverReads({
      dir,
      connector: parsed,
      known: { reads: [], names },
      only: [],
      choose: (offers) =>
        askReads(
          connector,
          offers,
          ({ name, kind, rows }) => ({
            name,
            note: rows === undefined ? kind : `${kind}, about ${plural(rows, 'row')}`,
          }),
          questions,
          terminal.style,
        ),
      signal,
    });
    const write = found.datasets.length > 0;
    const text = write ? await writeReads(target, found, true, terminal) : '';
    if (write) terminal.document({ source: target.name, written: target.path, ...found, yaml: text });
    tellReads(target, found, write, terminal);
    return text;
  }
  const found = await discover({
    dir,
    connector: parsed,
    codecs: {},
    source: target.name,
    known: { patterns: [], names },
    folder: '',
    depth: DEPTH,
    whole: false,
    choose: (families) =>
      askOffers(
        families,
        ({ pattern, files }) => ({
          name: pattern,
          note: files.length === 1 ? '1 file' : `${formatCount(files.length)} files, the newest ${files[0]!.path}`,
        }),
        questions,
        terminal.style,
      ),
    onProgress: (what, done, total) => terminal.bars.update({ what, done, total, unit: 'bytes' }),
    signal,
  });
  terminal.bars.clear();
  const write = found.datasets.length > 0;
  const text = write
    ? sourceYaml({ name: target.name, connector: target.connector, datasets: found.datasets }, undefined)
    : '';
  if (write) {
    await mkdir(dirname(target.path), { recursive: true });
    await writeFile(target.path, text, { flag: 'wx' });
    terminal.document({ source: target.name, written: target.path, ...found, yaml: text });
  }
  tell(found, target, write, terminal);
  return text;
}

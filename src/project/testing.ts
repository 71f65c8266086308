/** For the tests of this room: a few components, and project folders on disk. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { TestContext } from 'node:test';
import type { GranaryError } from '../lib/errors.ts';
import { s } from '../lib/spec/fields.ts';
import type { ProjectComponents } from './endings.ts';
import { type LoadedProject, type LoadOptions, loadProject } from './load.ts';
import type { Problem } from './problems.ts';

export const components: ProjectComponents = {
  connectors: [
    {
      type: 'folder',
      title: 'Folder',
      spec: s.object({ path: s.text({ doc: 'The folder.', example: 'inbox' }) }, { doc: 'Files of a folder.' }),
    },
    {
      type: 'sftp',
      title: 'SFTP',
      spec: s.object(
        {
          host: s.text({ doc: 'Host name.', example: 'sftp.example.com' }),
          port: s.integer({ doc: 'Port.', default: 22, min: 1, max: 65535 }),
          password: s.text({ doc: 'Password.', secret: true, optional: true, example: '${secret:SFTP_PASSWORD}' }),
        },
        { doc: 'Files of an SFTP server.' },
      ),
    },
  ],
  transforms: [
    {
      type: 'clean_address',
      title: 'Clean addresses',
      spec: s.object({ country: s.text({ doc: 'Of stores.', default: 'DE' }) }, { doc: 'Cleans.' }),
      columns: { region: 'text' },
      codeHash: '1',
    },
  ],
  codecs: [
    { type: 'gzip', title: 'gzip', extensions: ['.gz'], spec: s.object({}, { doc: 'Decompresses gzip.' }) },
    { type: 'tar', title: 'tar', extensions: ['.tar'], spec: s.object({}, { doc: 'Opens tar archives.' }) },
    {
      type: 'openpgp',
      title: 'OpenPGP',
      extensions: ['.pgp', '.gpg'],
      spec: s.object(
        { key: s.text({ doc: 'Private key.', secret: true, example: '${secret:PGP_KEY}' }) },
        { doc: 'Decrypts OpenPGP messages.' },
      ),
    },
  ],
  formats: [
    {
      type: 'csv',
      title: 'CSV',
      extensions: ['.csv', '.tsv'],
      spec: s.object(
        {
          delimiter: s.text({ doc: 'Sign between fields.', default: ',', example: ';' }),
          password: s.text({ doc: 'Password of the file.', secret: true, optional: true, example: '${secret:CSV}' }),
        },
        { doc: 'Delimited text.' },
      ),
    },
    { type: 'json', title: 'JSON', extensions: ['.json', '.ndjson'], spec: s.object({}, { doc: 'JSON.' }) },
    {
      type: 'fixed',
      title: 'Fixed width',
      extensions: ['.dat'],
      spec: s.object({ layout: s.text({ doc: 'Layout.', example: 'a 1-3' }) }, { doc: 'Fixed-width text.' }),
    },
  ],
};

/** Writes a project folder that is removed after the test. A missing `granary.yaml` is filled in. */
export async function projectFolder(t: TestContext, files: Record<string, string>): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'granary-project-'));
  t.after(() => rm(dir, { recursive: true }));
  for (const [name, text] of Object.entries({ 'granary.yaml': 'name: test\n', ...files })) {
    await mkdir(dirname(join(dir, name)), { recursive: true });
    await writeFile(join(dir, name), text);
  }
  return dir;
}

export async function load(
  t: TestContext,
  files: Record<string, string>,
  options: Partial<LoadOptions> = {},
): Promise<LoadedProject> {
  const dir = await projectFolder(t, files);
  return loadProject({ dir, components, secrets: { get: async () => undefined }, env: {}, ...options });
}

/** The problems of a project that does not load, without their optional parts that are not set. */
export async function problemsOf(
  t: TestContext,
  files: Record<string, string>,
  options: Partial<LoadOptions> = {},
): Promise<Problem[]> {
  const error = await load(t, files, options).then(
    () => undefined,
    (e: GranaryError) => e,
  );
  if (error?.code !== 'config.invalid') throw error ?? new Error('the project has no problems');
  return JSON.parse(JSON.stringify(error.details!.problems));
}

/** `problemsOf` as `file:line:column message`, for short expectations. */
export async function problemLines(
  t: TestContext,
  files: Record<string, string>,
  options: Partial<LoadOptions> = {},
): Promise<string[]> {
  return (await problemsOf(t, files, options)).map(lineOf);
}

export function lineOf(p: Problem): string {
  return `${p.file}:${p.line}:${p.column} ${p.message}${p.suggestion ? ` → ${p.suggestion}` : ''}`;
}

/** A source of one dataset `sales`, whose last lines are the given YAML, indented. */
export function salesSource(lines: string): string {
  return `connector: { type: folder, path: inbox }
datasets:
  sales:
    files: sales_{store}_{date:yyyyMMdd}.csv
    columns:
      sale_id: bigint
      store: { from_name: store }
      amount: decimal(12,2)
      sold_on: date
${lines.replaceAll(/^(?=.)/gm, '    ')}`;
}

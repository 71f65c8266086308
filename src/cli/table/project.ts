/** Commands of the section “Project”. */
import type { CommandSpec } from '../command.ts';

export const PROJECT: readonly CommandSpec[] = [
  {
    name: 'secrets set',
    section: 'Project',
    summary: 'Store a secret in the encrypted file secrets.enc',
    description: [
      'The value is read from standard input, or typed unseen: never from the command line, where others would see it.',
    ],
    arguments: [{ name: 'name', doc: 'what ${secret:…} calls it' }],
    examples: [{ line: 'granary secrets set PGP_KEY < key.asc', meaning: 'from a file' }],
    load: () => import('../commands/secrets-set.ts'),
  },
  {
    name: 'secrets list',
    section: 'Project',
    summary: 'Names of the stored secrets, never their values',
    examples: [{ line: 'granary secrets list', meaning: 'the names' }],
    load: () => import('../commands/secrets-list.ts'),
  },
  {
    name: 'secrets remove',
    section: 'Project',
    summary: 'Remove a stored secret',
    arguments: [{ name: 'name', doc: 'of the secret' }],
    examples: [{ line: 'granary secrets remove OLD_PASSWORD', meaning: '' }],
    load: () => import('../commands/secrets-remove.ts'),
  },
  {
    name: 'schema',
    section: 'Project',
    summary: 'JSON Schema of the project’s files, for editors',
    options: { write: { doc: 'Write them where the files of the project look for them' } },
    examples: [{ line: 'granary schema --write', meaning: 'completion and checks in an editor' }],
    load: () => import('../commands/schema.ts'),
  },
  {
    name: 'list',
    section: 'Project',
    summary: 'The components there are, with their settings',
    arguments: [
      { name: 'what', doc: 'which kind', choices: ['connectors', 'codecs', 'formats', 'transforms', 'commands'] },
    ],
    examples: [
      { line: 'granary list connectors', meaning: 'with every setting' },
      { line: 'granary list formats --json', meaning: 'with their JSON Schema' },
    ],
    load: () => import('../commands/list.ts'),
  },
  {
    name: 'docs',
    section: 'Project',
    summary: 'Write the reference documentation',
    options: { write: { value: 'folder', doc: 'Where to write it; without this the names of its files are listed' } },
    examples: [{ line: 'granary docs --write docs/reference', meaning: '' }],
    load: () => import('../commands/docs.ts'),
  },
  {
    name: 'version',
    section: 'Project',
    summary: 'Version of Granary and of what it runs on',
    examples: [{ line: 'granary version', meaning: '' }],
    load: () => import('../commands/version.ts'),
  },
];

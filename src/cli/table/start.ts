/** Commands of the section “Start”. */
import type { CommandSpec } from '../command.ts';

export const START: readonly CommandSpec[] = [
  {
    name: 'init',
    section: 'Start',
    summary: 'Make a project folder with a small source that works',
    arguments: [{ name: 'dir', doc: 'the folder to make; default: this one', optional: true }],
    options: { name: { value: 'name', doc: 'Name of the project; default: the folder’s' } },
    examples: [{ line: 'granary init shop', meaning: 'then: cd shop && granary check && granary run' }],
    load: () => import('../commands/init.ts'),
  },
  {
    name: 'add source',
    section: 'Start',
    summary: 'Add a source, asking at the terminal: connector, settings, what of it',
    description: [
      'Asks how the source is reached, stores what is secret among the secrets, connects, shows what there is, and writes sources/<name>.yaml for what is chosen, as `granary discover` does, which asks nothing. Whatever is refused, such as a password, is asked for again.',
    ],
    examples: [{ line: 'granary add source', meaning: 'then: granary check && granary run' }],
    load: () => import('../commands/add-source.ts'),
  },
  {
    name: 'add connector',
    section: 'Start',
    summary: 'Write a connector of the project’s own, which works as it is, and its test',
    arguments: [{ name: 'name', doc: 'its type, as sources name it' }],
    examples: [
      { line: 'granary add connector intranet', meaning: 'connectors/intranet.ts and connectors/intranet.test.ts' },
    ],
    load: () => import('../commands/add-connector.ts'),
  },
  {
    name: 'add transform',
    section: 'Start',
    summary: 'Write a transform of the project’s own, which works as it is, and its test',
    arguments: [{ name: 'name', doc: 'its name, as datasets give it' }],
    examples: [{ line: 'granary add transform tidy', meaning: 'transforms/tidy.ts and transforms/tidy.test.ts' }],
    load: () => import('../commands/add-transform.ts'),
  },
  {
    name: 'discover',
    section: 'Start',
    summary: 'Look at a source and write its YAML: datasets, columns, types, keys',
    description: [
      'Connects, lists the files, groups them into families by their names, reads a sample of the newest of each family, and writes sources/<name>.yaml, ready to edit. A file that is there is not touched without --force, and what it has always stays.',
    ],
    arguments: [{ name: 'source', doc: 'a source of the project, to find more datasets of', optional: true }],
    options: {
      connector: { value: 'type', doc: 'For a new source: how it is reached; `granary list connectors`' },
      set: { value: 'field=value', doc: 'A setting of the connector: path=inbox, password=${secret:SHOP}', many: true },
      unpack: {
        value: 'codec.field=value',
        doc: 'A setting of a codec: openpgp.private_key=${secret:PGP_KEY}',
        many: true,
      },
      name: { value: 'name', doc: 'Name of the new source; default: the connector’s type' },
      folder: { value: 'folder', doc: 'Look in this folder of the source only' },
      depth: { value: 'levels', doc: 'How many levels of folders to look into; default: 3' },
      only: {
        value: 'name',
        doc: 'Of a database or API: these tables or endpoints only, as shop.* or orders; of an API also a path to try, as /orders',
        many: true,
      },
      whole: { doc: 'Read the whole newest files instead of a sample' },
      print: { doc: 'Write the YAML to standard output, and no file' },
      force: { doc: 'Write into a file that is there: new datasets are added to it' },
    },
    examples: [
      {
        line: 'granary discover --connector folder --set path=inbox --name stores',
        meaning: 'a new source from a folder',
      },
      {
        line: "granary discover --connector sftp --set host=drop.example.com --set user=granary --set 'password=${secret:DROP}' --name drop",
        meaning: 'from a server; the reference is kept, the secret never written',
      },
      {
        line: "granary discover --connector mysql --set host=db --set user=granary --set 'password=${secret:DB}' --name shop --only 'shop.*'",
        meaning: 'the tables of a database',
      },
      { line: 'granary discover stores --print', meaning: 'what a known source has, without writing' },
    ],
    load: () => import('../commands/discover.ts'),
  },
  {
    name: 'check',
    section: 'Start',
    summary: 'Check the project: every problem with file, line and column',
    options: { connect: { doc: 'Also open each source’s connection and list its files' } },
    examples: [
      { line: 'granary check', meaning: 'all problems and warnings at once' },
      { line: 'granary check --connect --env prod', meaning: 'and whether every server of production answers' },
    ],
    load: () => import('../commands/check.ts'),
  },
];

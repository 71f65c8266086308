/** Connectors that a project brings itself: found, checked, run in workers; and when they are broken, told with file and line. */
import assert from 'node:assert/strict';
import { it, type TestContext } from 'node:test';
import { connectorTemplate } from '../src/project/connector-template.ts';
import { openRuntime } from '../src/runtime/runtime.ts';
import { type Shell, sampleProject } from './cli.ts';
import { changed, lineOf, REGISTER, SOURCE, TEMPLATE, tool } from './support/own-connectors.ts';
import { makeProject, rowsOf, runProject, writeFiles } from './support/projects.ts';

const test = (name: string, run: (t: TestContext) => Promise<void>) => it(name, { timeout: 240_000 }, run);

test('the template works as it is: it is discovered, checked, run once, and told of like any other', async (t) => {
  const sh = await sampleProject(t);
  const added = await sh.granary('add', 'connector', 'notes');
  assert.equal(added.code, 0, added.stderr);
  assert.equal((await sh.granary('discover', '--connector', 'notes', '--name', 'intranet')).code, 0);
  const check = await sh.granary('check', '--connect');
  assert.equal(check.code, 0, check.stderr + check.stdout);
  assert.match(check.stdout, /✓ intranet +notes/);
  const run = await sh.granary('run', '--json');
  assert.equal(run.code, 0, run.stderr);
  const query = await sh.granary('query', 'SELECT id, text FROM notes ORDER BY id', '--json');
  assert.equal(JSON.parse(query.stdout).length, 5);
  assert.match((await sh.granary('run')).stdout, /nothing new/);
  assert.match((await sh.granary('list', 'connectors')).stdout, /^notes {2}Reads the records of a small list/m);
  assert.match((await sh.granary('schema')).stdout, /"const": "notes"/);
  assert.equal((await sh.granary('add', 'connector', 'notes')).code, 2, 'nothing is overwritten');
  assert.match((await sh.granary('add', 'connector', 'sftp')).stderr, /already/);
});

test('settings and reads are checked by the specs of the connector, at their place', async (t) => {
  const sh = await sampleProject(t);
  await sh.file('connectors/notes.ts', TEMPLATE);
  await sh.file(
    'sources/intranet.yaml',
    SOURCE.replace('type: notes', 'type: notes, frist: 2').replace('read: notes', 'read: {}'),
  );
  const { code, stderr } = await sh.granary('check');
  assert.equal(code, 2);
  assert.match(stderr, /sources\/intranet\.yaml:1:\d+ .*"frist" is not known here.*first/);
  assert.match(stderr, /sources\/intranet\.yaml:5:\d+ .*"list" is missing/);
});

async function refusal(sh: Shell): Promise<string> {
  const { code, stderr } = await sh.granary('check');
  assert.equal(code, 2, stderr);
  assert.doesNotMatch(stderr, /defect|internal/);
  return stderr;
}

test('connectors that cannot be loaded are problems of the project, all at once, with file and line', async (t) => {
  const sh = await sampleProject(t);
  await sh.file('connectors/syntax.ts', 'const a = 1;\nlet b: number = ;\n');
  await sh.file('connectors/twice.ts', 'const a = 1;\n\nconst a = 2;\nexport default a;\n');
  await sh.file('connectors/throws.ts', "\nfunction boom(): never {\n  throw new Error('boom');\n}\nboom();\n");
  await sh.file(
    'connectors/missing.ts',
    "import { s } from 'granary/connector';\nimport x from './_nowhere.ts';\nexport default [s, x];\n",
  );
  await sh.file('connectors/nothing.ts', 'export const a = 1;\n');
  await sh.file(
    'connectors/half.ts',
    "import { s } from 'granary/connector';\nexport default { kind: 'extracts', spec: s.object({}, { doc: 'Half.' }) };\n",
  );
  await sh.file('connectors/sftp.ts', TEMPLATE);
  await sh.file('connectors/_helper.ts', 'this is not looked at');
  await sh.file('connectors/notes.test.ts', 'nor is this');
  const told = await refusal(sh);
  assert.match(told, /connectors\/syntax\.ts:2:\d+ .*Expression expected/);
  assert.match(told, /connectors\/twice\.ts:3:\d+ .*'a' has already been declared/);
  assert.match(told, /connectors\/throws\.ts:3:\d+ .*boom/);
  assert.match(told, /connectors\/missing\.ts:2:1 .*_nowhere/);
  assert.match(told, /connectors\/nothing\.ts:1:1 .*no connector as its default export/);
  assert.match(told, /connectors\/half\.ts:1:1 .*lacks title, open, read \(made with s\.object\), describe/);
  assert.match(told, /connectors\/sftp\.ts:1:1 .*there is a connector "sftp" already/);
  assert.match(told, /7 problems/);
});

test('a description that names what there is not is a problem of the dataset', async (t) => {
  const sh = await sampleProject(t);
  await sh.file('sources/intranet.yaml', SOURCE);
  await sh.file('connectors/notes.ts', changed(["format: { type: 'ndjson' }", "format: { type: 'ndjsonn' }"]));
  assert.match(await refusal(sh), /sources\/intranet\.yaml:5:\d+ .*connectors\/notes\.ts names "ndjsonn"/);
  const broken = changed(['describe: () => ({', "describe: () => ({ ...JSON.parse('{'),"]);
  await sh.file('connectors/notes.ts', broken);
  const line = lineOf(broken, 'JSON.parse');
  assert.match(
    await refusal(sh),
    new RegExp(`intranet\\.yaml:5:\\d+ .*describe\\(\\) failed: .*connectors/notes\\.ts:${line}\\): .*JSON`),
  );
});

test('what a connector throws is told with file and line, holds up no other source, and is read when it is repaired', async (t) => {
  const broken = changed(['const notes = LISTS[list];', 'const notes = (undefined as any).nowhere[list] as Note[];']);
  const dir = await makeProject(t, { 'sources/intranet.yaml': SOURCE, 'connectors/notes.ts': broken });
  await writeFiles(dir, {
    'sources/stores.yaml':
      'connector: { type: folder, path: inbox }\ndatasets: { sales: { files: "*.csv", columns: { a: bigint } } }\n',
    'inbox/a.csv': 'a\n1\n',
  });
  const { doc } = await runProject(dir, async (runtime) =>
    assert.deepEqual(await rowsOf(runtime, 'SELECT count(*)::INT FROM sales'), [[1]]),
  );
  assert.equal(doc.status, 'failed');
  assert.equal(doc.errors[0]!.code, 'connector.failed');
  assert.ok(
    doc.errors[0]!.message.includes(`(connectors/notes.ts:${lineOf(broken, '(undefined as any)')}): Cannot read`),
    doc.errors[0]!.message,
  );
  // Workers are new processes; this one has imported the broken module, of which it needs the specs only.
  await writeFiles(dir, { 'connectors/notes.ts': TEMPLATE });
  const after = await runProject(dir, async (runtime) =>
    assert.deepEqual(await rowsOf(runtime, 'SELECT count(*)::INT, max(id)::INT FROM notes'), [[5, 5]]),
  );
  assert.equal(after.doc.status, 'succeeded');
});

const FILES = `import { defineConnector, GranaryError, s } from 'granary/connector';
const FILES: Record<string, string> = { 'sales_20261119.csv': 'a\\n1\\n2\\n', 'other.txt': 'x' };
export default defineConnector({
  kind: 'files',
  title: 'Box',
  spec: s.object({ open: s.boolean({ doc: 'Whether it is open.', default: true }) }, { doc: 'A box of files.' }),
  open: async (config) => {
    if (!config.open) throw new GranaryError('connector.denied', 'The box is closed.');
    const stat = async (path: string) => ({ path, bytes: FILES[path]!.length, modifiedAt: '2026-11-19T08:00:00.000Z' });
    const fixed = async () => {
      throw new GranaryError('connector.denied', 'The box is only read.');
    };
    return {
      capabilities: { resume: false, move: false, remove: false, parallelReads: 1 },
      async *list() {
        for (const path of Object.keys(FILES)) yield await stat(path);
      },
      stat,
      async *read(path) {
        yield Buffer.from(FILES[path]!);
      },
      move: fixed,
      remove: fixed,
      close: async () => {},
    };
  },
});
`;

test('a connector of files is one like any other: discovered, probed, run', async (t) => {
  const sh = await sampleProject(t);
  await sh.file('connectors/box.ts', FILES);
  const found = await sh.granary('discover', '--connector', 'box', '--name', 'box', '--json');
  assert.equal(found.code, 0, found.stderr);
  assert.match(found.stdout, /sales_\{date:yyyyMMdd\}\.csv/);
  await sh.file(
    'sources/box.yaml',
    'connector: box\ndatasets: { boxed: { files: "sales_{date:yyyyMMdd}.csv", columns: { a: bigint } } }\n',
  );
  const check = await sh.granary('check', '--connect');
  assert.match(check.stdout, /✓ box +box.* 2 +boxed 1/, check.stderr);
  const run = await sh.granary('run', '--source', 'box');
  assert.match(run.stdout, /box\.boxed +1 +2 +2 .*balanced/, run.stderr);
  await sh.file(
    'sources/box.yaml',
    'connector: { type: box, open: false }\ndatasets: { boxed: { files: "*.csv", columns: { a: bigint } } }\n',
  );
  const closed = await sh.granary('check', '--connect');
  assert.match(closed.stdout, /The box is closed/);
});

test('a position that is none, and errors of the network, are told as what they are', async (t) => {
  for (const [from, to, code, transient] of [
    [
      'return { position: { after }, more: false,',
      'return { position: after as never, more: false,',
      'connector.failed',
      false,
    ],
    [
      'const notes = LISTS[list];',
      "const notes = LISTS[list]; await fetch('http://127.0.0.1:2/');",
      'connector.failed',
      true,
    ],
    ['const notes = LISTS[list];', 'const notes = LISTS[`${list}!`];', 'connector.not_found', false],
  ] as const) {
    const dir = await makeProject(t, { 'sources/intranet.yaml': SOURCE, 'connectors/notes.ts': changed([from, to]) });
    const runtime = await openRuntime({ dir, command: 'test' });
    try {
      await assert.rejects(
        runtime.context.extractSource('intranet').then((source) =>
          source.extract(
            {
              feed: 'notes',
              datasets: [{ name: 'notes', read: { list: 'notes' }, columns: [] }],
              progressed: () => undefined,
            } as never,
            { open: async () => undefined, write: async () => undefined, checkpoint: async () => undefined } as never,
          ),
        ),
        { code, transient },
      );
    } finally {
      await runtime.close();
    }
  }
});

test('the contract passes for the template, and finds what is wrong with others', async (t) => {
  const dir = await makeProject(t, connectorTemplate('notes'));
  const passes = await tool(process.execPath, ['--import', REGISTER, '--test', 'connectors/notes.test.ts'], dir);
  assert.equal(passes.code, 0, passes.text);
  const mutants: [name: string, failing: RegExp, ...changes: [string, string][]][] = [
    ['forgets', /reads nothing new/, ['position: { after }', 'position: {}']],
    ['miscounts', /declares as many rows/, ['{ rows } } }', '{ rows: rows + 1 } } }']],
    ['repeats', /broken off/, ["Number(request.progress?.['after'] ?? start)", 'start']],
    [
      'deaf',
      /stops when it is told/,
      ['    request.signal?.throwIfAborted();\n    for', '    for'],
      ['      request.signal?.throwIfAborted();\n', ''],
    ],
    [
      'mistypes',
      /every record becomes a row/,
      ["name: 'text', from: 'text', type: 'text'", "name: 'text', from: 'text', type: 'date'"],
    ],
    ['misnames', /offers what can be read/, ["key: ['id'],\n      read", "key: ['di'],\n      read"]],
  ];
  const body = mutants.map(
    ([name], i) => `import m${i} from './${name}.ts';\nconnectorContract('${name}', { connector: m${i} });\n`,
  );
  await writeFiles(dir, {
    'connectors/all.test.ts': `import { connectorContract } from 'granary/connector/testing';\n${body.join('')}`,
    ...Object.fromEntries(mutants.map(([name, , ...changes]) => [`connectors/${name}.ts`, changed(...changes)])),
  });
  const words = ['--import', REGISTER, '--test', '--test-reporter=tap', 'connectors/all.test.ts'];
  const { text } = await tool(process.execPath, words, dir);
  const suites = text.split('# Subtest: connector ').slice(1);
  assert.equal(suites.length, mutants.length, text);
  for (const [i, [name, failing]] of mutants.entries()) {
    assert.ok(suites[i]!.startsWith(name), suites[i]);
    const failed = [...suites[i]!.matchAll(/^ {4}not ok \d+ - (.*)$/gm)].map((m) => m[1]!);
    assert.ok(
      failed.some((f) => failing.test(f)),
      `${name}: ${failed.join('; ')}`,
    );
  }
});

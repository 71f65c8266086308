/** The guide does not rot: every configuration in it loads, every command in it is one, every statement runs, every link leads somewhere. */
import assert from 'node:assert/strict';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { parse, stringify } from 'yaml';
import { openDuckDbWarehouse } from '../src/adapters/warehouse/duckdb/duckdb.ts';
import { COMMANDS } from '../src/cli/commands.ts';
import { parseCommandLine } from '../src/cli/parse.ts';
import { loadProject } from '../src/project/load.ts';
import { catalogOf } from '../src/runtime/project-catalog.ts';
import { type CodeBlock, codeBlocks, fileLinks, shellCommands, shellWords } from './support/markdown.ts';

const pages = globSync(['README.md', 'docs/guide/*.md', 'examples/**/*.md']).sort();
const textOf = (page: string) => readFileSync(page, 'utf8');
const blocksOf = (page: string, language: string) => codeBlocks(textOf(page)).filter((b) => b.language === language);

/** What a block that shows only some settings of a dataset is laid over. */
const DATASET = {
  files: 'sales_{store}_{date:yyyyMMdd}.csv',
  columns: {
    sale_id: 'bigint',
    store: 'text',
    sku: 'text',
    sold_at: 'timestamp',
    quantity: 'integer',
    price: 'decimal(12,2)',
    amount: 'decimal(12,2)',
    customer: 'text',
    email: 'text',
    status: 'text',
    changed_at: 'timestamp',
  },
};

test('the first two commands of the README are all the set-up there is', () => {
  const [first] = blocksOf('README.md', 'sh');
  assert.deepEqual(shellCommands(first!.text), ['npm ci && npm run demo', 'npm ci && npm test']);
});

test('every page has something to check', () => {
  assert.ok(pages.length >= 14, pages.join(', '));
});

for (const page of pages) {
  for (const block of blocksOf(page, 'yaml')) {
    test(`${page}:${block.line} is configuration that loads without problems and warnings`, async (t) => {
      const { warnings } = await load(t, projectFiles(page, block));
      assert.deepEqual(warnings, []);
    });
  }
}

for (const project of ['examples/demo/project', 'examples/retail-files', 'examples/retailer']) {
  test(`${project} loads without problems and warnings`, async (t) => {
    const names = globSync('**/*.yaml', { cwd: project });
    const { warnings } = await load(t, Object.fromEntries(names.map((n) => [n, textOf(join(project, n))])));
    assert.deepEqual(warnings, []);
  });
}

test('every command in the guide is one that the command line understands', () => {
  for (const page of pages) {
    for (const command of blocksOf(page, 'sh').flatMap((b) => shellCommands(b.text))) {
      const words = shellWords(command.replace(/^.*npm run -s granary --/, 'granary').replace(/ [<>|] .*$/, ''));
      if (words[0] === 'granary')
        assert.doesNotThrow(() => parseCommandLine(words.slice(1), COMMANDS), `${page}: ${command}`);
    }
  }
});

test('every statement over the system tables runs', async (t) => {
  const dir = await folder(t);
  const warehouse = await openDuckDbWarehouse({
    path: join(dir, 'warehouse.duckdb'),
    memoryLimit: 500e6,
    threads: 1,
    scratch: join(dir, 'scratch'),
    folders: [],
  });
  t.after(() => warehouse.close());
  for (const page of pages) {
    for (const { text, line } of blocksOf(page, 'sql')) {
      await assert.doesNotReject(async () => {
        for await (const _ of (await warehouse.query(text)).batches);
      }, `${page}:${line}`);
    }
  }
});

test('every link to a file leads to one', () => {
  const broken = pages.flatMap((page) =>
    fileLinks(textOf(page))
      .filter((target) => !existsSync(join(dirname(page), target)))
      .map((target) => `${page}: ${target}`),
  );
  assert.deepEqual(broken, []);
});

/** Files of the project that a block belongs to: itself, with what the page shows of other files. */
function projectFiles(page: string, block: CodeBlock): Record<string, string> {
  const project = { 'granary.yaml': 'name: docs\nmask_key: ${secret:MASK_KEY}\n' };
  const name = nameOf(page, block);
  if (name === 'dataset') {
    const source = {
      connector: { type: 'folder', path: 'inbox' },
      datasets: { sales: { ...DATASET, ...parse(block.text) } },
    };
    return { ...project, 'sources/docs.yaml': stringify(source) };
  }
  const files = codeOf(page);
  for (const other of blocksOf(page, 'yaml')) {
    const otherName = nameOf(page, other);
    if (otherName !== 'dataset') files[otherName] ??= other.text;
  }
  return { ...project, ...files, [name]: block.text };
}

/** Code of the project's own that a page shows: its first line is a comment with its file. */
function codeOf(page: string): Record<string, string> {
  const files: Record<string, string> = {};
  for (const { text } of blocksOf(page, 'ts')) {
    const file = /^\/\/ ((?:connectors|transforms)\/[a-z_.]+\.ts)\n/.exec(text)?.[1];
    if (file !== undefined) files[file] = text;
  }
  return files;
}

/** A block says in its first line which file it is, or that it is a part of a `dataset`. */
function nameOf(page: string, { text, line }: CodeBlock): string {
  const name = /^# (granary\.yaml|sources\/[a-z_]+\.yaml|dataset)\b/.exec(text)?.[1];
  assert.ok(name, `${page}:${line} begins with "# granary.yaml", "# sources/<name>.yaml" or "# dataset"`);
  return name;
}

async function load(t: TestContext, files: Record<string, string>) {
  const dir = await folder(t);
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(dir, name)), { recursive: true });
    await writeFile(join(dir, name), text);
  }
  const used = Object.values(files)
    .join('\n')
    .matchAll(/\$\{env:([A-Z_]+)/g);
  const sample = (name: string, other: string) =>
    name.endsWith('_URL') ? 'https://hooks.example.com/a-secret' : other;
  const env = Object.fromEntries([...used].map((m) => [m[1]!, sample(m[1]!, '1')]));
  const get = async (name: string) => sample(name, 'a secret');
  return loadProject({ dir, components: (await catalogOf(dir)).components, secrets: { get }, env });
}

async function folder(t: TestContext): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'granary-docs-'));
  t.after(() => rm(dir, { recursive: true }));
  return dir;
}

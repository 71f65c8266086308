/** Machines of the example projects: agreed text, accepted by both linters, the same whenever they are compiled. */
import assert from 'node:assert/strict';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { drawMachine } from '../src/asl/draw.ts';
import { lintMachine } from '../src/asl/lint.ts';
import type { Machine } from '../src/asl/types.ts';
import { loadProject } from '../src/project/load.ts';
import { compilePipeline } from '../src/project/machines/compile.ts';
import { findPipeline, pipelinesOf } from '../src/project/pipelines.ts';
import type { Project } from '../src/project/project.ts';
import { COMPONENTS } from '../src/runtime/catalog.ts';
import { sampleProject } from './cli.ts';

/** Checks against the published schema of the language, its paths and intrinsics. */
const validate = createRequire(import.meta.url)('asl-validator') as (machine: Machine) => {
  isValid: boolean;
  errorsText(separator: string): string;
};

const EXAMPLES = { demo: '../examples/demo/project', 'retail-files': '../examples/retail-files' };

async function example(name: keyof typeof EXAMPLES): Promise<Project> {
  const dir = fileURLToPath(new URL(EXAMPLES[name], import.meta.url));
  const { project } = await loadProject({
    dir,
    components: COMPONENTS,
    secrets: { get: async () => 'a secret of thirty-two characters' },
    env: {},
  });
  return project;
}

const GOLDEN: [keyof typeof EXAMPLES, string][] = [
  ['demo', 'daily'],
  ['demo', 'tills'],
  ['demo', 'tills.sales'],
  ['retail-files', 'daily'],
];

for (const [name, pipeline] of GOLDEN)
  test(`the machine ${pipeline} of ${name} is as it was agreed`, async () => {
    const project = await example(name);
    const machine = compilePipeline(project, findPipeline(project, pipeline)!);
    await agreed(`${name}.${pipeline}.json`, `${JSON.stringify(machine, null, 1)}\n`);
  });

async function agreed(name: string, found: string): Promise<void> {
  const file = new URL(`golden/machines/${name}`, import.meta.url);
  if (process.env['UPDATE_GOLDEN']) {
    await mkdir(new URL('.', file), { recursive: true });
    await writeFile(file, found);
  }
  assert.equal(found, await readFile(file, 'utf8'), 'run with UPDATE_GOLDEN=1 when the change is meant');
}

for (const name of ['demo', 'retail-files'] as const)
  test(`every machine of ${name} is within the portable profile and valid for Step Functions`, async () => {
    const project = await example(name);
    const pipelines = pipelinesOf(project);
    assert.ok(pipelines.length > 5);
    for (const pipeline of pipelines)
      for (const options of [{}, { skipCollect: true }]) {
        const machine = compilePipeline(project, pipeline, options);
        assert.deepEqual(lintMachine(machine), [], pipeline.name);
        const { isValid, errorsText } = validate(machine);
        assert.ok(isValid, `${pipeline.name}: ${isValid ? '' : errorsText('\n')}`);
      }
  });

test('the drawing of a machine shows every state, within 100 columns', async () => {
  const project = await example('demo');
  for (const pipeline of pipelinesOf(project)) {
    const machine = compilePipeline(project, pipeline);
    const lines = drawMachine(machine);
    assert.ok(lines.every((line) => line.length <= 100));
    const names: string[] = [];
    JSON.stringify(machine, (name, value) => {
      if (name === 'States') names.push(...Object.keys(value));
      return value;
    });
    assert.ok(names.length > 30);
    for (const name of names)
      assert.ok(
        lines.some((line) => line.includes(name)),
        `${pipeline.name}: ${name}`,
      );
  }
});

test('both linters refuse what a machine must not hold', async () => {
  const project = await example('demo');
  const broken = compilePipeline(project, findPipeline(project, 'tills')!);
  (broken.States['Plan'] as { Next: string }).Next = 'Nowhere';
  assert.match(
    lintMachine(broken)
      .map((f) => f.message)
      .join(),
    /no state 'Nowhere'/,
  );
  assert.equal(validate(broken).isValid, false);
});

test('the same project gives the same text', async () => {
  const texts = async () => {
    const project = await example('demo');
    return pipelinesOf(project).map((p) => JSON.stringify(compilePipeline(project, p)));
  };
  assert.deepEqual(await texts(), await texts());
});

test('renaming a source changes its name in the machines and nothing else', async () => {
  const project = await example('demo');
  const source = project.sources.get('tills')!;
  const datasets = [...source.datasets].map(
    ([name, d]) => [name, { ...d, source: 'shops', key: `main/shops/${name}` }] as const,
  );
  const renamed: Project = {
    ...project,
    sources: new Map(
      [...project.sources].map(([name, s]) =>
        name === 'tills' ? ['shops', { ...s, name: 'shops', datasets: new Map(datasets) }] : [name, s],
      ),
    ),
  };
  for (const [before, after] of [
    ['tills', 'shops'],
    ['tills.sales', 'shops.sales'],
  ] as const) {
    const text = JSON.stringify(compilePipeline(project, findPipeline(project, before)!));
    const other = JSON.stringify(compilePipeline(renamed, findPipeline(renamed, after)!));
    assert.notEqual(text, other);
    assert.equal(text.replaceAll('tills', 'shops'), other);
  }
});

test('every call of a stage has a deadline, retries, and a key that is the same for every attempt', async () => {
  const project = await example('demo');
  const tasks: [string, { Resource: string; Parameters: unknown; TimeoutSeconds?: number; Retry?: unknown[] }][] = [];
  JSON.stringify(compilePipeline(project, findPipeline(project, 'tills.sales')!), (name, value) => {
    if (value?.Type === 'Task') tasks.push([name, value]);
    return value;
  });
  assert.ok(tasks.length > 20);
  for (const [name, task] of tasks) {
    assert.ok(task.TimeoutSeconds! > 0, name);
    assert.ok(task.Retry!.length > 1, name);
    const text = JSON.stringify(task.Parameters);
    assert.match(text, /States\.Format\('\{\}\//, name);
    assert.doesNotMatch(text, /RetryCount|EnteredTime|States\.UUID/, name);
  }
});

test('granary machine list and show tell what a project runs, as text and as JSON', async (t) => {
  const sh = await sampleProject(t);
  const list = await sh.granary('machine', 'list');
  assert.equal(list.code, 0, list.stderr);
  assert.match(list.stdout, /^daily +project +stores +manual$/m);
  assert.match(list.stdout, /^stores\.sales +dataset +stores /m);
  const shown = await sh.granary('machine', 'show', 'stores.sales');
  assert.match(shown.stdout, /┌─ Publish ─+ Task ─┐/);
  const machine = JSON.parse((await sh.granary('machine', 'show', 'stores.sales', '--json')).stdout) as Machine;
  assert.deepEqual(lintMachine(machine), []);
  const wrong = await sh.granary('machine', 'show', 'store.sales');
  assert.equal(wrong.code === 0, false);
  assert.match(wrong.stderr, /no pipeline store\.sales[\s\S]*Did you mean stores\.sales\?/);
});

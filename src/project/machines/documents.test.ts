/** Documents of machines: their plans, what they keep small, and what the linter refuses. */
import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { drawMachine } from '../../asl/draw.ts';
import { lintMachine } from '../../asl/lint.ts';
import type { Machine, MapState, PassState, State } from '../../asl/types.ts';
import { COMPONENTS } from '../../runtime/catalog.ts';
import { loadProject } from '../load.ts';
import { findPipeline, pipelinesOf } from '../pipelines.ts';
import type { Project } from '../project.ts';
import { load } from '../testing.ts';
import { checkMachines } from './check.ts';
import { type CompileOptions, compilePipeline } from './compile.ts';

const EXAMPLES = { demo: 'examples/demo/project', 'retail-files': 'examples/retail-files' };
const root = new URL('../../../', import.meta.url);

async function example(name: keyof typeof EXAMPLES): Promise<Project> {
  const dir = fileURLToPath(new URL(EXAMPLES[name], root));
  const secrets = { get: async (secret: string) => `the value of ${secret}` };
  return (await loadProject({ dir, components: COMPONENTS, secrets, env: {} })).project;
}

const compile = (project: Project, name: string, options?: CompileOptions) =>
  compilePipeline(project, findPipeline(project, name)!, options);

/** Every state with its name, those of bodies included. */
function statesOf(states: Record<string, State>): [string, State][] {
  return Object.entries(states).flatMap(([name, state]) => [
    [name, state] as [string, State],
    ...(state.Type === 'Map' ? statesOf(state.ItemProcessor.States) : []),
    ...(state.Type === 'Parallel' ? state.Branches.flatMap((b) => statesOf(b.States)) : []),
  ]);
}

interface Plan {
  sources: { name: string; datasets: string[] | null }[];
  waves: { datasets: { key: string }[] }[];
}

const planOf = ({ States }: Machine) => (States['Plan'] as PassState).Result as unknown as Plan;
const wavesIn = (machine: Machine) => planOf(machine).waves.map((wave) => wave.datasets.map((d) => d.key));

for (const [name, pipeline] of [
  ['demo', 'daily'],
  ['demo', 'tills.sales'],
] as const)
  test(`the drawing of ${pipeline} of ${name} is as it was agreed`, async () => {
    const found = `${drawMachine(compile(await example(name), pipeline)).join('\n')}\n`;
    const file = new URL(`test/golden/machines/${name}.${pipeline}.txt`, root);
    if (process.env['UPDATE_GOLDEN']) await writeFile(file, found);
    assert.equal(found, await readFile(file, 'utf8'), 'run with UPDATE_GOLDEN=1 when the change is meant');
  });

for (const name of Object.keys(EXAMPLES) as (keyof typeof EXAMPLES)[])
  test(`machines of ${name} are within the profile for any selection of sources and datasets`, async () => {
    const project = await example(name);
    for (const pipeline of pipelinesOf(project)) {
      const datasets = pipeline.source === undefined ? [] : [...project.sources.get(pipeline.source)!.datasets.keys()];
      const selections: CompileOptions[] = [{ sources: pipeline.sources.slice(0, 1) }, { sources: [] }];
      if (pipeline.kind === 'source') selections.push({ datasets: datasets.slice(0, 1) }, { datasets });
      for (const options of selections.flatMap((s) => [s, { ...s, skipCollect: true }]))
        assert.deepEqual(lintMachine(compilePipeline(project, pipeline, options)), [], pipeline.name);
    }
    assert.deepEqual(checkMachines(project), []);
  });

test('no secret, host or path of this machine is in a document', async () => {
  const project = await example('retail-files');
  const text = JSON.stringify(pipelinesOf(project).map((p) => compilePipeline(project, p)));
  assert.doesNotMatch(text, /the value of/);
  assert.ok(!text.includes(project.dir));
});

const reference = (lines: string) => `connector: { type: folder, path: inbox }
datasets:
  products:
    files: products_*.csv
    columns: { sku: text, kind: text }
  kinds:
    files: kinds_*.csv
    columns: { kind: text }
${lines}`;

const REFERENCES = {
  'sources/catalog.yaml': reference(''),
  'sources/a_shop.yaml': `connector: { type: folder, path: inbox }
datasets:
  sales:
    files: sales_*.csv
    columns: { sku: text }
    rules: [{ exists: { columns: sku, table: products } }]
`,
};

test('what looks a table up comes in a later wave than what fills it, in every selection that has both', async (t) => {
  const { project } = await load(t, REFERENCES);
  assert.deepEqual(wavesIn(compile(project, 'daily')), [
    ['main/catalog/kinds', 'main/catalog/products'],
    ['main/a_shop/sales'],
  ]);
  assert.deepEqual(wavesIn(compile(project, 'daily', { sources: ['a_shop'] })), [['main/a_shop/sales']]);
  assert.deepEqual(wavesIn(compile(project, 'catalog', { datasets: ['kinds'] })), [['main/catalog/kinds']]);
  assert.deepEqual(wavesIn(compile(project, 'catalog.products')), [['main/catalog/products']]);
  const waves = compile(project, 'daily').States['Waves'] as MapState;
  assert.equal(waves.MaxConcurrency, 1, 'one wave after the other');
});

test('a selection is all a machine works on, and without collecting nothing is looked for', async (t) => {
  const { project } = await load(t, REFERENCES);
  assert.deepEqual(
    planOf(compile(project, 'catalog', { datasets: ['kinds'] })).sources.map((s) => [s.name, s.datasets]),
    [['catalog', ['kinds']]],
  );
  for (const name of ['daily', 'catalog', 'catalog.kinds']) {
    const { States } = compile(project, name, { skipCollect: true });
    const stages = statesOf(States).map(([, s]) => (s.Type === 'Task' ? s.Parameters?.['FunctionName'] : undefined));
    assert.ok(!stages.includes('granary-poll') && !stages.includes('granary-land'), name);
    assert.ok(stages.includes('granary-load'), name);
  }
});

test('a project without files to read has machines that run', async (t) => {
  const { project } = await load(t, {});
  const machine = compile(project, 'daily');
  assert.deepEqual(lintMachine(machine), []);
  assert.deepEqual(planOf(machine), { sources: [], waves: [] });
});

test('a pipeline of more than a state can hold is found before it runs', async (t) => {
  const { project } = await load(t, REFERENCES);
  const catalog = project.sources.get('catalog')!;
  const many = Array.from({ length: 6000 }, (_, i) => ({ ...catalog, name: `s${i}`, datasets: new Map() }));
  const found = checkMachines({ ...project, sources: new Map(many.map((source) => [source.name, source])) });
  assert.deepEqual(
    found.map((f) => [f.machine, f.path]),
    [['daily', 'States.Plan.Result']],
  );
});

/** What a machine of many files would carry along: lists of results of Maps, and outputs of tasks that are not asked for. */
test('data of states stay small: results of lists are dropped, and of outputs only the fields that are needed go on', async () => {
  for (const name of Object.keys(EXAMPLES) as (keyof typeof EXAMPLES)[]) {
    const project = await example(name);
    for (const pipeline of pipelinesOf(project))
      for (const [at, state] of statesOf(compilePipeline(project, pipeline).States)) {
        const where = `${pipeline.name}: ${at}`;
        if (state.Type === 'Map' && state.ItemReader) {
          assert.equal(state.ResultPath, null, where);
          assert.ok(state.ResultWriter, where);
        }
        if (state.Type === 'Map' && state.ResultPath !== null)
          assert.equal(state.ItemsPath, '$.verified.datasets', `${where}: one result for each dataset of one file`);
        if (state.Type === 'Task' && state.ResultPath !== null) assert.ok(state.ResultSelector, where);
      }
  }
});

test('what a stage refuses for good is not tried again, and what it may do later is', async () => {
  const project = await example('demo');
  for (const [at, state] of statesOf(compile(project, 'daily').States)) {
    if (state.Type !== 'Task' || state.Resource !== 'arn:aws:states:::lambda:invoke') continue;
    const tried = state.Retry!.filter((r) => r.MaxAttempts !== 0).flatMap((r) => r.ErrorEquals);
    for (const name of ['Granary.Transient', 'Granary.DiskFull', 'States.Timeout', 'Lambda.TooManyRequestsException'])
      assert.ok(tried.includes(name), `${at}: ${name}`);
    for (const name of ['Granary.Terminal', 'Granary.Blocked', 'States.ALL', 'States.TaskFailed'])
      assert.ok(!tried.includes(name), `${at}: ${name}`);
  }
});

/** What, the state, the fields it gets, and what the linter says. */
const OUTSIDE: [string, string, Record<string, unknown>, RegExp][] = [
  ['an activity', 'Begin', { Resource: 'arn:aws:states:eu-west-1:1:activity:x' }, /Resource/],
  ['JSONata', 'Begin', { QueryLanguage: 'JSONata' }, /outside the profile/],
  ['Assign', 'Plan', { Assign: { x: 1 } }, /Assign/],
  ['a state that is not there', 'Plan', { Next: 'Nowhere' }, /no state/],
  ['a name that is taken', 'Waves', { ItemProcessor: processor({ Begin: { Type: 'Succeed' } }) }, /names are unique/],
  ['a Map of an older kind', 'Waves', { Iterator: processor({ One: { Type: 'Succeed' } }) }, /Iterator/],
  ['more at once than a Map runs', 'Waves', { MaxConcurrency: 41 }, /MaxConcurrency/],
  ['a path that leads to many places', 'Plan', { ResultPath: '$.a[*]' }, /reference path/],
  ['an unknown intrinsic', 'Plan', { Parameters: { 'a.$': 'States.Now()' } }, /States\.Now/],
  ['data over the limit', 'Plan', { Result: 'x'.repeat(262_144) }, /at most 262144/],
];

function processor(states: Record<string, State>) {
  return { ProcessorConfig: { Mode: 'INLINE' }, StartAt: Object.keys(states)[0], States: states };
}

for (const [what, state, fields, message] of OUTSIDE)
  test(`the linter refuses ${what}, which would not run everywhere`, async (t: TestContext) => {
    const { project } = await load(t, REFERENCES);
    const machine = structuredClone(compile(project, 'daily', { skipCollect: true }));
    assert.deepEqual(lintMachine(machine), []);
    Object.assign(machine.States[state]!, fields);
    const found = lintMachine(machine).map((f) => `${f.path}: ${f.message}`);
    assert.ok(
      found.some((f) => message.test(f)),
      found.join('\n') || 'nothing found',
    );
  });

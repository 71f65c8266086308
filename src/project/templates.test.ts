import assert from 'node:assert/strict';
import { test } from 'node:test';
import { projectTemplate } from './templates.ts';
import { lineOf, load } from './testing.ts';

const files = projectTemplate('shop');

test('a new project loads without problems or warnings', async (t) => {
  const { project, warnings } = await load(t, files);
  assert.deepEqual(warnings.map(lineOf), []);
  assert.equal(project.config.name, 'shop');
  assert.deepEqual([...project.sources.get('stores')!.datasets.keys()], ['sales']);
});

test('the settings that a new project shows in comments are right ones', async (t) => {
  const uncommented = { ...files, 'granary.yaml': files['granary.yaml']!.replaceAll(/^#(?! )|^#(?= {2})/gm, '') };
  const { project } = await load(t, uncommented, { environment: 'prod', secrets: { get: async () => 'a mask key' } });
  assert.equal(project.config.mask_key, 'a mask key');
  assert.equal(project.sources.get('stores')!.config.connector.path, '/srv/drop/stores');
});

test('the sample file is one that the new project takes, with the columns of its contract', async (t) => {
  const { project } = await load(t, files);
  const { config } = project.sources.get('stores')!.datasets.get('sales')!;
  const sample = files['inbox/sales_20261119.csv']!;
  const [header, ...records] = sample.trimEnd().split('\n');
  assert.equal(config.files, 'sales_{date:yyyyMMdd}.csv');
  assert.deepEqual(header!.split(','), Object.keys(config.columns));
  assert.equal(records.length, 8);
});

test('what must not be shared is kept out of version control', () => {
  assert.match(files['.gitignore']!, /^\.granary\/$/m);
  assert.match(files['.gitignore']!, /^\.secrets\.key$/m);
});

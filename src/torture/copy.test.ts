import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import type { Project } from '../project/project.ts';
import { copyProject } from './copy.ts';

test('a copy has the project’s own connectors with the packages that they import, and no data', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'granary-copy-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const files = {
    'node_modules/driver/index.js': 'export default 7;',
    'node_modules/driver/package.json': '{"type": "module", "exports": "./index.js"}',
    'shop/granary.yaml': 'name: shop\n',
    'shop/connectors/box.ts': "import seven from 'driver';\nexport default seven;\n",
    'shop/.granary/state.db': 'data',
  };
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), text);
  }
  const dir = join(folder, 'shop');
  const to = await mkdtemp(join(tmpdir(), 'granary-copy-'));
  t.after(() => rm(to, { recursive: true, force: true }));
  await copyProject({ dir, dataDir: join(dir, '.granary') } as Project, to);
  assert.equal(((await import(join(to, 'connectors/box.ts'))) as { default: unknown }).default, 7);
  assert.ok(!existsSync(join(to, '.granary')));
  await rm(to, { recursive: true });
  assert.match(await readFile(join(folder, 'node_modules/driver/index.js'), 'utf8'), /7/, 'what was found stays');
});

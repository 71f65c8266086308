/** `granary discover` of an API that does not say what it has. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { sampleProject } from './cli.ts';
import { startRestServer } from './servers/rest.ts';

test('an API without a description is read from the paths that a person names, and runs', async (t) => {
  const server = await startRestServer(230);
  t.after(() => server.stop());
  const sh = await sampleProject(t);
  const discover = (...words: string[]) =>
    sh.granary('discover', '--connector', 'rest', '--set', `base=${server.url}`, '--name', 'crm', ...words);
  const nothing = await discover();
  assert.match(nothing.stderr, /does not say by itself what it has.*--only \/contacts.*openapi.*preset \(matomo/s);
  const pattern = await discover('--only', 'contact*');
  assert.equal(pattern.code, 2);
  assert.match(pattern.stderr, /offers nothing that is called contact\*.*--only \/contacts/s);
  const missing = await discover('--only', '/nowhere');
  assert.equal(missing.code, 1);
  assert.match(missing.stderr, /left out nowhere.*HTTP status 404/s);

  const found = await discover('--only', '/cursor?sort=updated_at');
  assert.equal(found.code, 0, found.stderr);
  const yaml = await readFile(join(sh.dir, 'sources/crm.yaml'), 'utf8');
  assert.match(yaml, /cursor:\n/);
  assert.match(yaml, /type: cursor/);
  const run = await sh.granary('run', '--source', 'crm');
  assert.equal(run.code, 0, run.stderr + run.stdout);
  const query = await sh.granary('query', 'SELECT count(*) AS n FROM "cursor"', '--json');
  assert.match(query.stdout, /230/);
});

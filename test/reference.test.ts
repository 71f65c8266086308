/** The committed reference documentation is the one that the specs give today. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';

test('docs/reference is what `npm run docs` writes', (t) => {
  const fresh = mkdtempSync(join(tmpdir(), 'granary-docs-'));
  t.after(() => rmSync(fresh, { recursive: true, force: true }));
  execFileSync(process.execPath, ['bin/granary.js', 'docs', '--write', fresh]);
  const pages = globSync('**/*.md', { cwd: fresh }).sort();
  assert.ok(pages.length > 5);
  assert.deepEqual(globSync('**/*.md', { cwd: 'docs/reference' }).sort(), pages);
  for (const page of pages) {
    assert.equal(
      readFileSync(join('docs/reference', page), 'utf8'),
      readFileSync(join(fresh, page), 'utf8'),
      `${page} is stale: npm run docs`,
    );
  }
});

import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { test } from 'node:test';

test('help is quick because it loads no command, no component and no driver', () => {
  const seen = new Set<string>();
  const packages = new Set<string>();
  const visit = (file: string) => {
    if (seen.has(file)) return;
    seen.add(file);
    assert.ok(existsSync(file), file);
    for (const [, from] of readFileSync(file, 'utf8').matchAll(
      /^(?:import|export)\s+(?!type\s)[^;]*?from\s+'([^']+)'/gm,
    )) {
      if (from!.startsWith('.')) visit(normalize(join(dirname(file), from!)));
      else if (!from!.startsWith('node:')) packages.add(from!);
    }
  };
  visit('src/cli/main.ts');
  visit('src/cli/help.ts');
  assert.deepEqual([...packages], []);
  assert.deepEqual(
    [...seen].filter((f) => !/^src\/(cli\/[^/]+|cli\/(terminal|table)\/[^/]+|lib\/[^/]+)$/.test(f)),
    [],
  );
});

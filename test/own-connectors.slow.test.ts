/** A project with the published package: types of the template, its test, and a run from the build. */
import assert from 'node:assert/strict';
import { cp, mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { connectorTemplate } from '../src/project/connector-template.ts';
import { transformTemplate } from '../src/project/transform-template.ts';
import { codeBlocks } from './support/markdown.ts';
import { changed, ROOT, SOURCE, tool } from './support/own-connectors.ts';
import { makeProject, writeFiles } from './support/projects.ts';

test('with the package installed the template has its types, and both work from the build', {
  timeout: 600_000,
}, async (t) => {
  const dir = await makeProject(t, connectorTemplate('notes'));
  const installed = join(dir, 'node_modules/granary');
  await mkdir(join(dir, 'node_modules/@types'), { recursive: true });
  await mkdir(installed);
  for (const part of ['package.json', 'bin', 'exports'])
    await cp(join(ROOT, part), join(installed, part), { recursive: true });
  await symlink(join(ROOT, 'node_modules'), join(installed, 'node_modules'));
  await symlink(join(ROOT, 'node_modules/@types/node'), join(dir, 'node_modules/@types/node'));
  const tsc = join(ROOT, 'node_modules/.bin/tsc');
  await tool(process.execPath, [tsc, '-p', 'tsconfig.build.json', '--outDir', join(installed, 'dist')], ROOT);
  await writeFile(join(dir, 'package.json'), '{"type": "module"}');
  // The example of the guide has the right types too.
  const guide = await readFile(join(ROOT, 'docs/guide/own-connectors.md'), 'utf8');
  const [example] = codeBlocks(guide).filter((b) => b.language === 'ts');
  const transforms = await readFile(join(ROOT, 'docs/guide/transforms.md'), 'utf8');
  const [numbers, numbersTest] = codeBlocks(transforms).filter((b) => b.language === 'ts');
  await writeFiles(dir, {
    ...transformTemplate('tidy'),
    'connectors/tickets.ts': example!.text,
    'transforms/phone_numbers.ts': numbers!.text,
    'transforms/phone_numbers.test.ts': numbersTest!.text,
  });
  const compilerOptions = {
    target: 'es2024',
    module: 'nodenext',
    strict: true,
    noEmit: true,
    allowImportingTsExtensions: true,
    skipLibCheck: true,
    types: ['node'],
  };
  await writeFile(
    join(dir, 'tsconfig.json'),
    JSON.stringify({ compilerOptions, include: ['connectors', 'transforms'] }),
  );
  const right = await tool(process.execPath, [tsc, '-p', dir], dir);
  assert.equal(right.code, 0, right.text);
  const wrong = changed(['after = note.id', 'after = note.di'], ['more: false', 'more: 1']);
  await writeFiles(dir, { 'connectors/wrong.ts': wrong });
  const told = await tool(process.execPath, [tsc, '-p', dir], dir);
  assert.match(told.text, /connectors\/wrong\.ts.*Property 'di' does not exist/);
  assert.match(told.text, /connectors\/wrong\.ts.*'number' is not assignable to type 'boolean'/);
  await rm(join(dir, 'connectors/wrong.ts'));
  const tests = ['connectors/notes.test.ts', 'transforms/tidy.test.ts', 'transforms/phone_numbers.test.ts'];
  const contract = await tool(process.execPath, ['--test', ...tests], dir);
  assert.equal(contract.code, 0, contract.text);
  await writeFiles(dir, { 'sources/intranet.yaml': `${SOURCE}    transform: tidy\n` });
  const run = await tool(process.execPath, [join(installed, 'bin/granary.js'), 'run'], dir);
  assert.match(run.text, /notes +1 +5 +5 .*balanced/);
});

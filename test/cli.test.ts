/** What a person and a script at the command line can rely on, with the real binary: projects, help, errors, secrets, locks, signals. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { COMMANDS } from '../src/cli/commands.ts';
import { commandHelp, overview } from '../src/cli/help.ts';
import { styleFor } from '../src/cli/terminal/style.ts';
import { acquireDataDir } from '../src/runtime/lock.ts';
import { sampleProject, shell } from './cli.ts';

test('a new project works at once: init, check, run, query, and the books balance', async (t) => {
  const sh = await shell(t);
  const init = await sh.granary('init', 'shop');
  assert.equal(init.code, 0, init.stderr);
  assert.match(init.stdout, /cd shop/);
  const twice = await sh.granary('init', 'shop');
  assert.deepEqual([twice.code, /is there already/.test(twice.stderr)], [2, true]);
  const check = await sh.granary('-C', 'shop', 'check');
  assert.deepEqual([check.code, check.stdout], [0, 'shop: 1 source, 1 dataset, no problems\n']);
  const run = await sh.granary('-C', 'shop', 'run');
  assert.equal(run.code, 0, run.stderr);
  assert.match(run.stdout, /stores\.sales +1 +8 +6 +1 +0 +1 +balanced ✓/);
  assert.match(run.stdout, /granary rejects --dataset stores\.sales --rule 'type\(quantity\)'/);
  const query = await sh.granary(
    '-C',
    'shop',
    'query',
    'SELECT count(*) AS n, sum(amount) AS total FROM sales',
    '--format',
    'csv',
  );
  assert.equal(query.stdout, 'n,total\n6,331.20\n');
  const again = await sh.granary('-C', 'shop', 'run');
  assert.match(again.stdout, /nothing new/);
});

test('help says what it said before', async () => {
  const file = new URL('golden/help.txt', import.meta.url);
  const plain = styleFor(false);
  const found = [overview(COMMANDS, plain), ...COMMANDS.map((c) => commandHelp(c, plain))]
    .map((lines) => lines.join('\n'))
    .join('\n\n---\n\n');
  if (process.env['UPDATE_GOLDEN']) await writeFile(file, `${found}\n`);
  assert.equal(`${found}\n`, await readFile(file, 'utf8'), 'run with UPDATE_GOLDEN=1 when the change is meant');
});

test('help is on standard output and ends well; a wrong line is on standard error and ends with 2', async (t) => {
  const sh = await shell(t);
  for (const words of [['--help'], [], ['run', '--help'], ['quarantine']]) {
    const { code, stdout, stderr } = await sh.granary(...words);
    assert.deepEqual([code, stderr], [0, '']);
    assert.match(stdout, /Usage: granary/);
  }
  const wrong = await sh.granary('rnu');
  assert.deepEqual([wrong.code, wrong.stdout], [2, '']);
  assert.match(wrong.stderr, /"rnu" is not a command[\s\S]*granary run[\s\S]*code cli\.usage/);
  const nowhere = await sh.granary('check');
  assert.equal(nowhere.code, 2);
  assert.match(nowhere.stderr, /No granary\.yaml[\s\S]*granary init/);
});

test('check tells every problem of the project at once, each with its place and the right spelling', async (t) => {
  const sh = await sampleProject(t);
  await sh.file('granary.yaml', 'name: shop\ndata_dr: x\n');
  await sh.file('sources/stores.yaml', 'connector: { type: foldr, path: inbox }\ndatasets: {}\n');
  await sh.file('sources/broken.yaml', 'connector: { type: folder\n');
  const { code, stderr } = await sh.granary('check');
  assert.equal(code, 2);
  assert.match(stderr, /^granary\.yaml:2:1 {2}error {2}"data_dr" is not known here\. Did you mean "data_dir"\?$/m);
  assert.match(stderr, /^sources\/stores\.yaml:1:\d+ {2}error .*Did you mean "folder"\?$/m);
  assert.match(stderr, /^sources\/broken\.yaml:\d+:\d+ {2}error /m);
  const json = await sh.granary('check', '--json');
  assert.ok(JSON.parse(json.stdout).error.details.problems.length >= 3);
});

test('check of a project with 45 sources sees all of them', async (t) => {
  const sh = await sampleProject(t);
  const yaml = await readFile(join(sh.dir, 'sources/stores.yaml'), 'utf8');
  for (let i = 1; i < 45; i++) await sh.file(`sources/stores_${i}.yaml`, yaml.replace('  sales:', `  sales_${i}:`));
  const started = performance.now();
  const { code, stdout } = await sh.granary('check');
  t.diagnostic(`45 sources checked in ${Math.round(performance.now() - started)} ms`);
  assert.deepEqual([code, stdout], [0, 'shop: 45 sources, 45 datasets, no problems\n']);
});

test('check --connect says what each source answers, and fails when one does not', async (t) => {
  const sh = await sampleProject(t);
  const good = await sh.granary('check', '--connect');
  assert.equal(good.code, 0);
  assert.match(good.stdout, /✓ stores +folder .* sales 1\n/);
  await sh.file('sources/gone.yaml', 'connector: { type: folder, path: nowhere }\ndatasets: {}\n');
  const bad = await sh.granary('check', '--connect');
  assert.equal(bad.code, 1);
  assert.match(bad.stdout, /✗ gone[\s\S]*nowhere[\s\S]*connector\.not_found/);
});

test('a secret that is not set is named with the places it was looked for in', async (t) => {
  const sh = await sampleProject(t);
  await sh.file('granary.yaml', 'name: shop\nmask_key: ${secret:MASK_KEY}\n');
  const { code, stderr } = await sh.granary('run');
  assert.equal(code, 2);
  assert.match(
    stderr,
    /granary\.yaml:2:11 {2}error {2}secret MASK_KEY is not set; looked in the environment and .*secrets\.enc/,
  );
});

test('secrets are stored unseen, resolve in the project, and never appear in any output', async (t) => {
  const sh = await sampleProject(t);
  await sh.file('granary.yaml', 'name: shop\nmask_key: ${secret:MASK_KEY}\n');
  const set = await sh.granaryWith({ input: 'correct horse battery\n' }, 'secrets', 'set', 'MASK_KEY');
  assert.equal(set.code, 0, set.stderr);
  assert.equal((await stat(join(sh.dir, '.secrets.key'))).mode & 0o077, 0, 'only its owner reads the key');
  assert.doesNotMatch(await readFile(join(sh.dir, 'secrets.enc'), 'utf8'), /correct|MASK/);
  assert.equal((await sh.granary('secrets', 'list')).stdout, 'MASK_KEY\n');
  assert.equal((await sh.granary('check')).code, 0);
  await sh.file('sources/more.yaml', 'connector: { type: folder, path: "${secret:MASK_KEY}" }\ndatasets: {}\n');
  const probe = await sh.granary('check', '--connect');
  assert.match(probe.stdout, /\*\*\*/);
  assert.doesNotMatch(set.stdout + set.stderr + probe.stdout + probe.stderr, /correct horse/);
  const typo = await sh.granary('secrets', 'remove', 'MASK_KEI');
  assert.deepEqual([typo.code, /Did you mean MASK_KEY/.test(typo.stderr)], [2, true]);
  assert.equal((await sh.granary('secrets', 'remove', 'MASK_KEY')).code, 0);
  assert.equal((await sh.granary('check')).code, 2);
});

test('a busy data directory says who holds it and ends with 3; --wait waits until it is free', async (t) => {
  const sh = await sampleProject(t);
  const lock = await acquireDataDir(join(sh.dir, '.granary'), { command: 'granary run --source nightly' });
  t.after(() => lock.release());
  const busy = await sh.granary('run');
  assert.equal(busy.code, 3);
  assert.match(busy.stderr, new RegExp(`in use by "granary run --source nightly" \\(process ${process.pid} `));
  assert.equal((await sh.granary('runs')).code, 0, 'lists work meanwhile');

  const waiting = sh.start('run', '--wait', '1 min');
  const done = once(waiting, 'close');
  let told = '';
  waiting.stderr!.on('data', (chunk) => {
    told += chunk;
    if (/Waiting for "granary run --source nightly"/.test(told)) lock.release();
  });
  assert.deepEqual((await done)[0], 0);
});

test('an interrupted command stops with 130 and says that nothing is lost', async (t) => {
  const sh = await sampleProject(t);
  const lock = await acquireDataDir(join(sh.dir, '.granary'), { command: 'another' });
  t.after(() => lock.release());
  const child = sh.start('run', '--wait', '1 min');
  const done = once(child, 'close');
  let told = '';
  child.stderr!.on('data', (chunk) => {
    if (!told.includes('Waiting') && String(chunk).includes('Waiting')) child.kill('SIGINT');
    told += chunk;
  });
  assert.equal((await done)[0], 130);
  assert.match(told, /nothing is lost/i);
});

test('docs writes a reference with every command and every error code', async (t) => {
  const sh = await shell(t);
  assert.equal((await sh.granary('docs', '--write', 'reference')).code, 0);
  const commands = await readFile(join(sh.dir, 'reference/commands.md'), 'utf8');
  for (const { name } of COMMANDS) assert.ok(commands.includes(`### \`granary ${name}\``), name);
  assert.match(await readFile(join(sh.dir, 'reference/errors.md'), 'utf8'), /`owner\.busy`/);
  assert.match(await readFile(join(sh.dir, 'reference/README.md'), 'utf8'), /commands\.md/);
});

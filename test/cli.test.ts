/** What a person and a script at the command line can rely on, with the real binary. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
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
  const told = text(waiting.stderr!);
  const done = once(waiting, 'close');
  await new Promise((resolve) => setTimeout(resolve, 1500));
  lock.release();
  assert.deepEqual((await done)[0], 0);
  assert.match(await told, /Waiting for "granary run --source nightly"/);
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

test('a wrong query is told with its line and column, and a mark under the place', async (t) => {
  const sh = await sampleProject(t);
  await sh.granary('run');
  await sh.file('q.sql', 'SELECT sale_id,\n       quantty\nFROM sales\n');
  const { code, stdout, stderr } = await sh.granary('query', '-f', 'q.sql');
  assert.deepEqual([code, stdout], [1, '']);
  assert.match(stderr, /\n {11}quantty\n {11}\^\n/);
  assert.match(stderr, /q\.sql:2:8/);
  assert.match(stderr, /Did you mean quantity\?/);
  const drop = await sh.granary('query', 'DROP TABLE sales');
  assert.equal(drop.code, 1);
  assert.match(drop.stderr, /Only statements that read/);
});

test('a result larger than memory streams', async (t) => {
  const sh = await sampleProject(t);
  const env = { NODE_OPTIONS: '--max-old-space-size=48' };
  const statement = "SELECT range AS n, repeat('some text ', 40) || range AS t FROM range(150000)";
  const { code, stderr } = await sh.granaryWith(
    { env },
    'query',
    statement,
    '--format',
    'ndjson',
    '--to',
    'rows.ndjson',
  );
  assert.equal(code, 0, stderr);
  const lines = (await readFile(join(sh.dir, 'rows.ndjson'), 'utf8')).trimEnd().split('\n');
  assert.deepEqual([lines.length, JSON.parse(lines.at(-1)!).n], [150_000, 149_999]);
});

test('a reader that has seen enough is no error', async (t) => {
  const sh = await sampleProject(t);
  const child = sh.start('query', 'SELECT * FROM range(1000000)', '--format', 'csv');
  const errors = text(child.stderr!);
  await once(child.stdout!, 'data');
  child.stdout!.destroy();
  const [code] = await once(child, 'close');
  assert.deepEqual([code, await errors], [0, '']);
});

test('a refused row is found, its rule is fixed, and the replay loads it without loading anything twice', async (t) => {
  const sh = await sampleProject(t);
  assert.equal((await sh.granary('run', '--fail-on', 'rejects')).code, 4);
  const rejects = JSON.parse((await sh.granary('rejects', '--rule', 'type(quantity)', '--json')).stdout);
  assert.deepEqual([rejects.length, rejects[0].file, rejects[0].line], [1, 'sales_20261119.csv', 6]);
  assert.match(rejects[0].raw, /^1005,/);
  const yaml = await readFile(join(sh.dir, 'sources/stores.yaml'), 'utf8');
  await sh.file(
    'sources/stores.yaml',
    yaml.replace('quantity: integer', 'quantity: { type: integer, null_values: [two] }'),
  );
  const replay = await sh.granary('replay', '--rejects', '--json');
  assert.equal(replay.code, 0, replay.stderr);
  const [sums] = JSON.parse(replay.stdout).datasets;
  assert.deepEqual([sums.received, sums.loaded, sums.rejected, sums.balanced], [8, 7, 0, true]);
  assert.equal((await sh.granary('query', 'SELECT count(*) AS n FROM sales', '--format', 'csv')).stdout, 'n\n7\n');
  assert.match((await sh.granary('books', '--unbalanced')).stdout, /Everything balances/);
  const trace = await sh.granary('trace', 'sales', '1005');
  assert.match(trace.stdout, /^sales_20261119\.csv, line 6\n/);
  assert.equal((await sh.granary('trace', 'sales', 'sale_id=9999')).code, 1);
  assert.match((await sh.granary('trace', 'sales', 'sale_id=x')).stderr, /Could not convert/);
});

test('quarantine tells every reason, shows the bytes, and releases; a file that is sent again takes the place of the first', async (t) => {
  const sh = await sampleProject(t);
  const yaml = await readFile(join(sh.dir, 'sources/stores.yaml'), 'utf8');
  await sh.file(
    'sources/stores.yaml',
    yaml.replace('    ready: now\n', '    ready: now\n    verify: { min_rows: 3 }\n'),
  );
  const short = 'sale_id,sold_at,store,product,quantity,amount\n2001,2026-11-20 08:02:11,north,P100234,2,19.90\n';
  await sh.file('inbox/sales_20261120.csv', short);
  const run = await sh.granary('run', '--fail-on', 'quarantine');
  assert.equal(run.code, 4);
  assert.match(run.stdout, /In quarantine: 1[\s\S]*too_few_rows[\s\S]*granary quarantine show/);
  assert.match((await sh.granary('quarantine', 'list')).stdout, /sales_20261120\.csv[\s\S]*too_few_rows/);
  assert.equal((await sh.granary('quarantine', 'show', 'sales_20261120.csv', '--to', 'bad.csv')).code, 0);
  assert.equal(await readFile(join(sh.dir, 'bad.csv'), 'utf8'), short);
  const released = await sh.granary('quarantine', 'release', 'sales_20261120.csv');
  assert.equal(released.code, 0, released.stderr);
  assert.match(released.stdout, /1 received, 1 loaded/);

  await sh.file(
    'inbox/sales_20261120.csv',
    `${short}2002,2026-11-20 09:02:11,north,P100234,1,9.95\n2003,2026-11-20 09:02:12,north,P100234,1,9.95\n`,
  );
  const again = await sh.granary('run');
  assert.match(again.stdout, /sales_20261120\.csv: version 2 takes the place of version 1/);
  assert.equal(
    (await sh.granary('query', 'SELECT count(*) AS n FROM sales WHERE sale_id > 2000', '--format', 'csv')).stdout,
    'n\n3\n',
  );
});

test('--json is one document, and --quiet is silent when all is well', async (t) => {
  const sh = await sampleProject(t);
  const quiet = await sh.granary('run', '--quiet');
  assert.deepEqual([quiet.code, quiet.stdout, quiet.stderr], [0, '', '']);
  for (const words of [
    ['run'],
    ['books'],
    ['objects'],
    ['rejects'],
    ['runs'],
    ['quarantine', 'list'],
    ['gc'],
    ['check', '--connect'],
    ['trace', 'sales', '1001'],
    ['query', 'SELECT 1 AS a'],
    ['secrets', 'list'],
    ['version'],
    ['list', 'connectors'],
    ['list', 'commands'],
    ['schema'],
    ['docs'],
  ]) {
    const { code, stdout, stderr } = await sh.granary(...words, '--json');
    assert.deepEqual([code, stderr], [0, ''], words.join(' '));
    assert.ok(JSON.parse(stdout), words.join(' '));
  }
  const error = await sh.granary('trace', 'sals', '1', '--json');
  assert.deepEqual([error.code, JSON.parse(error.stdout).error.code, error.stderr], [2, 'stage.bad_input', '']);
});

test('what a file contains cannot steer the terminal of who looks at it', async (t) => {
  const sh = await sampleProject(t);
  await sh.file(
    'inbox/sales_20261121.csv',
    'sale_id,sold_at,store,product,quantity,amount\n3001,2026-11-21 08:02:11,\x1b]0;owned\x07\x1b[2J,P1,many,1\n',
  );
  await sh.granary('run');
  const { stdout } = await sh.granaryWith({ env: { FORCE_COLOR: '1' } }, 'rejects', '--no-color');
  assert.match(stdout, /owned/);
  assert.doesNotMatch(stdout, /[\x00-\x09\x0b-\x1f]/);
});

test('discover writes a source that checks and runs, keeps references, and never overwrites', async (t) => {
  const sh = await sampleProject(t);
  await sh.file('drop/orders_20261118.csv', 'Order No;Ordered on;Total\nA-1;18.11.2026;1,50\nA-2;19.11.2026;2,75\n');
  await sh.file('drop/orders_20261119.csv', 'Order No;Ordered on;Total\nA-3;19.11.2026;3,10\n');
  await sh.file('drop/crm/customers.ndjson', '{"id":1,"address":{"city":"Ulm"}}\n{"id":2,"address":{"city":"Bonn"}}\n');
  const env = { DROP: 'drop' };
  const words = ['discover', '--connector', 'folder', '--set', 'path=${env:DROP}', '--name', 'vendor'];
  const found = await sh.granaryWith({ env }, ...words);
  assert.equal(found.code, 0, found.stderr);
  const yaml = await readFile(join(sh.dir, 'sources/vendor.yaml'), 'utf8');
  assert.match(yaml, /^# yaml-language-server: \$schema=/);
  assert.match(yaml, /path: \$\{env:DROP\}/);
  assert.match(yaml, /files: orders_\{date:yyyyMMdd\}\.csv/);
  assert.match(yaml, /files: crm\/customers\.ndjson/);
  assert.equal((await sh.granaryWith({ env }, 'check')).code, 0);
  await sh.file('sources/vendor.yaml', yaml.replaceAll(/( +)load: append/g, '$1ready: now\n$1load: append'));
  const run = await sh.granaryWith({ env }, 'run', '--source', 'vendor');
  assert.equal(run.code, 0, run.stdout + run.stderr);
  assert.match(run.stdout, /vendor\.orders +2 +3 +3 /);

  const again = await sh.granaryWith({ env }, ...words);
  assert.deepEqual([again.code, /is there already/.test(again.stderr)], [2, true]);
  await sh.file('drop/extra.csv', 'a,b\n1,2\n');
  const added = await sh.granaryWith({ env }, 'discover', 'vendor', '--force');
  assert.equal(added.code, 0, added.stderr);
  const after = await readFile(join(sh.dir, 'sources/vendor.yaml'), 'utf8');
  assert.match(after, /files: extra\.csv/);
  assert.match(after, /ready: now/);
  const missing = await sh.granary('discover', '--connector', 'sftp', '--name', 'drop');
  assert.deepEqual([missing.code, /"host" is missing/.test(missing.stderr)], [2, true]);
});

test('gc removes what nothing needs, and a run after it finds everything in its place', async (t) => {
  const sh = await sampleProject(t);
  await sh.granary('run');
  await sh.file('.granary/objects/landing/main/stores/sales/orphan', 'x');
  assert.match((await sh.granary('gc')).stdout, /landed without a record[\s\S]*can be removed/);
  assert.match((await sh.granary('gc', '--remove')).stdout, /removed\.\n$/);
  assert.match((await sh.granary('gc')).stdout, /nothing to remove/);
  const run = await sh.granary('replay', '--dataset', 'stores');
  assert.match(run.stdout, /stores\.sales +1 +8 +6 +1 +0 +1 +balanced ✓/);
});

test('docs writes a reference with every command and every error code', async (t) => {
  const sh = await shell(t);
  assert.equal((await sh.granary('docs', '--write', 'reference')).code, 0);
  const commands = await readFile(join(sh.dir, 'reference/commands.md'), 'utf8');
  for (const { name } of COMMANDS) assert.ok(commands.includes(`### \`granary ${name}\``), name);
  assert.match(await readFile(join(sh.dir, 'reference/errors.md'), 'utf8'), /`owner\.busy`/);
  assert.match(await readFile(join(sh.dir, 'reference/README.md'), 'utf8'), /commands\.md/);
});

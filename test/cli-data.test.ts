/** What a person and a script can rely on when working with data at the command line: queries, rejects, quarantine, replay, discovery. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { sampleProject } from './cli.ts';

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
  const overwrite = await sh.granary('quarantine', 'show', 'sales_20261120.csv', '--to', 'bad.csv');
  assert.match(overwrite.stderr, /already exists[\s\S]*code cli\.file/);
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
  assert.match(run.stdout, /8 received, 6 loaded, 1 filtered, 1 rejected, loaded before/);
});

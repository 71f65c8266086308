/** Commands beside a running owner: the real binary, a real runtime, the API between them. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { parseOpenMetrics } from '../src/lib/test-openmetrics.ts';
import { sampleProject } from './cli.ts';
import { startApiOwner } from './support/api-owner.ts';

test('commands work through the owner that runs', async (t) => {
  const sh = await sampleProject(t);
  const { runtime } = await startApiOwner(t, sh.dir);

  await t.test('run is followed to its end, with the same summary and exit code as without an owner', async () => {
    const { code, stdout, stderr } = await sh.granary('run', '--fail-on', 'rejects');
    assert.equal(code, 4, stderr);
    assert.match(stdout, /✓ stores\.sales +sales_20261119\.csv +8 received, 6 loaded/);
    assert.match(stdout, /balanced ✓/);
  });

  await t.test('query reads the warehouse while the owner has it open', async () => {
    const { stdout } = await sh.granary('query', 'SELECT count(*) AS n FROM sales', '--format', 'csv');
    assert.equal(stdout, 'n\n6\n');
    const many = await sh.granary('query', 'SELECT range AS i FROM range(100000)', '--format', 'csv', '--quiet');
    assert.equal(many.stdout.split('\n').length, 100_002);
    const cut = await sh.granary('query', 'SELECT range AS i FROM range(100000)', '--limit', '3', '--format', 'ndjson');
    assert.equal(cut.stdout, '{"i":0}\n{"i":1}\n{"i":2}\n');
    assert.match(cut.stderr, /cut by the limit/);
    const wrong = await sh.granary('query', 'SELECT nothing FROM sales');
    assert.equal(wrong.code, 1);
    assert.match(wrong.stderr, /SELECT nothing FROM sales\n +\^/);
    assert.match(wrong.stderr, /code query\.failed/);
  });

  await t.test('rejects and trace read it, too', async () => {
    assert.match((await sh.granary('rejects')).stdout, /type\(quantity\)|quantity/);
    const [row] = JSON.parse((await sh.granary('query', 'SELECT * FROM sales LIMIT 1', '--json')).stdout);
    const [column] = Object.keys(row).filter((c) => typeof row[c] === 'number');
    const { stdout, stderr } = await sh.granary('trace', 'sales', `${column}=${row[column!]}`);
    assert.match(stdout, /sales_20261119\.csv, line \d/, stderr);
    const unknown = await sh.granary('trace', 'nothing', 'a=1');
    assert.match(unknown.stderr, /There is no table nothing/);
  });

  await t.test('status and runs tell of the owner and of the run', async () => {
    const { stdout } = await sh.granary('status');
    assert.match(stdout, /^shop +up for /);
    assert.match(stdout, /daily .* succeeded .* 6 +1$/m);
    const status = JSON.parse((await sh.granary('status', '--json')).stdout);
    assert.equal(status.owner.pid, process.pid);
    assert.equal((await sh.granary('status', '--health')).code, 0);
    const shown = await sh.granary('runs', 'show');
    assert.match(shown.stdout, /succeeded in .* daily, manual\n/);
    assert.match(shown.stdout, /└ Land/);
    assert.match((await sh.granary('runs', '--limit', '1')).stdout, /succeeded/);
  });

  await t.test('replay processes objects again and loads nothing twice', async () => {
    const { code, stderr } = await sh.granary('replay', '--rejects');
    assert.equal(code, 0, stderr);
    assert.match(stderr, /Replaying 1 object/);
    assert.equal(
      (await sh.granary('query', 'SELECT count(*) FROM sales', '--format', 'csv', '-q')).stdout.split('\n')[1],
      '6',
    );
  });

  await t.test('metrics are OpenMetrics and count what is durable', async () => {
    const families = parseOpenMetrics((await sh.granary('metrics')).stdout);
    assert.equal(families.get('granary_runs')!.samples['granary_runs_total{outcome="succeeded",pipeline="daily"}'], 2);
    const landed = families.get('granary_landed_bytes')!.samples;
    assert.equal(landed['granary_landed_bytes_total{dataset="stores.sales",tenant="main"}'], 419);
    assert.equal(families.get('granary_runs_running')!.samples['granary_runs_running'], 0);
  });

  await t.test('a paused pipeline begins nothing until it is resumed; a run that waits can be cancelled', async () => {
    assert.equal((await sh.granary('pause', 'daily')).code, 0);
    const { run } = JSON.parse((await sh.granary('run', '--detach', '--json')).stdout);
    assert.match((await sh.granary('status')).stdout, /daily is paused/);
    const cancelled = await sh.granary('cancel', run);
    assert.match(cancelled.stdout, / is stopped\.\n$/, cancelled.stderr);
    assert.equal((await runtime.pipelines().then((p) => p.orchestrator.get(run)))?.status, 'ABORTED');
    assert.equal((await sh.granary('resume', 'daily')).code, 0);
    assert.equal((await sh.granary('run')).code, 0);
    assert.equal((await sh.granary('cancel', 'none')).code, 1);
  });

  await t.test('tokens are made and revoked through the owner', async () => {
    const made = await sh.granary('token', 'create', 'prometheus', '--scope', 'read');
    assert.match(made.stdout, /^gra_[0-9a-f]{12}_[\w-]{43}\n$/);
    assert.match((await sh.granary('token', 'list')).stdout, /prometheus .* read .* never/);
    assert.equal((await sh.granary('token', 'revoke', 'prometheus')).code, 0);
    assert.match((await sh.granary('token', 'list')).stdout, /no tokens/);
  });

  await t.test('who stops the command stops the run', async () => {
    assert.equal((await sh.granary('pause', 'daily')).code, 0);
    const child = sh.start('run');
    const noted = text(child.stderr!);
    const { orchestrator } = await runtime.pipelines();
    const running = async () => (await orchestrator.list({ status: 'RUNNING' }))[0];
    while (!(await running())) await new Promise((done) => setTimeout(done, 20));
    const { id } = (await running())!;
    await once(child.stderr!, 'data');
    child.kill('SIGINT');
    const code = await new Promise((done) => child.once('close', done));
    assert.equal((await orchestrator.get(id))?.status, 'ABORTED');
    assert.equal(code, 130);
    assert.match(await noted, /daily is paused: the run waits until `granary resume daily`/);
  });
});

test('without an owner status, runs and tokens read the state', async (t) => {
  const sh = await sampleProject(t);
  assert.match((await sh.granary('status')).stdout, /nothing runs; `granary up` starts it/);
  assert.equal((await sh.granary('status', '--health')).code, 1);
  assert.equal((await sh.granary('run')).code, 0);
  assert.match((await sh.granary('runs', 'show')).stdout, /stores\.sales +8 received, 6 loaded, 1 rejected/);
  assert.match((await sh.granary('status')).stdout, /daily .* succeeded/);
  assert.equal((await sh.granary('run', '--detach')).code, 2);
  assert.equal((await sh.granary('token', 'create', 'x')).code, 2);
});

test('who follows a run is told when the owner ends before it, and that nothing is lost', async (t) => {
  const sh = await sampleProject(t);
  const { pipelines, server } = await startApiOwner(t, sh.dir);
  await pipelines.orchestrator.pause('daily');
  const child = sh.start('run');
  const said = text(child.stderr!);
  const ended = new Promise((done) => child.once('close', done));
  while ((await pipelines.orchestrator.list({ status: 'RUNNING' })).length === 0)
    await new Promise((done) => setTimeout(done, 20));
  await once(child.stderr!, 'data');
  await server.close();
  assert.equal(await ended, 1);
  assert.match(await said, /The owner ended before the run .*\n +hint The run goes on when it is started again/);
});

/**
 * A real process that runs executions with maps, retries and waits is killed at random moments, again and again, until all have ended.
 * KILLS: how many times (20).
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { openEngine } from './engine.ts';
import { expectedOutput, workerHost } from './test-kill-worker.ts';

const KILLS = Number(process.env['KILLS'] ?? 20);

test(`after ${KILLS} kills every execution has ended with the right output and no finished step was repeated`, async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'asl-kill-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  const worker = fileURLToPath(new URL('./test-kill-worker.ts', import.meta.url));
  // Enough work for all kills: each life starts some more executions.
  let kills = 0;
  for (; kills < KILLS; kills++) {
    const child = spawn(process.execPath, [worker, dir, String(kills)], { stdio: ['ignore', 'pipe', 'inherit'] });
    const exit = new Promise<void>((resolve) => child.once('exit', () => resolve()));
    // From the moment on at which it has taken up what the last life left.
    await Promise.race([once(child.stdout, 'data'), exit]);
    await new Promise((resolve) => setTimeout(resolve, Math.random() * 400));
    assert.equal(child.exitCode, null, 'the worker ended by itself');
    child.kill('SIGKILL');
    await exit;
  }
  const engine = await openEngine(workerHost(dir));
  const started = new Set(readFileSync(join(dir, 'started'), 'utf8').trim().split('\n'));
  for (const id of started) {
    const execution = await engine.wait(id);
    assert.equal(execution.status, 'SUCCEEDED', `${id}: ${execution.error} ${execution.cause}`);
    assert.deepEqual(execution.output, expectedOutput(id), id);
    const history = engine.history(id);
    assert.deepEqual(
      history.map((event) => event.seq),
      history.map((_, i) => i + 1),
      'the history has no gaps',
    );
  }
  const succeededInHistory = new Map<string, number>();
  let handedBack = 0;
  for (const id of started) {
    const keys = new Map<string, string>();
    for (const { type, path, state, details } of engine.history(id)) {
      if (type === 'TaskStarted') keys.set(`${path}/${state}`, (details as { key: string }).key);
      if (type === 'TaskHandedBack') handedBack++;
      if (type !== 'TaskSucceeded') continue;
      const key = keys.get(`${path}/${state}`)!;
      succeededInHistory.set(key, (succeededInHistory.get(key) ?? 0) + 1);
    }
  }
  const doubled = [...succeededInHistory].filter(([, n]) => n > 1);
  assert.deepEqual(doubled, [], 'a step succeeded twice');
  // What the outside saw: only attempts that were in flight, or not yet stored, at a kill may have run twice.
  const finished = new Map<string, number>();
  for (const key of readFileSync(join(dir, 'finished'), 'utf8').trim().split('\n'))
    finished.set(key, (finished.get(key) ?? 0) + 1);
  const repeated = [...finished].filter(([, n]) => n > 1).reduce((sum, [, n]) => sum + n - 1, 0);
  assert.ok(repeated <= handedBack, `${repeated} attempts repeated, ${handedBack} handed back`);
  t.diagnostic(
    `${started.size} executions, ${finished.size} steps, ${handedBack} handed back, ${repeated} attempts repeated`,
  );
  await engine.close();
});

/** Temporary projects for tests that go through the whole path. */
import { mkdir, mkdtemp, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { TestContext } from 'node:test';
import type { RunDoc } from '../../src/model/runs.ts';
import { type RunEvent, run } from '../../src/runtime/run.ts';
import { openRuntime, type Runtime } from '../../src/runtime/runtime.ts';

/** Files by path relative to the project. They are an hour old, so that `stable` takes them at once. */
export async function writeFiles(dir: string, files: Record<string, string | Uint8Array>): Promise<void> {
  const past = new Date(Date.now() - 3_600_000);
  for (const [path, content] of Object.entries(files)) {
    const full = join(dir, path);
    await mkdir(dirname(full), { recursive: true });
    await writeFile(full, content);
    await utimes(full, past, past);
  }
}

export async function makeProject(
  t: Pick<TestContext, 'after'> | undefined,
  files: Record<string, string | Uint8Array>,
): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'granary-test-'));
  t?.after(() => rm(dir, { recursive: true, force: true }));
  await writeFiles(dir, {
    'granary.yaml': 'name: test\nworkers: {memory: 300 MB}\nwarehouse: {memory: 500 MB}\n',
    ...files,
  });
  return dir;
}

export interface RunOutcome {
  doc: RunDoc;
  events: RunEvent[];
}

/** Opens the project, runs it once, and lets `look` at the result before it is closed. */
export async function runProject(
  dir: string,
  look?: (runtime: Runtime) => Promise<void>,
  skipCollect = false,
): Promise<RunOutcome> {
  const runtime = await openRuntime({ dir, command: 'test' });
  try {
    const events: RunEvent[] = [];
    const doc = await run(runtime, { command: 'test', onEvent: (e) => events.push(e), skipCollect });
    await look?.(runtime);
    return { doc, events };
  } finally {
    await runtime.close();
  }
}

/** All rows of a query, as arrays. */
export async function rowsOf(runtime: Runtime, sql: string): Promise<unknown[][]> {
  const result = await runtime.context.warehouse.query(sql);
  const out: unknown[][] = [];
  for await (const batch of result.batches) out.push(...batch);
  return out;
}

/** Rows of a query on a project that nothing has open. */
export async function queryProject(dir: string, sql: string): Promise<unknown[][]> {
  const runtime = await openRuntime({ dir, command: 'test' });
  try {
    return await rowsOf(runtime, sql);
  } finally {
    await runtime.close();
  }
}

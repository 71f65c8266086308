/**
 * The file path against the same work done by bare DuckDB statements: typed `read_csv` → Parquet → table, with no checks.
 * `node bench/file-path.ts` runs 5 M rows × 15 columns, `--rows 70M` 70 M rows × 8 columns in 14 files. Rounds alternate A B A B.
 */
import { fork } from 'node:child_process';
import { globSync, readFileSync } from 'node:fs';
import { mkdir, rm, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { formatBytes, formatCount } from '../src/lib/units.ts';
import { DATA, makeFiles, NARROW, type Shape, WIDE } from './data.ts';

interface Case {
  shape: Shape;
  rows: number;
  files: number;
  rounds: number;
}
const CASES: Record<string, Case> = {
  '5M': { shape: WIDE, rows: 5_000_000, files: 1, rounds: 3 },
  '70M': { shape: NARROW, rows: 70_000_000, files: 14, rounds: 1 },
};

interface Measured {
  seconds: number;
  phases: Record<string, number>;
  rows: number;
  /** Peak resident bytes by process. */
  peaks: Record<string, number>;
}

async function main(): Promise<void> {
  const which = process.argv.includes('--rows') ? process.argv[process.argv.indexOf('--rows') + 1]! : '5M';
  const chosen = CASES[which]!;
  const folder = await makeFiles(chosen.shape, chosen.rows, chosen.files);
  const past = new Date(Date.now() - 3_600_000);
  for (const f of globSync(join(folder, '*.csv'))) await utimes(f, past, past);
  const rawRuns: Measured[] = [];
  const ours: Measured[] = [];
  for (let round = 1; round <= chosen.rounds; round++) {
    rawRuns.push(await inProcess('raw', chosen, folder));
    ours.push(await inProcess('granary', chosen, folder));
    console.log(
      `round ${round}: raw ${rawRuns.at(-1)!.seconds.toFixed(1)} s, granary ${ours.at(-1)!.seconds.toFixed(1)} s (${phases(ours.at(-1)!)})`,
    );
  }
  const ratios = ours.map((o, i) => o.seconds / rawRuns[i]!.seconds).sort((a, b) => a - b);
  const last = ours.at(-1)!;
  const best = Math.min(...ours.map((o) => o.seconds));
  console.log(
    `\nfile path, ${formatCount(chosen.rows)} rows × ${Object.keys(chosen.shape.columns).length} columns, ${chosen.files} file(s)`,
  );
  console.log(
    `  ratio to raw statements   median ${ratios[Math.floor(ratios.length / 2)]!.toFixed(2)}  (${ratios.map((r) => r.toFixed(2)).join(', ')})   verify + curate + load`,
  );
  console.log(
    `  landing (copy + sha256)   ${last.phases['land']!.toFixed(1)} s, not part of the ratio: the raw statements read the file where it is`,
  );
  console.log(`  rows per second           ${formatCount(Math.round(last.rows / best))} without landing`);
  console.log(`  end to end                ${(best + last.phases['land']!).toFixed(1)} s`);
  for (const [name, bytes] of Object.entries(last.peaks))
    console.log(`  peak memory, ${name.padEnd(12)} ${formatBytes(bytes)}`);
  console.log(`  peak memory, raw          ${formatBytes(rawRuns.at(-1)!.peaks['raw']!)}`);
}

const phases = (m: Measured) =>
  Object.entries(m.phases)
    .map(([k, v]) => `${k} ${v.toFixed(1)}`)
    .join(', ');

function inProcess(mode: 'raw' | 'granary', chosen: Case, folder: string): Promise<Measured> {
  return new Promise((resolve, reject) => {
    const child = fork(fileURLToPath(import.meta.url), ['--child', mode], {
      env: { ...process.env, UV_THREADPOOL_SIZE: '8' },
    });
    child.once('message', (m) => resolve(m as Measured));
    child.once('exit', (code) => code && reject(new Error(`${mode} ended with ${code}`)));
    child.send({ chosen, folder });
  });
}

const peakOf = (pid: number | 'self') =>
  Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]) * 1024;

async function raw({ chosen, folder }: { chosen: Case; folder: string }): Promise<Measured> {
  const { DuckDBInstance } = await import('@duckdb/node-api');
  const out = join(DATA, 'raw');
  await rm(out, { recursive: true, force: true });
  await mkdir(out, { recursive: true });
  const instance = await DuckDBInstance.create(join(out, 'raw.duckdb'), {
    threads: '2',
    memory_limit: '2GB',
    temp_directory: out,
  });
  const connection = await instance.connect();
  const columns = Object.entries(chosen.shape.columns)
    .map(([n, t]) => `'${n}': '${t}'`)
    .join(', ');
  const started = performance.now();
  for (const [i, file] of globSync(join(folder, '*.csv')).sort().entries()) {
    const parquet = join(out, `${i}.parquet`);
    await connection.run(
      `COPY (SELECT * FROM read_csv('${file}', auto_detect = false, header = true, delim = ',', quote = '"', escape = '"', columns = {${columns}}, ignore_errors = true)) TO '${parquet}' (FORMAT parquet, COMPRESSION zstd)`,
    );
    await connection.run(
      i === 0 ? `CREATE TABLE sales AS SELECT * FROM '${parquet}'` : `INSERT INTO sales SELECT * FROM '${parquet}'`,
    );
  }
  await connection.run('CHECKPOINT');
  const seconds = (performance.now() - started) / 1000;
  const peaks = { raw: peakOf('self') };
  connection.closeSync();
  instance.closeSync();
  await rm(out, { recursive: true, force: true });
  return { seconds, phases: {}, rows: chosen.rows, peaks };
}

async function granary({ chosen, folder }: { chosen: Case; folder: string }): Promise<Measured> {
  const { openRuntime } = await import('../src/runtime/runtime.ts');
  const { run } = await import('../src/runtime/run.ts');
  const project = join(DATA, 'project');
  await rm(project, { recursive: true, force: true });
  await mkdir(join(project, 'sources'), { recursive: true });
  await writeFile(join(project, 'granary.yaml'), 'name: bench\nwarehouse: {memory: 2 GB}\nworkers: {memory: 600 MB}\n');
  const columns = Object.entries(chosen.shape.columns)
    .map(([n, t]) => `      ${n}: ${t.toLowerCase()}`)
    .join('\n');
  await writeFile(
    join(project, 'sources', 'shop.yaml'),
    `connector: {type: folder, path: ${folder}}\ndatasets:\n  sales:\n    files: "sales_{date:yyyyMMdd}.csv"\n    columns:\n${columns}\n    rules:${chosen.shape.rules}\n`,
  );
  let runtime = await openRuntime({ dir: project, command: 'bench' });
  const began = performance.now();
  let landed = began;
  const result = await run(runtime, {
    command: 'bench',
    onEvent: (e) => {
      if (e.type === 'landed') landed = performance.now();
      if (e.type === 'failed' || e.type === 'quarantined') console.error(e);
    },
  });
  const peaks: Record<string, number> = { owner: peakOf('self'), worker: runtime.workers.peakBytes };
  await runtime.close();
  const ended = performance.now();
  if (result.status !== 'succeeded' || result.totals.received !== chosen.rows)
    throw new Error(`not what was expected: ${JSON.stringify(result)}`);
  runtime = undefined as never;
  await rm(project, { recursive: true, force: true });
  return {
    seconds: (ended - landed) / 1000,
    phases: { land: (landed - began) / 1000 },
    rows: result.totals.received,
    peaks,
  };
}

if (process.argv[2] === '--child') {
  process.once('message', async (m) => {
    const measured = await (process.argv[3] === 'raw' ? raw(m as never) : granary(m as never));
    process.send!(measured, () => process.exit(0));
  });
} else await main();

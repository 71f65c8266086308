/** How long a person waits for `granary --help`, and for `granary check` on a project of 45 sources. */
import { spawnSync } from 'node:child_process';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { DATA } from './data.ts';

const BIN = fileURLToPath(new URL('../bin/granary.js', import.meta.url));
const SOURCES = 45;
const DATASETS = 6;
const COLUMNS = 20;
const ROUNDS = 10;

const project = join(DATA, 'large-project');
await rm(project, { recursive: true, force: true });
await mkdir(join(project, 'sources'), { recursive: true });
await writeFile(join(project, 'granary.yaml'), 'name: large\n');
const columns = Array.from(
  { length: COLUMNS },
  (_, i) => `      column_${i}: ${['bigint', 'text', 'decimal(12,2)', 'date'][i % 4]}\n`,
).join('');
for (let s = 0; s < SOURCES; s++) {
  const datasets = Array.from(
    { length: DATASETS },
    (_, d) =>
      `  s${s}_d${d}:\n    files: "d${d}_{date:yyyyMMdd}.csv.gz"\n    columns:\n${columns}    rules:\n      - required: column_0\n      - range: {column: column_2, min: 0}\n    load: {strategy: merge, key: column_0}\n`,
  );
  await writeFile(
    join(project, 'sources', `source_${s}.yaml`),
    `connector: {type: folder, path: inbox}\ndatasets:\n${datasets.join('')}`,
  );
}

function time(what: string, args: string[]): void {
  const took: number[] = [];
  for (let i = 0; i <= ROUNDS; i++) {
    const began = performance.now();
    const { status, stderr } = spawnSync(process.execPath, [BIN, ...args], { encoding: 'utf8' });
    if (status !== 0) throw new Error(`${what}: ${stderr}`);
    if (i > 0) took.push(performance.now() - began);
  }
  took.sort((a, b) => a - b);
  console.log(
    `  ${what.padEnd(58)} median ${took[Math.floor(took.length / 2)]!.toFixed(0)} ms  (${took[0]!.toFixed(0)} to ${took.at(-1)!.toFixed(0)})`,
  );
}

time('granary --version', ['--version']);
time('granary --help', ['--help']);
time(`granary check, ${SOURCES} sources × ${DATASETS} datasets × ${COLUMNS} columns`, ['check', '-C', project]);

/** Writes the project of the plan, and the files that come. */
import { mkdir, rename, rm, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makeProject } from './projects.ts';
import { type Delivery, instant, NIGHT_SOURCES, OUTAGE, type PlannedSource, SOURCES } from './simulated-day-plan.ts';

/** Local folders are watched: between arrivals they need not be looked at often. */
const POLL = 'poll: {min: 10 min, max: 6 h}';
const STOCK_ROWS = 5;

export interface DayProject {
  dir: string;
  /** A file comes to a source. */
  deliver(source: PlannedSource, delivery: Delivery): Promise<void>;
  /** Folders of sources go away and come back. */
  takeAway(): Promise<void>;
  bringBack(): Promise<void>;
  /** How many files came, each version counted. */
  files(): number;
  /** By table: the rows, and the sum of their ids, of all that was delivered; of a file that came twice the second. */
  delivered(): [table: string, rows: number, ids: number][];
}

export async function makeDayProject(t: { after(done: () => unknown): void }, url: string): Promise<DayProject> {
  const files = Object.fromEntries(SOURCES.map((s) => [`sources/${s.name}.yaml`, yamlOf(s)]));
  const dir = await makeProject(t as never, { 'granary.yaml': projectYaml(url), ...files });
  for (const { name } of SOURCES) await mkdir(join(dir, 'in', name), { recursive: true });
  /** By table and path: first id and rows. */
  const came = new Map<string, Map<string, { first: number; rows: number }>>();
  let away = false;
  let next = 1;
  let count = 0;

  async function write(source: string, dataset: string, file: string, { at, rows }: Delivery): Promise<void> {
    const table = tableOf(source, dataset);
    const first = next;
    next += rows;
    count++;
    came.set(table, (came.get(table) ?? new Map()).set(file, { first, rows }));
    const lines = Array.from({ length: rows }, (_, i) => `${first + i},${(first % 97) + i}.50\n`);
    const folder = join(dir, away && OUTAGE.sources.includes(source) ? 'away' : 'in', source);
    // As a careful sender: the name appears with all that is in the file.
    const unfinished = join(folder, `.${file}`);
    await writeFile(unfinished, `id,amount\n${lines.join('')}`);
    await utimes(unfinished, instant(at) / 1000, instant(at) / 1000);
    await rename(unfinished, join(folder, file));
  }

  return {
    dir,
    async deliver({ name, stock }, delivery) {
      const word = delivery.date?.replaceAll('-', '') ?? delivery.at.replaceAll(/\D/g, '');
      await write(name, 'files', `files_${word}.csv`, delivery);
      if (stock) await write(name, 'stock', `stock_${word}.csv`, { ...delivery, rows: STOCK_ROWS });
    },
    async takeAway() {
      away = true;
      await mkdir(join(dir, 'away'), { recursive: true });
      for (const name of OUTAGE.sources) await rename(join(dir, 'in', name), join(dir, 'away', name));
    },
    async bringBack() {
      away = false;
      for (const name of OUTAGE.sources) await rename(join(dir, 'away', name), join(dir, 'in', name));
      await rm(join(dir, 'away'), { recursive: true });
    },
    files: () => count,
    delivered() {
      const sums = [...came].map(([table, files]): [string, number, number] => {
        const all = [...files.values()];
        const ids = all.reduce((sum, { first, rows }) => sum + rows * first + (rows * (rows - 1)) / 2, 0);
        return [table, all.reduce((sum, f) => sum + f.rows, 0), ids];
      });
      return sums.sort(([a], [b]) => (a < b ? -1 : 1));
    },
  };
}

const tableOf = (source: string, dataset: string) => (dataset === 'files' ? source : `${source}_${dataset}`);

function projectYaml(url: string): string {
  return `name: day
time_zone: Europe/Berlin
workers: {count: 1, memory: 200 MB, threads: 1}
warehouse: {memory: 500 MB, threads: 1}
logs: {level: error}
calendars:
  gulf: {time_zone: Asia/Dubai, weekend: [friday, saturday]}
  retail: {weekend: [monday], holidays: [2026-10-25]}
notifications:
  channels:
    ops: {type: webhook, url: "${url}"}
  digest: {at: "08:00", time_zone: Europe/Berlin, channels: [ops]}
pipelines:
  night:
    sources: [${NIGHT_SOURCES.join(', ')}]
    schedule: "45 2 * * *"
`;
}

function yamlOf({ name, schedule, expect, files, stock }: PlannedSource): string {
  const dated = (files ?? []).every((f) => f.date !== null);
  const columns = 'columns: {id: {type: integer, required: true}, amount: "decimal(10,2)"}';
  return `connector: {type: folder, path: in/${name}}
${schedule === undefined ? '' : `schedule: ${schedule}\n`}${OUTAGE.sources.includes(name) ? '' : `${POLL}\n`}datasets:
  files:
    files: "files_${dated ? '{date:yyyyMMdd}' : '*'}.csv"
    table: ${tableOf(name, 'files')}
    ${columns}
${expect === undefined ? '' : `    expect: ${expect}\n`}${
  stock
    ? `  stock:\n    files: "stock_{date:yyyyMMdd}.csv"\n    table: ${tableOf(name, 'stock')}\n    ${columns}\n`
    : ''
}`;
}

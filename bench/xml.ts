/**
 * `npm run bench -- xml`: the XML format from a file to a typed table, against saxes that only parses the same file, in alternation and
 * each in a process of its own that begins cold. Prints the ratios and the most memory that the path to a table had. `node bench/xml.ts --mb 1000`.
 */
import { spawnSync } from 'node:child_process';
import { createReadStream, createWriteStream, existsSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { openDuckDbEngine } from '../src/adapters/engine/duckdb.ts';
import { xmlSpec } from '../src/formats/xml/config.ts';
import { xml } from '../src/formats/xml.ts';
import { type ColumnType, engineType } from '../src/model/schema.ts';
import { leaveOneCore } from '../src/stages/curate/staging.ts';
import { DATA } from './data.ts';

const COLUMNS: [source: string, type: ColumnType][] = [
  ['../@id', 'text'],
  ['../@store', 'text'],
  ['../@pos', 'integer'],
  ['../BeginDateTime', 'timestamp'],
  ['../Cashier', 'text'],
  ['@seq', 'integer'],
  ['Sku', 'text'],
  ['Desc', 'text'],
  ['Qty', 'integer'],
  ['UnitPrice', 'decimal(10,2)'],
  ['UnitPrice/@currency', 'text'],
  ['Tax', 'decimal(10,2)'],
];
const ROUNDS = 3;

interface Measured {
  seconds: number;
  /** Of all threads of the process, in the time that is measured. */
  cpu: number;
  rows: number;
  /** Resident memory at its peak. */
  bytes: number;
  parts?: Record<string, number>;
}

/** Till receipts, as shops send them. */
function* receipts(bytes: number): Generator<string> {
  let random = 12345;
  const below = (n: number) => {
    random = (Math.imul(random, 1103515245) + 12345) & 0x7fffffff;
    return (random >>> 8) % n;
  };
  const pad = (n: number, width: number) => String(n).padStart(width, '0');
  yield '<?xml version="1.0" encoding="UTF-8"?>\n<!-- export -->\n<POSLog xmlns="http://www.nrf-arts.org/IXRetail/namespace/" version="6.0">\n';
  let text = '';
  for (let i = 0, done = 0; done < bytes; i++) {
    text += `  <Transaction id="T${i}" store="S${below(500)}" pos="${below(20)}">\n    <BeginDateTime>2024-0${1 + below(9)}-1${below(10)}T1${below(10)}:2${below(10)}:00</BeginDateTime>\n    <Cashier>C${below(100)}</Cashier>\n`;
    for (let seq = 1, last = 1 + below(6); seq <= last; seq++)
      text += `    <Line seq="${seq}" type="Sale">\n      <Sku>P${pad(below(20000), 6)}</Sku>\n      <Desc>Café &amp; thé ${below(1000)}</Desc>\n      <Qty uom="EA">${1 + below(5)}</Qty>\n      <UnitPrice currency="EUR">${below(100)}.${10 + below(89)}</UnitPrice>\n      <Tax rate="20">${below(9)}.00</Tax>\n    </Line>\n`;
    text += `    <Tender type="CARD">${below(1000)}.00</Tender>\n  </Transaction>\n`;
    if (text.length < 1 << 20) continue;
    done += text.length;
    yield text;
    text = '';
  }
  yield `${text}</POSLog>\n`;
}

async function document(megabytes: number): Promise<string> {
  const path = join(DATA, `receipts-${megabytes}.xml`);
  if (existsSync(path)) return path;
  await mkdir(DATA, { recursive: true });
  await pipeline(receipts(megabytes * 1e6), createWriteStream(`${path}.building`));
  await rename(`${path}.building`, path);
  return path;
}

async function bareSaxes(path: string): Promise<number> {
  const { SaxesParser } = await import('saxes');
  const parser = new SaxesParser({ position: false });
  let elements = 0;
  parser.on('opentag', () => {
    elements++;
  });
  parser.on('error', (e) => {
    throw e;
  });
  const decoder = new TextDecoder();
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 }))
    parser.write(decoder.decode(chunk as Buffer, { stream: true }));
  parser.close();
  return elements;
}

/** All that the stages do with a payload: count, parse, stage, convert, and account for every record. */
async function toTable(path: string): Promise<{ rows: number; parts: Record<string, number> }> {
  const folder = await mkdtemp(join(tmpdir(), 'granary-bench-'));
  const engine = await openDuckDbEngine({ memoryLimit: 500e6, threads: 2, scratch: folder });
  try {
    const config = xmlSpec.parse({ record: 'Transaction/Line' }, [], { issues: [] })!;
    const columns = COLUMNS.map(([source, type], position) => ({ source, position, type, asText: false }));
    const parts: Record<string, number> = {};
    const timed = async <T>(name: string, act: () => Promise<T>): Promise<T> => {
      const from = performance.now();
      const cpu = process.cpuUsage();
      const result = await act();
      const { user, system } = process.cpuUsage(cpu);
      parts[name] = (performance.now() - from) / 1000;
      parts[`${name} CPU`] = (user + system) / 1e6;
      return result;
    };
    const { facts } = await timed('count', () => xml.count(config).finish(path));
    const scratch = await mkdtemp(join(folder, 'scratch-'));
    const [attempt] = await xml.read({ engine, path, config, columns, facts, scratch, header: undefined });
    const cells = columns.map((c, i) => `TRY_CAST(c${i} AS ${engineType(c.type)}) AS c${i}`).join(', ');
    const fields = columns.map((c, i) => `c${i} ${engineType(c.type)}`).join(', ');
    await engine.run(`CREATE TABLE receipts (${fields}, _line BIGINT)`);
    await timed('parse and table', async () => {
      const restore = await leaveOneCore(engine);
      let running = Promise.resolve();
      for await (const { sql } of attempt!.parts!()) {
        const insert = `INSERT INTO receipts SELECT ${cells}, _line FROM ${sql}`;
        running = running.then(() => engine.run(insert));
      }
      await running;
      await restore();
    });
    const [{ n, sum }] = (await engine.all('SELECT count(*) AS n, sum(c9) AS sum FROM receipts')) as [
      { n: number; sum: number },
    ];
    const settled = await attempt!.settle(n);
    if (settled === 'mismatch' || settled.rejected > 0 || !(sum > 0)) throw new Error('the books do not balance');
    return { rows: n, parts };
  } finally {
    await engine.close();
    await rm(folder, { recursive: true });
  }
}

async function measure(what: string, path: string): Promise<Measured> {
  const before = process.cpuUsage();
  const from = performance.now();
  const result = what === 'saxes' ? { rows: await bareSaxes(path) } : await toTable(path);
  const seconds = (performance.now() - from) / 1000;
  const { user, system } = process.cpuUsage(before);
  return { seconds, cpu: (user + system) / 1e6, bytes: process.resourceUsage().maxRSS * 1024, ...result };
}

function inChild(what: string, path: string): Measured {
  const { stdout, status } = spawnSync(process.execPath, [fileURLToPath(import.meta.url), '--measure', what, path], {
    stdio: ['ignore', 'pipe', 'inherit'],
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`${what} failed`);
  return JSON.parse(stdout) as Measured;
}

const median = (values: number[]): number => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;

async function main(words: string[]): Promise<void> {
  if (words[0] === '--measure') {
    console.log(JSON.stringify(await measure(words[1]!, words[2]!)));
    return;
  }
  const path = await document(words[0] === '--mb' ? Number(words[1]) : 480);
  const megabytes = (await stat(path)).size / 1e6;
  const walls: number[] = [];
  const cpus: number[] = [];
  for (let round = 1; round <= ROUNDS; round++) {
    const saxes = inChild('saxes', path);
    const table = inChild('table', path);
    walls.push(saxes.seconds / table.seconds);
    cpus.push(saxes.cpu / table.cpu);
    const times = Object.entries(table.parts!).filter(([name]) => !name.endsWith('CPU'));
    const parts = times.map(([name, s]) => `${name} ${s.toFixed(2)} s`);
    console.log(
      `round ${round}: saxes ${(megabytes / saxes.seconds).toFixed(0)} MB/s; to a table ${(megabytes / table.seconds).toFixed(0)} MB/s (${parts.join(', ')}), ${table.rows} rows, peak ${Math.round(table.bytes / 1e6)} MB resident`,
    );
  }
  console.log(
    `to a table is ${median(walls).toFixed(2)} × as fast as saxes alone parses (CPU time of all threads: ${median(cpus).toFixed(2)} ×)`,
  );
}

await main(process.argv.slice(2));

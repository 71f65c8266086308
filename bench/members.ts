/**
 * `npm run bench -- members`: verifying and curating an archive of 1,000 small pages, as an API gives them, against bare DuckDB that reads the
 * same pages as files, in alternation and each in a process of its own. `node bench/members.ts --members 5000`.
 */
import { spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openDuckDbEngine } from '../src/adapters/engine/duckdb.ts';
import { ARCHIVE_END, archiveMember } from '../src/connectors/rest/archive.ts';
import { sha256 } from '../src/lib/hash.ts';
import { literal, sql } from '../src/lib/sql.ts';
import { OBJECTS, type ObjectDoc } from '../src/model/objects.ts';

const ROUNDS = 3;
const RECORDS = 20;
const COLUMNS = { id: 'BIGINT', name: 'VARCHAR', balance: 'DECIMAL(18,2)', updated_at: 'TIMESTAMPTZ' };

interface Measured {
  rows: number;
  /** Seconds of all threads. */
  cpu: Record<string, number>;
  seconds: Record<string, number>;
}

function page(number: number): string {
  const data = Array.from({ length: RECORDS }, (_, i) => {
    const id = number * RECORDS + i;
    return {
      id,
      name: `Contact ${id}`,
      balance: id + 0.25,
      updated_at: new Date(1.7e12 + id * 60_000).toISOString(),
    };
  });
  return JSON.stringify({ meta: { total: 1 }, data });
}

async function timed<T>(out: Measured, name: string, work: () => Promise<T>): Promise<T> {
  const began = performance.now();
  const cpu = process.cpuUsage();
  const result = await work();
  const { user, system } = process.cpuUsage(cpu);
  out.cpu[name] = (user + system) / 1e6;
  out.seconds[name] = (performance.now() - began) / 1000;
  return result;
}

async function raw(members: number, folder: string): Promise<Measured> {
  const out: Measured = { rows: 0, cpu: {}, seconds: {} };
  const files = Array.from({ length: members }, (_, i) => join(folder, `${i}.json`));
  await Promise.all(files.map((file, i) => writeFile(file, page(i))));
  const engine = await openDuckDbEngine({ memoryLimit: 600e6, threads: 2, scratch: folder });
  const fields = Object.entries(COLUMNS).map(([name, type]) => `r.${name}::${type} AS ${name}`);
  await timed(out, 'raw', () =>
    engine.run(
      `COPY (SELECT ${fields.join(', ')} FROM (SELECT unnest(data) AS r FROM ${sql`read_json(${literal(files)}, columns = {data: 'STRUCT(id VARCHAR, name VARCHAR, balance VARCHAR, updated_at VARCHAR)[]'})`})) TO ${literal(join(folder, 'raw.parquet'))} (FORMAT parquet)`,
    ),
  );
  const [row] = await engine.all<{ n: number }>(
    sql`SELECT count(*) AS n FROM read_parquet(${literal(join(folder, 'raw.parquet'))})`,
  );
  await engine.close();
  return { ...out, rows: row!.n };
}

async function granary(members: number, folder: string): Promise<Measured> {
  const out: Measured = { rows: 0, cpu: {}, seconds: {} };
  await mkdir(join(folder, 'sources'));
  await writeFile(join(folder, 'granary.yaml'), 'name: bench\n');
  const columns = Object.entries(COLUMNS).map(
    ([name, type]) =>
      `      ${name}: ${type === 'TIMESTAMPTZ' ? 'timestamp_tz' : type === 'VARCHAR' ? 'text' : type.toLowerCase()}\n`,
  );
  await writeFile(
    join(folder, 'sources', 'crm.yaml'),
    `connector: {type: folder, path: inbox}\ndatasets:\n  contacts:\n    files: "*.tar"\n    unpack: [tar]\n    format: {type: json, records: data, outside: []}\n    columns:\n${columns.join('')}`,
  );
  const { openRuntime } = await import('../src/runtime/runtime.ts');
  const { verify } = await import('../src/stages/verify/verify.ts');
  const { curate } = await import('../src/stages/curate/curate.ts');
  const runtime = await openRuntime({ dir: folder, command: 'bench' });
  try {
    const { context } = runtime;
    const pages = Array.from({ length: members }, (_, i) => archiveMember(`${i}.json`, Buffer.from(page(i)), 0));
    const bytes = Buffer.concat([...pages, ARCHIVE_END]);
    await context.objects.put('landing/main/crm/contacts/bench', bytes);
    await context.state.put(OBJECTS, landed(bytes));
    await timed(out, 'verify', () => verify({ object: 'bench', run: 'bench' }, context));
    const { accepted } = await timed(out, 'curate', () =>
      curate({ object: 'bench', dataset: 'main/crm/contacts', references: {} }, context),
    );
    return { ...out, rows: accepted };
  } finally {
    await runtime.close();
  }
}

const landed = (bytes: Buffer): ObjectDoc => ({
  id: 'bench',
  dataset: 'main/crm/contacts',
  path: 'pages.tar',
  file: 'pages.tar',
  version: 1,
  bytes: bytes.length,
  sha256: sha256(bytes),
  landedAt: '2026-01-01T00:00:00.000Z',
  modifiedAt: null,
  businessDate: null,
  nameParts: {},
  order: 'a',
  key: 'landing/main/crm/contacts/bench',
  sidecars: {},
  supersedes: null,
  declared: {},
  landedRun: 'bench',
  status: 'landed',
  supersededBy: null,
  duplicateOf: null,
  reasons: [],
  released: false,
  payloads: null,
  run: null,
});

const given = (name: string): string | undefined =>
  process.argv.includes(name) ? process.argv[process.argv.indexOf(name) + 1] : undefined;
const members = Number(given('--members') ?? 1000);

const child = given('--child');
if (child !== undefined) {
  const folder = await mkdtemp(join(tmpdir(), 'granary-bench-'));
  const measured = await (child === 'raw' ? raw : granary)(members, folder);
  await rm(folder, { recursive: true, force: true });
  console.log(JSON.stringify(measured));
} else {
  const inProcess = (what: string): Measured => {
    const words = [fileURLToPath(import.meta.url), '--child', what, '--members', String(members)];
    const { stdout, stderr, status } = spawnSync(process.execPath, words, { encoding: 'utf8' });
    if (status !== 0) throw new Error(stderr);
    return JSON.parse(stdout) as Measured;
  };
  console.log(`${members} pages of ${RECORDS} records`);
  for (let round = 1; round <= ROUNDS; round++) {
    const all = [inProcess('raw'), inProcess('granary')];
    const parts = all.flatMap(({ cpu, seconds }) =>
      Object.keys(cpu).map(
        (name) => `${name} ${cpu[name]!.toFixed(1)} s of processors in ${seconds[name]!.toFixed(1)} s`,
      ),
    );
    if (all.some(({ rows }) => rows !== members * RECORDS)) throw new Error(`rows are missing: ${JSON.stringify(all)}`);
    const { verify, curate } = all[1]!.cpu;
    console.log(`  ${parts.join(', ')}: ${((1000 * (verify! + curate!)) / members).toFixed(1)} ms for a page`);
  }
}

/** `granary torture`, with the real command: it finds nothing where nothing is wrong, and something where something is. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { differences, fingerprintOf } from '../src/torture/fingerprint.ts';
import type { TortureReport } from '../src/torture/torture.ts';
import { proftpdMissing, startFtpServer } from './servers/proftpd.ts';
import { killProjectFiles } from './support/kill-project.ts';
import { makeProject, runProject } from './support/projects.ts';

const BINARY = fileURLToPath(new URL('../bin/granary.js', import.meta.url));
const KILLS = 6;

async function torture(dir: string, env: Record<string, string>, ...words: string[]) {
  const child = spawn(process.execPath, [BINARY, 'torture', ...words], {
    cwd: dir,
    env: { PATH: process.env['PATH'], HOME: dir, ...env },
  });
  const [stdout, stderr, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]);
  return { code: code as number, stdout, stderr };
}

const csv = (rows: number, from = 0) =>
  `id,qty\n${Array.from({ length: rows }, (_, i) => `${from + i},${i % 9}`).join('\n')}\n`;
const sales = (rest = '') =>
  `connector: {type: folder, path: inbox}\ndatasets:\n  sales:\n    files: "sales_{date:yyyyMMdd}.csv"\n    columns: {id: bigint, qty: integer}\n${rest}`;

test('kills, cut connections and a full disk leave a project of folders and a server as it should be, and it says what was done', {
  skip: proftpdMissing(),
}, async (t) => {
  const server = await startFtpServer('none', { rate: 2000 });
  t.after(() => server.stop());
  for (const day of [1, 2, 3])
    await writeFile(join(server.files, `orders_2026110${day}.csv`), csv(60_000, day * 20_000));
  const dir = await makeProject(t, {
    // With lookups in a table that changes, and merges: what gives up on a full disk must not be overtaken.
    ...killProjectFiles(3, 2000).first,
    'sources/web.yaml': `connector:
  {type: ftp, tls: none, host: 127.0.0.1, port: ${server.port}, user: ${server.user}, password: "\${secret:FTP_PASSWORD}"}
datasets:
  orders:
    files: "orders_{date:yyyyMMdd}.csv"
    ready: now
    columns: {id: bigint, qty: integer}
    load: {strategy: merge, key: id}
`,
  });
  const env = { GRANARY_SECRET_FTP_PASSWORD: server.password };
  const { code, stdout, stderr } = await torture(dir, env, '--kills', String(KILLS), '--seed', '7', '--json');
  assert.equal(code, 0, `${stdout}${stderr}`);
  const report = JSON.parse(stdout) as TortureReport;
  assert.deepEqual([report.seed, report.kills, report.differences], [7, KILLS, []]);
  assert.ok(report.rounds >= 1 && report.rows > 100_000 && report.undisturbedMs > 0);
  // Letting a disk run full needs the right to mount; without it that is said, not passed over.
  assert.deepEqual(report.left, process.getuid?.() === 0 ? [] : report.left.filter((l) => l.startsWith('full disk: ')));
  assert.equal(existsSync(join(dir, '.granary')), false, 'the project itself was not run');
});

test('a result that differs from run to run is found, named, and an error', async (t) => {
  const dir = await makeProject(t, {
    'sources/shop.yaml': sales('    computed: {luck: "random()"}\n'),
    'inbox/sales_20261101.csv': csv(20_000),
  });
  const { code, stdout } = await torture(dir, {}, '--kills', '1', '--no-disk', '--no-cuts', '--seed', '3');
  assert.equal(code, 1, stdout);
  assert.match(stdout, /✗ Not equal:\n +main\.sales: 20000 rows undisturbed, 20000 rows disturbed/);
  assert.equal(existsSync(join(dir, '.granary')), false, 'the project itself was not run');
});

test('one row that is different, missing, doubled or rejected differs, and in which table is told', async (t) => {
  const loaded = async (content: string) => {
    const dir = await makeProject(t, { 'sources/shop.yaml': sales(), 'inbox/sales_20261101.csv': content });
    await runProject(dir);
    return fingerprintOf({ dir });
  };
  const expected = await loaded(csv(100));
  assert.equal(expected.unbalanced, 0);
  assert.deepEqual(differences(expected, await loaded(csv(100))), []);
  for (const [content, table, counts] of [
    [csv(100).replace('\n50,5\n', '\n50,6\n'), 'main.sales', '100 rows undisturbed, 100 rows'],
    [csv(100).replace('\n50,5\n', '\n'), 'main.sales', '100 rows undisturbed, 99 rows'],
    [csv(100).replace('\n50,5\n', '\n50,5\n50,5\n'), 'main.sales', '100 rows undisturbed, 101 rows'],
    [csv(100).replace('\n50,5\n', '\n50,x\n'), 'granary.rejects', '0 rows undisturbed, 1 rows'],
  ] as const)
    assert.ok(
      differences(expected, await loaded(content)).some((d) => d.startsWith(`${table}: ${counts}`)),
      `${table}: ${counts}`,
    );
  assert.deepEqual(differences(expected, { ...expected, unbalanced: 1 }), ['1 entries of the books do not balance']);
});

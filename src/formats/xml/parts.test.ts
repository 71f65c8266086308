import assert from 'node:assert/strict';
import { mkdtemp, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Engine } from '../../ports/engine.ts';
import { withFormat } from '../lib/testing.ts';
import { xml } from '../xml.ts';
import { xmlConfig } from './testing.ts';

interface Read {
  attempts: { name: string; parts: number; settled: boolean }[];
  rows: unknown[][];
}

/** Reads a document as curation does, which asks for parts; rows are in the order of their numbers. */
async function readParts(engine: Engine, folder: string, text: string, sources: string[]): Promise<Read> {
  const path = join(folder, 'document.xml');
  await writeFile(path, text);
  const scratch = await mkdtemp(join(folder, 'scratch-'));
  const config = xmlConfig({ record: 'p/a' });
  const { facts } = await xml.count(config).finish(path);
  const columns = sources.map((source, position) => ({ source, position, type: 'text' as const, asText: true }));
  const attempts: Read['attempts'] = [];
  for (const attempt of await xml.read({ engine, path, config, columns, facts, scratch, header: undefined })) {
    await engine.run('DROP TABLE IF EXISTS _parse_rejects; DROP TABLE IF EXISTS staged');
    const selects: string[] = [];
    if (attempt.parts) for await (const { sql } of attempt.parts()) selects.push(`SELECT * FROM ${sql}`);
    else selects.push(`SELECT *, row_number() OVER () - 1 AS _n FROM ${(await attempt.prepare()).sql}`);
    await engine.run(`CREATE TABLE staged AS ${selects.join(' UNION ALL ')}`);
    const [{ n }] = (await engine.all('SELECT count(*) AS n FROM staged')) as [{ n: number }];
    const settled = await attempt.settle(n);
    attempts.push({ name: attempt.name, parts: selects.length, settled: settled !== 'mismatch' });
    if (settled === 'mismatch') continue;
    assert.equal(settled.received, facts.records);
    const cells = columns.map((_, c) => `left(c${c}, 5) AS c${c}`).join(', ');
    const rows = await engine.all<Record<string, unknown>>(`SELECT _n, ${cells}, _line FROM staged ORDER BY _n`);
    return { attempts, rows: rows.map((r) => Object.values(r)) };
  }
  throw new Error('no attempt settles');
}

const LONG = 'x'.repeat(200_000);
const RECORDS = 120;
const record = (n: number) => `<a><t>${n}</t><long>${LONG}</long></a>\n`;
const records = Array.from({ length: RECORDS }, (_, n) => record(n)).join('');
const plainRow = (n: number) => [n, String(n), n + 3];

test('rows of a large document come in parts, with numbers that go on from one to the next', async () => {
  await withFormat(xml, async ({ engine, folder }) => {
    const { attempts, rows } = await readParts(engine, folder, `<r>\n<p>\n${records}</p></r>`, ['t', 'long']);
    assert.deepEqual(attempts, [{ name: 'parsed document, parts', parts: 2, settled: true }]);
    assert.deepEqual(
      rows.map(([n, t, , line]) => [n, t, line]),
      Array.from({ length: RECORDS }, (_, n) => plainRow(n)),
    );
  });
});

test('what was given in parts and turns out to be wrong is read again as a whole', async () => {
  await withFormat(xml, async ({ engine, folder }) => {
    const again = [
      { name: 'parsed document, parts', parts: 1, settled: false },
      { name: 'parsed document, whole', parts: 1, settled: true },
    ];
    const late = await readParts(engine, folder, `<r>\n<p>\n${records}<late>yes</late></p></r>`, [
      '../late',
      'long',
      't',
    ]);
    assert.deepEqual(late.attempts, again);
    assert.equal(late.rows.length, RECORDS);
    assert.ok(late.rows.every((r) => r[1] === 'yes'));
    const shared = await readParts(engine, folder, `<r>\n<p>\n${records}<a/><a/></p></r>`, ['t', 'long']);
    assert.deepEqual(shared.attempts, again);
    // Records that share a line have their ordinals instead.
    assert.deepEqual(
      shared.rows.map((r) => r.at(-1)),
      Array.from({ length: RECORDS + 2 }, (_, n) => n + 1),
    );
  });
});

test('values that come late in a small document, and documents without records, need one attempt', async () => {
  await withFormat(xml, async ({ engine, folder }) => {
    const late = await readParts(engine, folder, '<r><p>\n<a><t>1</t></a>\n<late>yes</late></p></r>', ['../late', 't']);
    assert.deepEqual(late.attempts, [{ name: 'parsed document, parts', parts: 1, settled: true }]);
    assert.deepEqual(late.rows, [[0, 'yes', '1', 2]]);
    const none = await readParts(engine, folder, '<r><p/></r>', ['t']);
    assert.deepEqual([none.attempts.length, none.rows], [1, []]);
  });
});

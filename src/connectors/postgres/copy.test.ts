import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import type { Client } from 'pg';
import { type PostgresServer, postgresMissing, startPostgres } from '../../../test/servers/postgres.ts';
import { type CopyOptions, copyOut } from './copy.ts';

describe('rows from the wire', { skip: postgresMissing(), timeout: 120_000 }, () => {
  let server: PostgresServer;
  let client: Client;
  before(async () => {
    server = await startPostgres();
    client = await server.connect();
    await client.query(`CREATE TABLE things AS
      SELECT i, md5(i::text) AS word, CASE WHEN i % 7 = 0 THEN NULL ELSE repeat('ü"' || chr(10), i % 40) END AS odd
      FROM generate_series(1, 200000) i`);
  });
  after(async () => {
    await client?.end();
    await server?.stop();
  });

  const collect = async (statement: string, wait?: () => Promise<unknown>, options?: Partial<CopyOptions>) => {
    const pieces: Buffer[] = [];
    const rows: number[] = [];
    let writing = 0;
    const copied = await copyOut(client, statement, {
      async write(bytes, n) {
        assert.equal(++writing, 1, 'one call after the other');
        await wait?.();
        pieces.push(Buffer.from(bytes));
        rows.push(n);
        writing--;
      },
      ...options,
    });
    return { ...copied, bytes: Buffer.concat(pieces), pieces, rows };
  };
  const digest = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');
  /** What the server itself makes of the same statement, in its file. */
  const byServer = async (select: string) => {
    await client.query(`COPY (${select}) TO '${server.scratch}/copy.csv' (FORMAT csv)`);
    const [row] = (
      await client.query(`SELECT encode(sha256(pg_read_binary_file('${server.scratch}/copy.csv')), 'hex') AS sha`)
    ).rows;
    return row.sha as string;
  };

  it('are the bytes that the server would write itself, and are counted twice', async () => {
    const select = 'SELECT * FROM things ORDER BY i';
    const { bytes, declared, received, pieces, rows } = await collect(`COPY (${select}) TO STDOUT (FORMAT csv)`);
    assert.equal(digest(bytes), await byServer(select));
    assert.deepEqual([declared, received], [200_000, 200_000]);
    assert.equal(
      rows.reduce((a, b) => a + b),
      200_000,
    );
    assert.ok(pieces.slice(0, -1).every((p) => p.length === 1 << 20));
  });

  it('are the same when the writer is slow, and the server waits', async () => {
    const select = 'SELECT * FROM things ORDER BY i DESC';
    const wait = () => new Promise((r) => setTimeout(r, 5));
    assert.equal(
      digest((await collect(`COPY (${select}) TO STDOUT (FORMAT csv)`, wait)).bytes),
      await byServer(select),
    );
  });

  it('may be longer than a buffer, or none at all', async () => {
    const select = 'SELECT repeat(md5(i::text), 200000), i FROM generate_series(1, 3) i';
    const long = await collect(`COPY (${select}) TO STDOUT (FORMAT csv)`);
    assert.equal(digest(long.bytes), await byServer(select));
    assert.equal(long.declared, 3);
    const none = await collect('COPY (SELECT 1 WHERE false) TO STDOUT (FORMAT csv)');
    assert.deepEqual([none.declared, none.received, none.bytes.length, none.pieces.length], [0, 0, 0, 0]);
  });

  it('end with the error of the server, and the connection can be used again', async () => {
    await assert.rejects(collect('COPY (SELECT 100000 / (150000 - i) FROM things ORDER BY i) TO STDOUT'), {
      code: '22012',
    });
    await assert.rejects(collect('COPY (SELECT nothing) TO STDOUT'), { code: '42703' });
    assert.equal((await collect('COPY (SELECT 1) TO STDOUT')).bytes.toString(), '1\n');
    assert.deepEqual((await client.query('SELECT 2 AS two')).rows, [{ two: 2 }]);
  });

  it('stop when the writer fails, or the signal fires, and then the connection is closed', async () => {
    const statement = 'COPY (SELECT a.* FROM things a, generate_series(1, 20)) TO STDOUT';
    const failing = await server.connect();
    const ended = new Promise((r) => failing.once('end', r));
    const write = () => Promise.reject(new Error('the disk is full'));
    await assert.rejects(copyOut(failing, statement, { write }), /the disk is full/);
    await ended;
    const aborted = await server.connect();
    const controller = new AbortController();
    const write2 = async () => controller.abort(new Error('enough'));
    await assert.rejects(copyOut(aborted, statement, { write: write2, signal: controller.signal }), /enough/);
    const busy = async () =>
      (await server.admin("SELECT 1 FROM pg_stat_activity WHERE query LIKE 'COPY%' AND state = 'active'")).length;
    for (let tries = 0; (await busy()) > 0; tries++) {
      assert.ok(tries < 600, 'the server goes on');
      await new Promise((r) => setTimeout(r, 50));
    }
  });
});

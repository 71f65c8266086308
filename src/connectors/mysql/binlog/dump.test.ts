/** Reading the log of a MariaDB server, event by event. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { startCuttingProxy } from '../../../../test/servers/cutting-proxy.ts';
import { type MariaDbServer, mariaDbMissing, startMariaDb } from '../../../../test/servers/mariadb.ts';
import { parseAll } from '../../../../test/support/extracting.ts';
import { mysqlSpec } from '../config.ts';
import { loadDriver, openSession } from '../connect.ts';
import { numberOf } from '../faults.ts';
import { checksumFits } from './checksum.ts';
import { dump, type EventSink, type From, register } from './dump.ts';
import { EVENT } from './events.ts';
import { MariaDbGtids } from './gtids.ts';

describe('the log of a server', { skip: mariaDbMissing(), timeout: 120_000 }, () => {
  let server: MariaDbServer;
  const all: From = { file: 'binlog.000001', pos: 4 };

  before(async () => {
    server = await startMariaDb({ tls: false, settings: ['--max-allowed-packet=100M'] });
    await server.admin(
      'CREATE TABLE t (id INT PRIMARY KEY, v LONGTEXT)',
      'INSERT INTO t SELECT seq, REPEAT(seq, 1000) FROM seq_1_to_2000',
      "INSERT INTO t VALUES (0, REPEAT('large', 5000000))",
    );
  });
  after(() => server?.stop());

  async function connect(host: string) {
    const { port, user, password } = server;
    const config = parseAll(mysqlSpec, { host, port, user, password, tls: 'off' });
    return (await openSession(await loadDriver(), config, undefined)).connection;
  }

  async function read(sink: EventSink, options: { from?: From; host?: string; silence?: number } = {}): Promise<void> {
    const { from = all, host = server.host, silence = 30_000 } = options;
    const connection = await connect(host);
    try {
      await register(connection, 4711, silence);
      await dump(connection, { serverId: 4711, from, silence, signal: undefined }, sink);
    } finally {
      connection.destroy();
    }
  }

  /** Counts events by type, and the bytes of the largest. */
  class Counting implements EventSink {
    readonly types = new Map<number, number>();
    largest = 0;
    readonly #most: number;

    constructor(most = Number.POSITIVE_INFINITY) {
      this.#most = most;
    }

    event({ type, start, end }: Parameters<EventSink['event']>[0]): boolean {
      this.types.set(type, (this.types.get(type) ?? 0) + 1);
      this.largest = Math.max(this.largest, end - start);
      return [...this.types.values()].reduce((a, b) => a + b, 0) >= this.#most;
    }

    waits(): Promise<void> | undefined {
      return undefined;
    }
  }

  it('ends where the log ends, with and without checksums, and has events of many packets', async () => {
    for (const checksum of ['CRC32', 'NONE']) {
      await server.admin(`SET GLOBAL binlog_checksum = ${checksum}`);
      const counting = new Counting();
      await read(counting);
      assert.ok(counting.types.get(EVENT.writeRows1)! > 100, JSON.stringify([...counting.types]));
      assert.equal(counting.types.get(EVENT.xid), 2);
      assert.ok(counting.largest >= 25_000_000);
    }
    await server.admin('SET GLOBAL binlog_checksum = CRC32');
  });

  it('ends when it has enough', async () => {
    const counting = new Counting(20);
    await read(counting);
    assert.equal(
      [...counting.types.values()].reduce((a, b) => a + b),
      20,
    );
  });

  it('lets the server wait, and gets everything afterwards', async () => {
    const [counting, slow] = [new Counting(), new Counting()];
    await read(counting);
    let rounds = 0;
    await read({
      event: (event) => slow.event(event),
      waits: () => (rounds++ % 50 === 0 ? new Promise((go) => setTimeout(go, 5)) : undefined),
    });
    // The server notes its checkpoints (161) when it likes, also between the two.
    for (const types of [slow.types, counting.types]) types.delete(161);
    assert.deepEqual(slow.types, counting.types);
  });

  it('fails with what the sink throws, also while it is waited for', async () => {
    const broken = new Error('no space');
    const sink = new Counting();
    const fail = (): never => {
      throw broken;
    };
    await assert.rejects(read({ event: fail, waits: () => undefined }), broken);
    await assert.rejects(read({ event: (e) => sink.event(e), waits: () => Promise.reject(broken) }), broken);
  });

  it('says that the server has not got the place', async () => {
    for (const from of [
      { file: 'binlog.000777', pos: 4 },
      { file: 'binlog.000001', pos: 2_000_000_000 },
      { gtids: new MariaDbGtids('0-9-99999') },
    ])
      await assert.rejects(read(new Counting(), { from }), (e) => numberOf(e) === 1236);
  });

  it('notices a server that falls silent, and one that is cut off', async () => {
    const proxy = await startCuttingProxy([server.port]);
    try {
      proxy.cutAfter(5_000_000);
      await assert.rejects(read(new Counting(), { host: proxy.host }));
      const connection = await connect(proxy.host);
      proxy.goSilent();
      await assert.rejects(register(connection, 4711, 500), /says nothing/);
    } finally {
      await proxy.stop();
    }
  });

  it('knows a damaged event by its checksum', () => {
    const event = Buffer.from('an event of the log….');
    event.writeUInt32LE(0, event.length - 4);
    assert.equal(checksumFits(event, 0, event.length), false);
  });
});

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Pool } from './pool.ts';

interface Line {
  id: number;
  alive: boolean;
}

function poolOf(limit: number) {
  const opened: Line[] = [];
  const pool = new Pool<Line>({
    limit,
    async open() {
      const line = { id: opened.length, alive: true };
      opened.push(line);
      return line;
    },
    isAlive: (line) => line.alive,
    close(line) {
      line.alive = false;
    },
  });
  return { pool, opened };
}

describe('a pool of connections', () => {
  it('uses a connection again that was given back', async () => {
    const { pool, opened } = poolOf(2);
    pool.release(await pool.acquire());
    pool.release(await pool.acquire());
    assert.equal(opened.length, 1);
  });

  it('makes callers wait at the limit, and serves them in order', async () => {
    const { pool, opened } = poolOf(1);
    const first = await pool.acquire();
    const order: string[] = [];
    const waiting = ['a', 'b'].map(async (name) => {
      const line = await pool.acquire();
      order.push(name);
      pool.release(line);
    });
    await new Promise((r) => setImmediate(r));
    assert.deepEqual(order, []);
    pool.release(first);
    await Promise.all(waiting);
    assert.deepEqual(order, ['a', 'b']);
    assert.equal(opened.length, 1);
  });

  it('replaces a connection that died while idle, and one that was discarded', async () => {
    const { pool, opened } = poolOf(1);
    const first = await pool.acquire();
    pool.release(first);
    first.alive = false;
    const second = await pool.acquire();
    pool.discard(second);
    assert.equal(second.alive, false);
    assert.equal((await pool.acquire()).id, 2);
    assert.equal(opened.length, 3);
  });

  it('closes what is idle and in use, and turns away who waits', async () => {
    const { pool, opened } = poolOf(2);
    pool.release(await pool.acquire());
    await pool.acquire();
    await pool.acquire();
    const waiting = assert.rejects(pool.acquire(), { code: 'cancelled' });
    pool.closeAll();
    await waiting;
    assert.deepEqual(
      opened.map((line) => line.alive),
      [false, false],
    );
    await assert.rejects(pool.acquire(), { code: 'cancelled' });
  });

  it('keeps a connection after a harmless error and drops it after any other', async () => {
    const { pool, opened } = poolOf(1);
    const fail = (message: string) => async (): Promise<void> => {
      throw new Error(message);
    };
    const isHarmless = (e: unknown) => (e as Error).message === 'harmless';
    await assert.rejects(pool.use(fail('harmless'), isHarmless));
    assert.equal(opened[0]!.alive, true);
    await assert.rejects(pool.use(fail('broken'), isHarmless));
    assert.equal(opened[0]!.alive, false);
  });
});

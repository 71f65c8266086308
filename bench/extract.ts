/**
 * Wall time from a table of a database to a landed file with its SHA-256, against the server writing the file itself (MariaDB's `SELECT … INTO OUTFILE`,
 * PostgreSQL's `COPY … TO`), in alternation; and the resident memory of the process that extracts.
 * `node bench/extract.ts [rows] [mysql | postgres]`, 3 million of both if not given. Needs test/servers/install.sh.
 */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { startMariaDb } from '../test/servers/mariadb.ts';
import { startPostgres } from '../test/servers/postgres.ts';
import { compare, judge } from './extracting.ts';

const rows = Number(process.argv[2] ?? 3_000_000);
const chosen = process.argv[3];
console.log(`${rows} rows × 12 columns, rounds in alternation, seconds of wall time`);
if (chosen !== 'postgres') await benchMariaDb();
if (chosen !== 'mysql') await benchPostgres();

async function benchMariaDb(): Promise<void> {
  const server = await startMariaDb({ settings: ['--innodb-buffer-pool-size=1G'] });
  const { host, port, user, password, database, certificate } = server;
  const settings = { host, port, user, password, database, tls: 'off', ca_file: certificate.certificate };
  const outfile = `/tmp/granary-outfile-${port}.csv`;
  const byServer = async () => {
    const from = performance.now();
    await server.admin(
      `SELECT * FROM orders INTO OUTFILE '${outfile}' FIELDS TERMINATED BY ',' OPTIONALLY ENCLOSED BY '"' LINES TERMINATED BY '\\n'`,
    );
    const seconds = (performance.now() - from) / 1000;
    rmSync(outfile);
    return seconds;
  };
  try {
    await server.admin(
      `CREATE TABLE orders (id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY, shop INT NOT NULL, customer VARCHAR(60), email VARCHAR(80),
        amount DECIMAL(12,2), quantity INT, discount DOUBLE, note VARCHAR(200), state ENUM('new','paid','sent'), ordered_on DATE,
        created_at DATETIME(6), updated_at TIMESTAMP NOT NULL)`,
      `INSERT INTO orders (shop, customer, email, amount, quantity, discount, note, state, ordered_on, created_at, updated_at)
        SELECT seq % 500, concat('Customer ', seq * 7919 % 100003), concat('c', seq, '@example.com'), seq % 100000 / 100, seq % 17, seq % 7 / 8,
          IF(seq % 5 = 0, NULL, concat('leave it at the door, "please" ', seq % 1000)), 1 + seq % 3, '2024-01-01' + INTERVAL seq % 700 DAY,
          '2024-01-01' + INTERVAL seq * 1234 MICROSECOND, '2024-01-01 00:00:00' + INTERVAL seq SECOND FROM seq_1_to_${rows}`,
      'ANALYZE TABLE orders',
    );
    const common = { type: 'mysql' as const, settings, rows, byServer };
    const whole = { table: 'orders', chunks: { rows: rows * 2 } };
    const ratio = await compare({ ...common, name: 'MariaDB, one snapshot', read: whole });
    await compare({ ...common, name: 'MariaDB, in parts, two at a time', read: 'orders' });
    const tls = { ...settings, tls: 'required' };
    await compare({ ...common, name: 'MariaDB, one snapshot, TLS', read: whole, settings: tls });
    judge(ratio, 1.15);
  } finally {
    await server.stop();
  }
}

async function benchPostgres(): Promise<void> {
  const server = await startPostgres({ settings: ['shared_buffers = 1GB', 'max_wal_size = 4GB'] });
  const { host, port, user, password, database, certificate, scratch } = server;
  const settings = { host, port, user, password, database, tls: 'off', ca_file: certificate.certificate };
  const outfile = join(scratch, 'orders.csv');
  const byServer = async () => {
    const from = performance.now();
    await server.admin(`COPY orders TO '${outfile}' (FORMAT csv)`);
    const seconds = (performance.now() - from) / 1000;
    rmSync(outfile);
    return seconds;
  };
  try {
    await server.admin(`CREATE TYPE state AS ENUM ('new', 'paid', 'sent');
      CREATE TABLE orders (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, shop int NOT NULL, customer varchar(60), email varchar(80),
        amount numeric(12,2), quantity int, discount double precision, note varchar(200), state state, ordered_on date,
        created_at timestamp, updated_at timestamptz NOT NULL);
      INSERT INTO orders (shop, customer, email, amount, quantity, discount, note, state, ordered_on, created_at, updated_at)
        SELECT i % 500, 'Customer ' || i * 7919 % 100003, 'c' || i || '@example.com', i % 100000 / 100.0, i % 17, i % 7 / 8.0,
          CASE WHEN i % 5 > 0 THEN 'leave it at the door, "please" ' || i % 1000 END, (ARRAY['new', 'paid', 'sent']::state[])[1 + i % 3],
          date '2024-01-01' + (i % 700)::int, timestamp '2024-01-01' + i * interval '1234 us', timestamptz '2024-01-01' + i * interval '1 s'
        FROM generate_series(1::bigint, ${rows}) i;
      GRANT SELECT ON orders TO ${user}`);
    await server.admin('VACUUM ANALYZE orders');
    const common = { type: 'postgres' as const, settings, rows, byServer };
    const whole = { table: 'orders', chunks: { rows: rows * 2 } };
    const ratios = [
      await compare({ ...common, name: 'PostgreSQL, one part', read: whole }),
      await compare({ ...common, name: 'PostgreSQL, in parts, two at a time', read: 'orders' }),
    ];
    const tls = { ...settings, tls: 'required' };
    await compare({ ...common, name: 'PostgreSQL, one part, TLS', read: whole, settings: tls });
    judge(Math.max(...ratios), 1.3);
  } finally {
    await server.stop();
  }
}

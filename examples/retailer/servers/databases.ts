/** The two databases: their tables, users that may read them and no more, and what happens in them. */
import type { Connection } from 'mysql2/promise';
import type { MariaDbServer } from '../../../test/servers/mariadb.ts';
import type { Changes } from '../generate/changes.ts';
import { type Company, daysBefore, LOCATIONS, type Order, totalOf } from '../generate/company.ts';

const SHOP = [
  `CREATE TABLE products (sku VARCHAR(10) PRIMARY KEY, name VARCHAR(80) NOT NULL, category VARCHAR(20), price DECIMAL(10,2) NOT NULL,
    updated_at TIMESTAMP(6) NOT NULL, deleted_at TIMESTAMP(6) NULL, KEY (updated_at))`,
  `CREATE TABLE orders (order_id BIGINT PRIMARY KEY, customer_id BIGINT, email VARCHAR(100), placed_at TIMESTAMP NOT NULL, status VARCHAR(12),
    total DECIMAL(12,2) NOT NULL, updated_at TIMESTAMP(6) NOT NULL, deleted_at TIMESTAMP(6) NULL, KEY (updated_at))`,
  `CREATE TABLE order_lines (order_id BIGINT, line_no INT, sku VARCHAR(10) NOT NULL, quantity INT, price DECIMAL(10,2), PRIMARY KEY (order_id, line_no))`,
];

const WAREHOUSE = [
  'CREATE DATABASE warehouse CHARACTER SET utf8mb4',
  'USE warehouse',
  'CREATE TABLE locations (location VARCHAR(10) PRIMARY KEY, name VARCHAR(40))',
  `CREATE TABLE stock (sku VARCHAR(10), location VARCHAR(10), on_hand INT NOT NULL, changed_at TIMESTAMP(6) NOT NULL, PRIMARY KEY (sku, location), KEY (changed_at))`,
  'CREATE TABLE receipts (receipt_id BIGINT PRIMARY KEY, sku VARCHAR(10) NOT NULL, quantity INT, received_at TIMESTAMP NOT NULL)',
];

/** What a user needs to be read by: tables, transactions that are not committed yet, and, for changes, the log. */
const reader = (database: string, more: string) => [
  "CREATE USER 'reader'@'%' IDENTIFIED BY ?",
  `GRANT SELECT ON ${database}.* TO 'reader'@'%'`,
  `GRANT PROCESS${more} ON *.* TO 'reader'@'%'`,
];

const euros = (cents: number): string => (cents / 100).toFixed(2);

export async function fillShop(server: MariaDbServer, company: Company, password: string): Promise<void> {
  const before = daysBefore(company.today, 1);
  await withConnection(server, async (connection) => {
    for (const statement of SHOP) await connection.query(statement);
    const products = [...company.products, company.leftover];
    await connection.query('INSERT INTO products VALUES ?', [
      products.map(({ sku, name, category, cents }) => [sku, name, category, euros(cents), before, null]),
    ]);
    await insertOrders(connection, company.orders);
    for (const statement of reader('shop', ', REPLICATION SLAVE, BINLOG MONITOR'))
      await connection.query(statement, [password]);
  });
}

export async function fillWarehouse(server: MariaDbServer, company: Company, password: string): Promise<void> {
  const before = daysBefore(company.today, 1);
  await withConnection(server, async (connection) => {
    for (const statement of WAREHOUSE) await connection.query(statement);
    await connection.query('INSERT INTO locations VALUES ?', [Object.entries(LOCATIONS)]);
    await connection.query('INSERT INTO stock VALUES ?', [
      company.stock.map(({ sku, location, onHand }) => [sku, location, onHand, before]),
    ]);
    await connection.query('INSERT INTO receipts VALUES ?', [
      company.goodsIn.map(({ id, sku, quantity }) => [id, sku, quantity, before]),
    ]);
    for (const statement of reader('warehouse', '')) await connection.query(statement, [password]);
  });
}

export async function changeShop(server: MariaDbServer, company: Company, changes: Changes): Promise<void> {
  await withConnection(server, async (connection) => {
    await connection.query('UPDATE products SET deleted_at = NOW(6), updated_at = NOW(6) WHERE sku = ?', [
      company.leftover.sku,
    ]);
    await insertOrders(connection, changes.newOrders);
    for (const { id, status, lines } of changes.changedOrders) {
      await connection.query('UPDATE orders SET status = ?, total = ?, updated_at = NOW(6) WHERE order_id = ?', [
        status,
        euros(totalOf(lines)),
        id,
      ]);
      for (const [i, { sku, quantity, cents }] of lines.entries())
        await connection.query(
          'UPDATE order_lines SET sku = ?, quantity = ?, price = ? WHERE order_id = ? AND line_no = ?',
          [sku, quantity, euros(cents), id, i + 1],
        );
      await connection.query('DELETE FROM order_lines WHERE order_id = ? AND line_no > ?', [id, lines.length]);
    }
    const gone = [changes.markedOrder.id, changes.deletedOrder.id];
    await connection.query('UPDATE orders SET deleted_at = NOW(6), updated_at = NOW(6) WHERE order_id = ?', [gone[0]]);
    await connection.query('DELETE FROM orders WHERE order_id = ?', [gone[1]]);
    await connection.query('DELETE FROM order_lines WHERE order_id IN (?)', [gone]);
  });
}

export async function changeWarehouse(
  server: MariaDbServer,
  { changedStock, deletedStock, newGoods }: Changes,
): Promise<void> {
  await withConnection(server, async (connection) => {
    await connection.query('USE warehouse');
    for (const { sku, location, onHand } of changedStock)
      await connection.query('UPDATE stock SET on_hand = ?, changed_at = NOW(6) WHERE sku = ? AND location = ?', [
        onHand,
        sku,
        location,
      ]);
    await connection.query('DELETE FROM stock WHERE sku = ? AND location = ?', [
      deletedStock.sku,
      deletedStock.location,
    ]);
    for (const { id, sku, quantity } of newGoods)
      await connection.query('INSERT INTO receipts VALUES (?, ?, ?, NOW())', [id, sku, quantity]);
  });
}

async function insertOrders(connection: Connection, orders: readonly Order[]): Promise<void> {
  await connection.query('INSERT INTO orders VALUES ?', [
    orders.map(({ id, customer, email, placedAt, status, lines }) => [
      id,
      customer ?? null,
      email,
      placedAt,
      status,
      euros(totalOf(lines)),
      placedAt,
      null,
    ]),
  ]);
  await connection.query('INSERT INTO order_lines VALUES ?', [
    orders.flatMap(({ id, lines }) => lines.map((l, i) => [id, i + 1, l.sku, l.quantity, euros(l.cents)])),
  ]);
}

/** As the superuser of the server. Dates are sent as UTC, whatever the time zone of this machine and of the server. */
async function withConnection(server: MariaDbServer, use: (connection: Connection) => Promise<void>): Promise<void> {
  const connection = await server.connect(server.database);
  try {
    connection.config.timezone = 'Z';
    await connection.query("SET time_zone = '+00:00'");
    await use(connection);
  } finally {
    await connection.end();
  }
}

/** Deterministic sales files for the benches: 15 columns with the faults of the real world, or 8 clean narrow ones. */
import { existsSync } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';

export const DATA = new URL('.data/', import.meta.url).pathname;

export interface Shape {
  name: string;
  columns: Record<string, string>;
  /** SQL for the lines of rows `i` in a range. */
  line: string;
  /** `rules:` of the dataset, as YAML. */
  rules: string;
}

export const WIDE: Shape = {
  name: 'wide',
  columns: {
    line_id: 'BIGINT',
    store: 'VARCHAR',
    product: 'VARCHAR',
    customer_id: 'BIGINT',
    qty: 'INTEGER',
    unit_price: 'DECIMAL(10,2)',
    discount: 'DECIMAL(4,2)',
    amount: 'DECIMAL(12,2)',
    sale_date: 'DATE',
    sold_at: 'TIMESTAMP',
    currency: 'VARCHAR',
    payment: 'VARCHAR',
    is_return: 'BOOLEAN',
    email: 'VARCHAR',
    note: 'VARCHAR',
  },
  line: `CASE
    WHEN i % 5003 = 17 THEN concat_ws(',', i, 'short')
    WHEN i % 7001 = 19 THEN concat_ws(',', i, 'S1','P1','7','1','1.0','0','1.0','2024-01-01','2024-01-01 00:00:00','EUR','CARD','true','e@x.fr','note','EXTRA','EXTRA2')
    ELSE concat_ws(',', i, 'S' || (hash(i) % 500), 'P' || lpad((hash(i*7) % 20000)::VARCHAR, 6, '0'),
      CASE WHEN i % 997 = 3 THEN '' ELSE (1000000 + hash(i*13) % 800000)::VARCHAR END,
      CASE WHEN i % 3001 = 5 THEN 'abc' WHEN i % 1009 = 4 THEN '-3' ELSE (1 + hash(i*17) % 12)::VARCHAR END,
      CASE WHEN i % 4001 = 7 THEN '"12,50€"' ELSE ((hash(i*19) % 100000) / 100.0)::DECIMAL(10,2)::VARCHAR END,
      ((hash(i*23) % 30) / 100.0)::DECIMAL(4,2), ((hash(i*29) % 200000) / 100.0)::DECIMAL(10,2),
      CASE WHEN i % 6007 = 9 THEN '2024-13-45' ELSE (DATE '2022-01-01' + (hash(i*31) % 1000)::INT)::VARCHAR END,
      TIMESTAMP '2022-01-01 00:00:00' + to_seconds((hash(i*37) % 86400000)::BIGINT),
      ['EUR','USD','GBP','XXX'][CASE WHEN i % 2003 = 1 THEN 4 ELSE 1 + (hash(i*41) % 3)::INT END], ['CARD','CASH','CHEQUE','VOUCHER'][1 + (hash(i*43) % 4)::INT],
      CASE WHEN hash(i*47) % 10 = 0 THEN 'true' ELSE 'false' END,
      CASE WHEN i % 1511 = 8 THEN 'not-an-email' ELSE 'user' || (hash(i*53) % 900000) || '@example.com' END,
      CASE WHEN i % 17 = 0 THEN '"note, with comma and ""quotes"" ' || i || '"' ELSE 'note ' || (hash(i*59) % 1000) END) END`,
  rules: `
      - required: customer_id
      - range: {column: qty, min: 1}
      - range: {column: unit_price, min: 0, max: 100000}
      - range: {column: discount, min: 0, max: 0.9}
      - range: {column: amount, min: 0}
      - range: {column: sale_date, min: 2020-01-01, max: 2030-01-01}
      - allowed: {column: currency, values: [EUR, USD, GBP]}
      - expression: "store LIKE 'S%' AND length(store) BETWEEN 2 AND 6"
      - pattern: {column: product, regex: "P[0-9]{6}"}
      - expression: "email LIKE '%_@_%.__%'"`,
};

export const NARROW: Shape = {
  name: 'narrow',
  columns: {
    line_id: 'BIGINT',
    store: 'VARCHAR',
    product: 'VARCHAR',
    customer_id: 'BIGINT',
    qty: 'INTEGER',
    amount: 'DECIMAL(12,2)',
    sale_date: 'DATE',
    payment: 'VARCHAR',
  },
  line: `concat_ws(',', i, 'S' || (hash(i) % 500), 'P' || lpad((hash(i*7) % 20000)::VARCHAR, 6, '0'), CASE WHEN i % 997 = 3 THEN '' ELSE (1000000 + hash(i*13) % 800000)::VARCHAR END,
      CASE WHEN i % 3001 = 5 THEN 'abc' ELSE (1 + hash(i*17) % 12)::VARCHAR END, ((hash(i*29) % 200000) / 100.0)::DECIMAL(10,2), DATE '2022-01-01' + (hash(i*31) % 1000)::INT,
      ['CARD','CASH','CHEQUE','VOUCHER'][1 + (hash(i*43) % 4)::INT])`,
  rules: `
      - required: customer_id
      - range: {column: qty, min: 1, max: 1000}
      - range: {column: amount, min: 0}
      - range: {column: sale_date, min: 2020-01-01, max: 2030-01-01}
      - allowed: {column: payment, values: [CARD, CASH, CHEQUE, VOUCHER]}`,
};

/** Makes `files` CSV files with `rows` rows in all, unless they are there. Returns their folder. */
export async function makeFiles(shape: Shape, rows: number, files: number): Promise<string> {
  const folder = join(DATA, `${shape.name}-${rows}-${files}`);
  if (existsSync(folder)) return folder;
  const building = `${folder}.building`;
  await rm(building, { recursive: true, force: true });
  await mkdir(building, { recursive: true });
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  const each = Math.ceil(rows / files);
  for (let f = 0; f < files; f++) {
    const day = new Date(Date.UTC(2026, 0, 1 + f)).toISOString().slice(0, 10).replaceAll('-', '');
    const header = Object.keys(shape.columns).join(',');
    await connection.run(
      `COPY (SELECT '${header}' AS line UNION ALL SELECT ${shape.line} FROM range(${f * each}, ${Math.min(rows, (f + 1) * each)}) t(i)) TO '${building}/sales_${day}.csv' (FORMAT csv, HEADER false, QUOTE '', ESCAPE '', DELIMITER E'\\x01')`,
    );
  }
  connection.closeSync();
  instance.closeSync();
  await rename(building, folder);
  return folder;
}

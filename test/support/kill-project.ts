/** The project of the kill tests: every load strategy, compression, rejects, a re-sent file, several sources. Deterministic. */
import { gzipSync } from 'node:zlib';

const SOURCE = `connector: {type: folder, path: inbox}
datasets:
  products:
    files: "products_{date:yyyyMMdd}.csv"
    columns: {sku: text, category: text, price: "decimal(10,2)"}
    load: {strategy: replace}
  sales:
    files: "sales_{date:yyyyMMdd}.csv.gz"
    columns: {id: bigint, sku: text, qty: integer, amount: "decimal(10,2)", day: date}
    keep: "sku <> 'TEST'"
    lookups:
      - {table: products, on: {sku: sku}, take: {category: category}}
    rules:
      - range: {column: qty, min: 1}
      - required: amount
    load: append
  stock:
    files: "stock_{date:yyyyMMdd}.csv"
    columns: {sku: text, on_hand: integer, updated_at: timestamp}
    load: {strategy: merge, key: sku, version: updated_at}
  prices:
    files: "prices_{date:yyyyMMdd}.csv"
    columns: {sku: text, price: "decimal(10,2)", changed_on: date}
    load: {strategy: snapshot, key: sku, version: changed_on}
`;

const day = (d: number) => `2026-11-${String(d).padStart(2, '0')}`;
const stamp = (d: number) => day(d).replaceAll('-', '');

/** Files of the project. `second` adds the later versions of two files that were sent again. */
export function killProjectFiles(
  days: number,
  rows: number,
): { first: Record<string, string | Uint8Array>; second: Record<string, string | Uint8Array> } {
  const files: Record<string, string | Uint8Array> = { 'sources/shop.yaml': SOURCE };
  const skus = Array.from({ length: 50 }, (_, i) => `P${i}`);
  for (let d = 1; d <= days; d++) {
    files[`inbox/products_${stamp(d)}.csv`] =
      `sku,category,price\n${skus.map((s, i) => `${s},cat${(i + d) % 5},${(i * d) % 90}.50`).join('\n')}\n`;
    files[`inbox/sales_${stamp(d)}.csv.gz`] = gzipSync(sales(d, rows, 0));
    files[`inbox/stock_${stamp(d)}.csv`] = `sku,on_hand,updated_at\n${skus
      .filter((_, i) => (i + d) % 3 !== 0)
      .map((s, i) => `${s},${(i * 7 + d) % 100},${day(((i + d) % days) + 1)} 08:00:00`)
      .join('\n')}\n`;
    files[`inbox/prices_${stamp(d)}.csv`] =
      `sku,price,changed_on\n${skus.map((s, i) => `${s},${Math.floor((i + d) / 3)}.00,${day(d)}`).join('\n')}\n`;
  }
  const second = {
    [`inbox/sales_${stamp(2)}.csv.gz`]: gzipSync(sales(2, rows, 5)),
    [`inbox/stock_${stamp(3)}.csv`]: `sku,on_hand,updated_at\nP1,999,${day(9)} 09:00:00\nP2,bad,${day(9)} 09:00:00\n`,
  };
  return { first: files, second };
}

function sales(d: number, rows: number, shift: number): string {
  let out = 'id,sku,qty,amount,day\n';
  for (let i = 0; i < rows; i++) {
    const sku = i % 97 === 3 ? 'TEST' : `P${(i + shift) % 50}`;
    const qty = i % 101 === 7 ? 'x' : i % 103 === 9 ? '-1' : String((i % 9) + 1);
    out +=
      i % 211 === 11
        ? `${d * 1_000_000 + i},broken\n`
        : `${d * 1_000_000 + i},${sku},${qty},${(i + shift) % 1000}.25,${day(d)}\n`;
  }
  return out;
}

/** What must be equal however often a run was killed: every table, the books, the rejects. */
export const TABLE_QUERIES = [
  'SELECT * FROM products ORDER BY ALL',
  'SELECT * FROM sales ORDER BY ALL',
  'SELECT * FROM stock ORDER BY ALL',
  'SELECT * FROM prices ORDER BY ALL',
  'SELECT object_id, dataset, line, rule, column_name, reason, raw FROM granary.rejects ORDER BY ALL',
  'SELECT o.name, o.version, o.status, b.dataset, b.received, b.loaded, b.filtered, b.deduplicated, b.rejected, b.balanced FROM granary.objects o LEFT JOIN granary.books b ON b.object_id = o.id ORDER BY ALL',
];

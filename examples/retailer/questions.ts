/** What is asked across all four systems. */

export interface Question {
  name: 'tables' | 'revenue' | 'missing' | 'strangers';
  title: string;
  sql: string;
}

export const QUESTIONS: readonly Question[] = [
  {
    name: 'tables',
    title: 'What is in the tables?',
    sql: `SELECT 'contacts' AS name, count(*) AS n, 0.00::DECIMAL(12,2) AS amount FROM contacts
UNION ALL SELECT 'order_lines', count(*), sum(amount)::DECIMAL(12,2) FROM order_lines
UNION ALL SELECT 'orders', count(*), sum(total)::DECIMAL(12,2) FROM orders
UNION ALL SELECT 'pos_lines', count(*), sum(amount)::DECIMAL(12,2) FROM pos_lines
UNION ALL SELECT 'pos_payments', count(*), sum(amount)::DECIMAL(12,2) FROM pos_payments
UNION ALL SELECT 'pos_transactions', count(*), sum(total)::DECIMAL(12,2) FROM pos_transactions
UNION ALL SELECT 'products', count(*), 0 FROM products
UNION ALL SELECT 'receipts', count(*), 0 FROM receipts
UNION ALL SELECT 'stock', count(*), 0 FROM stock
ORDER BY name`,
  },
  {
    name: 'revenue',
    title: 'What do the segments of the CRM buy, online and at the tills?',
    sql: `WITH sold AS (
  SELECT c.segment, 'online' AS channel, l.amount
  FROM order_lines l JOIN orders o USING (order_id) LEFT JOIN contacts c ON c.contact_id = o.customer_id
  WHERE o.status <> 'cancelled'
  UNION ALL
  SELECT c.segment, 'till', l.amount
  FROM pos_lines l JOIN pos_transactions t USING (receipt) LEFT JOIN contacts c USING (card)
)
SELECT coalesce(segment, 'unknown') AS segment,
  coalesce(sum(amount) FILTER (channel = 'online'), 0)::DECIMAL(12,2) AS online,
  coalesce(sum(amount) FILTER (channel = 'till'), 0)::DECIMAL(12,2) AS till
FROM sold GROUP BY ALL ORDER BY segment`,
  },
  {
    name: 'missing',
    title: 'What is ordered and not in the warehouse?',
    sql: `WITH open AS (SELECT sku, sum(quantity) AS pieces FROM order_lines JOIN orders USING (order_id) WHERE status = 'paid' GROUP BY sku),
  till AS (SELECT sku, sum(quantity) AS pieces FROM pos_lines GROUP BY sku),
  there AS (SELECT sku, sum(on_hand) AS pieces FROM stock GROUP BY sku)
SELECT sku, open.pieces AS ordered, coalesce(till.pieces, 0) AS sold_at_tills, coalesce(there.pieces, 0) AS on_hand
FROM open LEFT JOIN till USING (sku) LEFT JOIN there USING (sku)
WHERE open.pieces > coalesce(there.pieces, 0) ORDER BY sku`,
  },
  {
    name: 'strangers',
    title: 'Which orders are of people that the CRM does not know?',
    sql: `SELECT o.order_id, o.status, o.total FROM orders o ANTI JOIN contacts c ON c.email = o.email ORDER BY o.order_id`,
  },
];

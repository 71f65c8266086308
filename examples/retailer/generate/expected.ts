/** What the repository must answer, computed from the company and from nothing that the repository knows. */
import { type Company, type Line, totalOf, UNKNOWN_SKU } from './company.ts';

/** Rows of an answer, as the command line prints them as CSV: texts, with two decimals for money. */
export type Rows = string[][];

export interface Expected {
  tables: Rows;
  revenue: Rows;
  missing: Rows;
  strangers: Rows;
}

const money = (cents: number): string => (cents / 100).toFixed(2);

export function expectedOf(company: Company): Expected {
  const { contacts, products, orders, stock, goodsIn } = company;
  const receipts = company.tills.flatMap((t) => t.receipts).filter((r) => r.kind !== 'training');
  const tillLines = receipts.flatMap((r) => known(r.lines).map((line) => ({ ...line, card: r.card })));
  const tables = {
    contacts: [contacts.length, 0],
    order_lines: [orders.flatMap((o) => o.lines).length, total(orders.map((o) => totalOf(o.lines)))],
    orders: [orders.length, total(orders.map((o) => totalOf(o.lines)))],
    pos_lines: [tillLines.length, totalOf(tillLines)],
    // What a receipt says of itself counts the line that was refused.
    pos_payments: [receipts.flatMap((r) => paymentsOf(r.lines)).length, total(receipts.map((r) => totalOf(r.lines)))],
    pos_transactions: [receipts.length, total(receipts.map((r) => totalOf(r.lines)))],
    // The article that is given up is there until its mark is read.
    products: [products.length + (company.leftover.isGivenUp ? 0 : 1), 0],
    receipts: [goodsIn.length, 0],
    stock: [stock.length, 0],
  };
  return {
    tables: Object.entries(tables).map(([name, [rows, cents]]) => [name, String(rows), money(cents!)]),
    revenue: revenueOf(company, tillLines),
    missing: missingOf(company, tillLines),
    strangers: orders
      .filter((o) => !contacts.some((c) => c.email === o.email))
      .map((o) => [String(o.id), o.status, money(totalOf(o.lines))]),
  };
}

/** Two payments for more than 50 euros: half in cash. */
export function paymentsOf(lines: readonly Line[]): { means: string; cents: number }[] {
  const cents = totalOf(lines);
  if (cents <= 5000) return [{ means: cents % 2 ? 'cash' : 'card', cents }];
  const half = Math.floor(cents / 2);
  return [
    { means: 'cash', cents: half },
    { means: 'voucher', cents: cents - half },
  ];
}

function revenueOf({ contacts, orders }: Company, tillLines: readonly (Line & { card: string | undefined })[]): Rows {
  const found = new Map<string, { online: number; till: number }>();
  const add = (segment: string | undefined, channel: 'online' | 'till', cents: number) => {
    const sums = found.get(segment ?? 'unknown') ?? { online: 0, till: 0 };
    sums[channel] += cents;
    found.set(segment ?? 'unknown', sums);
  };
  for (const o of orders)
    if (o.status !== 'cancelled') add(contacts.find((c) => c.id === o.customer)?.segment, 'online', totalOf(o.lines));
  for (const line of tillLines)
    add(contacts.find((c) => c.card === line.card)?.segment, 'till', line.quantity * line.cents);
  return [...found.keys()].sort().map((segment) => {
    const { online, till } = found.get(segment)!;
    return [segment, money(online), money(till)];
  });
}

function missingOf({ orders, stock }: Company, tillLines: readonly Line[]): Rows {
  const pieces = (rows: readonly { sku: string; n: number }[]) =>
    rows.reduce((sums, { sku, n }) => sums.set(sku, (sums.get(sku) ?? 0) + n), new Map<string, number>());
  const open = orders.filter((o) => o.status === 'paid').flatMap((o) => o.lines);
  const ordered = pieces(open.map((l) => ({ sku: l.sku, n: l.quantity })));
  const sold = pieces(tillLines.map((l) => ({ sku: l.sku, n: l.quantity })));
  const there = pieces(stock.map((s) => ({ sku: s.sku, n: s.onHand })));
  return [...ordered]
    .filter(([sku, n]) => n > (there.get(sku) ?? 0))
    .map(([sku, n]) => [sku, String(n), String(sold.get(sku) ?? 0), String(there.get(sku) ?? 0)])
    .sort((a, b) => (a[0]! < b[0]! ? -1 : 1));
}

const known = (lines: readonly Line[]): Line[] => lines.filter((l) => l.sku !== UNKNOWN_SKU);
const total = (cents: readonly number[]): number => cents.reduce((a, b) => a + b, 0);

/** Orders of the webshop: one JSON object a line, with its order lines inside; and the control file that the shop writes beside it. */
import { type Product, WEB_WEEK, weekdayOf } from './company.ts';
import type { Random } from './random.ts';
import { Counter, type Tally } from './tally.ts';

export interface OrderFile {
  bytes: Buffer;
  tally: Tally;
}

export interface OrderOptions {
  day: string;
  products: readonly Product[];
  customers: readonly string[];
  random: Random;
  onPurchase(customer: string, category: string): void;
}

const ORDERS_A_DAY = 800;

interface OrderLine {
  no: number;
  sku: string;
  qty: number;
  price: number | string;
}

export function makeOrderFile(options: OrderOptions): OrderFile {
  const { day, random, customers } = options;
  const tally = new Counter();
  const documents: string[] = [];
  const orders = Math.round(ORDERS_A_DAY * WEB_WEEK[weekdayOf(day)]!);
  for (let n = 1; n <= orders; n++) {
    const customer = random.pick(customers);
    // Orders with which the shop tests itself every hour.
    const test = random.chance(0.01);
    const hour = String(random.integer(0, 23)).padStart(2, '0');
    const minute = String(random.integer(0, 59)).padStart(2, '0');
    const head = {
      order: `W${day.slice(5).replace('-', '')}-${String(n).padStart(5, '0')}`,
      placed_at: `${day}T${hour}:${minute}:00`,
      status: test ? 'test' : 'paid',
      customer: { id: customer, channel: random.chance(0.6) ? 'app' : 'web' },
    };
    if (random.chance(0.002)) {
      // The export was killed while it wrote this document.
      documents.push(JSON.stringify({ ...head, lines: [] }).slice(0, -12));
      tally.add('rejected');
      continue;
    }
    const lines = Array.from({ length: random.integer(1, 4) }, (_, i) =>
      makeLine(i + 1, customer, test, tally, options),
    );
    documents.push(JSON.stringify({ ...head, lines }));
  }
  return { bytes: Buffer.from(`${documents.join('\n')}\n`), tally };
}

function makeLine(no: number, customer: string, test: boolean, tally: Counter, options: OrderOptions): OrderLine {
  const { random } = options;
  const product = random.pick(options.products);
  const line: OrderLine = {
    no,
    sku: product.sku,
    qty: random.chance(0.1) ? random.integer(2, 4) : 1,
    price: product.cents / 100,
  };
  if (test) {
    tally.add('filtered');
    return line;
  }
  if (random.chance(0.004)) {
    tally.add('rejected');
    return random.pick(DEFECTS)(line);
  }
  tally.add('loaded');
  options.onPurchase(customer, product.category);
  return line;
}

const DEFECTS: readonly ((line: OrderLine) => OrderLine)[] = [
  (l) => ({ ...l, qty: 0 }),
  (l) => ({ ...l, price: 'on request' }),
  (l) => ({ ...l, sku: 'GIFT-CARD' }),
];

/** What the shop says that it has exported. */
export function makeControlFile(rows: number, day: string): Buffer {
  return Buffer.from(`export=orders\ndate=${day}\nrows=${rows}\nstatus=complete\n`);
}

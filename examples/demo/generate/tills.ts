/** Lines of the tills: one file a region and day, as an old till server writes them: semicolons, decimal commas, Windows-1252, gzip. */
import { CATEGORIES, type Category, type Product, STORE_WEEK, type Store, weekdayOf } from './company.ts';
import { gzip, windows1252 } from './containers.ts';
import type { Random } from './random.ts';
import { Counter, type Tally } from './tally.ts';

const HEADER = 'Bon;Pos;Filiale;Zeit;Artikel;Bezeichnung;Menge;Preis;Rabatt;Art;Karte';

export interface TillFile {
  bytes: Buffer;
  tally: Tally;
}

export interface TillOptions {
  day: string;
  stores: readonly Store[];
  products: readonly Product[];
  /** Ids of customers who may show a card. */
  cards: readonly string[];
  random: Random;
  /** Told of each article that a customer with a card has bought. */
  onPurchase(customer: string, category: string): void;
}

const RECEIPTS_A_DAY = 360;
const OPENS = 9 * 3600;
const CLOSES = 20 * 3600;
/** The network was slow, so the till has sent the line a second time. */
const RESENT_RATE = 0.0015;
const CATEGORY_BY_NAME = new Map<string, Category>(CATEGORIES.map((c) => [c.name, c]));

export function makeTillFile(options: TillOptions): TillFile {
  const { day, stores } = options;
  const tally = new Counter();
  const lines = [HEADER];
  for (const store of stores) {
    const receipts = Math.round(RECEIPTS_A_DAY * store.size * STORE_WEEK[weekdayOf(day)]!);
    for (let n = 1; n <= receipts; n++) {
      const number = `${store.code}${day.slice(5).replace('-', '')}-${String(n).padStart(5, '0')}`;
      const seconds = OPENS + Math.floor(((CLOSES - OPENS) * n) / (receipts + 1));
      addReceipt({ number, store: store.name, at: `${german(day)} ${clock(seconds)}` }, lines, tally, options);
    }
  }
  return { bytes: gzip(windows1252(`${lines.join('\r\n')}\r\n`)), tally };
}

function addReceipt(
  receipt: Pick<TillLine, 'number' | 'store' | 'at'>,
  lines: string[],
  tally: Counter,
  { products, cards, random, onPurchase }: TillOptions,
): void {
  const card = random.chance(0.1) ? random.pick(cards) : '';
  // Receipts with which people are trained are no sales.
  const training = random.chance(0.004);
  const positions = random.integer(1, 4);
  for (let position = 1; position <= positions; position++) {
    const product = random.pick(products);
    const isReturn = random.chance(CATEGORY_BY_NAME.get(product.category)!.returnRate);
    const line: TillLine = {
      ...receipt,
      position,
      product,
      quantity: random.chance(0.12) ? random.integer(2, 5) : 1,
      discountCents: random.chance(0.08) ? Math.round(product.cents / 10) : 0,
      kind: training ? 'T' : isReturn ? 'R' : 'V',
      card,
    };
    if (training) {
      lines.push(write(line));
      tally.add('filtered');
    } else if (random.chance(DEFECT_RATE)) {
      lines.push(random.pick(DEFECTS)(line));
      tally.add('rejected');
    } else {
      lines.push(write(line));
      tally.add('loaded');
      if (card !== '' && !isReturn) onPurchase(card, product.category);
      if (random.chance(RESENT_RATE)) {
        lines.push(write(line));
        tally.add('deduplicated');
      }
    }
  }
}

interface TillLine {
  number: string;
  position: number;
  store: string;
  at: string;
  product: Product;
  quantity: number;
  discountCents: number;
  /** V: sale, R: return, T: training. */
  kind: 'V' | 'R' | 'T';
  card: string;
}

function write(l: TillLine, name = quoted(l.product.name)): string {
  const { sku, cents } = l.product;
  return `${l.number};${l.position};${l.store};${l.at};${sku};${name};${l.quantity};${comma(cents)};${comma(l.discountCents)};${l.kind};${l.card}`;
}

const DEFECT_RATE = 0.003;
/** What goes wrong at tills. Each of these lines is refused, and no other. */
const DEFECTS: readonly ((line: TillLine) => string)[] = [
  // A clock that was never set.
  (l) => write({ ...l, at: l.at.replace(/^\d\d/, '31') }),
  (l) => write({ ...l, at: '00.00.0000 00:00:00' }),
  // A cancelled position that the till books as a negative quantity.
  (l) => write({ ...l, quantity: -l.quantity }),
  // An article that the head office does not know.
  (l) => write({ ...l, product: { ...l.product, sku: l.product.sku.replace('P1', 'P9') } }),
  (l) => write({ ...l, product: { ...l.product, sku: l.product.sku.replace('P1', 'P9') } }),
  // The line broke off.
  (l) => write(l).split(';').slice(0, 5).join(';'),
  // Quotes that are not doubled, and one that is never closed.
  (l) => write(l, `"${l.product.name.replaceAll('"', '')} "Sonderausgabe" gebunden"`),
  (l) => write(l, `"${l.product.name.replaceAll('"', '')}`),
];

function quoted(name: string): string {
  return /[;"]/.test(name) ? `"${name.replaceAll('"', '""')}"` : name;
}

const comma = (cents: number) => (cents / 100).toFixed(2).replace('.', ',');
const german = (day: string) => day.split('-').reverse().join('.');
const clock = (s: number) =>
  [Math.floor(s / 3600), Math.floor(s / 60) % 60, s % 60].map((n) => String(n).padStart(2, '0')).join(':');

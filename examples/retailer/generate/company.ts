/** What the four systems of the retailer hold, as a function of a seed and of the day it is. Money is in cents. */
import { Random } from '../../demo/generate/random.ts';

export type Segment = 'private' | 'business' | 'club';

export interface Contact {
  id: number;
  name: string;
  email: string;
  phone: string;
  card: string;
  segment: Segment;
  city: string;
  updatedAt: Date;
}

export interface Product {
  sku: string;
  name: string;
  category: string;
  cents: number;
}

export interface Line {
  sku: string;
  quantity: number;
  cents: number;
}

export interface Order {
  id: number;
  /** Of a contact; a guest has none. */
  customer: number | undefined;
  email: string;
  placedAt: Date;
  status: 'paid' | 'shipped' | 'cancelled';
  lines: Line[];
}

export interface Stock {
  sku: string;
  location: string;
  onHand: number;
}

export interface Receipt {
  number: string;
  kind: 'sale' | 'return' | 'training';
  card: string | undefined;
  beganAt: Date;
  lines: Line[];
}

/** One file of the tills: a shop's day. */
export interface TillDay {
  store: string;
  day: Date;
  receipts: Receipt[];
}

export interface Company {
  random: Random;
  /** Midnight of the day, UTC. All data is older, except for what changes later. */
  today: Date;
  contacts: Contact[];
  products: Product[];
  /** On sale nowhere, and in stock: the article that is given up later. */
  leftover: Product & { isGivenUp: boolean };
  orders: Order[];
  stock: Stock[];
  goodsIn: { id: number; sku: string; quantity: number }[];
  tills: TillDay[];
}

export const LOCATIONS = { MAIN: 'Main hall', COLD: 'Cold store', "X'DOCK": 'Cross dock "Köln"' } as const;
export const STORES = ['S1', 'S2', 'S3'] as const;
/** An article that a till sells and the shop does not know. */
export const UNKNOWN_SKU = 'P9999';

const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;
const NAMES = ['Anna Müller', "Sean O'Neill", 'Zoë Łukasik', 'Jean-Luc Noël', 'Mia Weiß', 'Ali Yılmaz', 'Eva Kraus'];
const CITIES = ['Köln', 'Münster', 'Łódź', 'Liège', 'Aachen'];
const CATEGORIES = ['tea', 'coffee', 'spices', 'sweets'];

export const daysBefore = (today: Date, days: number): Date => new Date(today.getTime() - days * DAY_MS);
export const totalOf = (lines: readonly Line[]): number => lines.reduce((sum, l) => sum + l.quantity * l.cents, 0);

export function makeCompany(seed: number, now: Date): Company {
  const random = new Random(seed);
  const today = new Date(Math.floor(now.getTime() / DAY_MS) * DAY_MS);
  const products = Array.from({ length: 40 }, (_, i) => ({
    sku: `P${String(i + 1).padStart(4, '0')}`,
    name: `Article ${i + 1} "süß", 5 %`,
    category: random.pick(CATEGORIES),
    cents: random.integer(99, 4999),
  }));
  const leftover = { ...products.pop()!, isGivenUp: false };
  const company: Company = {
    random,
    today,
    contacts: [],
    products,
    leftover,
    orders: [],
    stock: [],
    goodsIn: [],
    tills: [],
  };
  for (let i = 0; i < 64; i++) addContact(company, daysBefore(today, random.integer(2, 90)));
  for (let i = 0; i < 200; i++) addOrder(company, new Date(daysBefore(today, 1 + (i % 14)).getTime() + i * 60_000));
  for (const { sku } of [...products, leftover])
    for (const location of Object.keys(LOCATIONS))
      company.stock.push({ sku, location, onHand: random.integer(20, 90) });
  for (let i = 0; i < 30; i++) addGoods(company);
  for (const days of [3, 2]) for (const store of STORES) addTillDay(company, store, daysBefore(today, days));
  company.tills[0]!.receipts[0]!.lines[0]!.sku = UNKNOWN_SKU;
  return company;
}

export function addContact(company: Company, updatedAt: Date): Contact {
  const { random, contacts } = company;
  const id = 1001 + contacts.length;
  const contact: Contact = {
    id,
    name: random.pick(NAMES),
    email: `customer${id}@mail.example`,
    phone: `+49 221 ${random.integer(100_000, 999_999)}`,
    card: `C${String(random.integer(0, 9999)).padStart(4, '0')}${id}`,
    segment: random.pick(['private', 'business', 'club'] as const),
    city: random.pick(CITIES),
    updatedAt,
  };
  contacts.push(contact);
  return contact;
}

/** One in ten is a guest: half of them with the address of a contact, the others with one that the CRM does not know. */
export function addOrder(company: Company, placedAt: Date, unknown = false): Order {
  const { random, orders, contacts } = company;
  const id = 70_001 + orders.length;
  const contact = random.pick(contacts);
  const isGuest = unknown || random.chance(0.1);
  const isStranger = unknown || (isGuest && random.chance(0.5));
  const order: Order = {
    id,
    customer: isGuest ? undefined : contact.id,
    email: isStranger ? `guest${id}@elsewhere.example` : contact.email,
    placedAt,
    status: random.pick(['paid', 'shipped', 'shipped', 'shipped', 'cancelled'] as const),
    lines: makeLines(company),
  };
  orders.push(order);
  return order;
}

export function addGoods({ random, goodsIn, products }: Company): Company['goodsIn'][number] {
  const goods = { id: 501 + goodsIn.length, sku: random.pick(products).sku, quantity: random.integer(5, 50) };
  goodsIn.push(goods);
  return goods;
}

export function addTillDay(company: Company, store: string, day: Date): TillDay {
  const { random, contacts, tills } = company;
  const receipts = Array.from({ length: random.integer(15, 25) }, (_, i): Receipt => {
    // The first of a day is a sale.
    const kind =
      i === 0 ? 'sale' : random.pick(['sale', 'sale', 'sale', 'sale', 'sale', 'sale', 'return', 'training'] as const);
    const sign = kind === 'return' ? -1 : 1;
    return {
      number: `${store}-${day.toISOString().slice(2, 10).replaceAll('-', '')}-${String(i + 1).padStart(4, '0')}`,
      kind,
      card: random.chance(0.6) ? random.pick(contacts).card : undefined,
      beganAt: new Date(day.getTime() + 8 * HOUR_MS + i * 600_000),
      lines: makeLines(company).map((line) => ({ ...line, quantity: sign * line.quantity })),
    };
  });
  const till = { store, day, receipts };
  tills.push(till);
  return till;
}

function makeLines({ random, products }: Company): Line[] {
  return Array.from({ length: random.integer(1, 4) }, () => {
    const { sku, cents } = random.pick(products);
    return { sku, quantity: random.integer(1, 3), cents };
  });
}

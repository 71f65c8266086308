/** Master data: price lists, courses, and the customers of the CRM. */
import { createHash } from 'node:crypto';
import { COURSES, type Customer, compact, type Product } from './company.ts';
import { spreadsheet } from './spreadsheet.ts';
import { Counter, type Tally } from './tally.ts';

export interface MasterFile {
  bytes: Buffer;
  tally: Tally;
}

/** A whole price list, as the merchandise system of the nineties prints it: fields at fixed positions, and an article that has no price yet. */
export function makePriceList(products: readonly Product[], validFrom: string): MasterFile {
  const tally = new Counter();
  const date = compact(validFrom);
  const line = (sku: string, name: string, category: string, price: string) =>
    sku + name.padEnd(40) + category.padEnd(12) + price.padStart(8) + date;
  const lines = products.map(({ sku, name, category, cents }) => line(sku, name, category, (cents / 100).toFixed(2)));
  tally.add('loaded', lines.length);
  lines.push(line('P199999', 'Überraschung', 'Novels', ''));
  tally.add('rejected');
  return { bytes: Buffer.from(`${lines.join('\n')}\n`), tally };
}

/** The line that `sha256sum` prints. */
export function checksumOf(name: string, bytes: Uint8Array): Buffer {
  return Buffer.from(`${createHash('sha256').update(bytes).digest('hex')}  ${name}\n`);
}

/** The list that the academy keeps in a spreadsheet. */
export function makeCourses(): MasterFile {
  const tally = new Counter();
  tally.add('loaded', COURSES.length);
  const rows = COURSES.map(({ id, title, topic }) => [id, title, topic]);
  return { bytes: spreadsheet('Courses', [['Course', 'Title', 'Goes with'], ...rows]), tally };
}

/**
 * The CRM exports all customers each time. `known` are those of the export before, as they were: a customer that has not changed since tells
 * nothing new and counts as deduplicated.
 */
export function makeCustomerExport(customers: readonly Customer[], known: ReadonlyMap<string, Customer>): MasterFile {
  const tally = new Counter();
  const lines = ['customer_id,name,email,city,level,since'];
  customers.forEach((c, i) => {
    const damaged = i % 997 === 400;
    lines.push([c.id, c.name, c.email, c.city, c.level, damaged ? 'unknown' : c.since].join(','));
    if (damaged) tally.add('rejected');
    else tally.add(JSON.stringify(known.get(c.id)) === JSON.stringify(c) ? 'deduplicated' : 'loaded');
  });
  return { bytes: Buffer.from(`${lines.join('\n')}\n`), tally };
}

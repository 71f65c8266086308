/** Everything that Marlow's systems write in two weeks, mishaps left out: those are in `deliveries.ts`. Pure: the same for the same seed. */
import { type AcademyFile, makeActivityFile, makeCompletionFile } from './academy.ts';
import {
  COURSES,
  type Customer,
  compact,
  DAYS,
  makeCustomer,
  makeProducts,
  type Product,
  REGIONS,
  STORES,
  weekdayOf,
} from './company.ts';
import { checksumOf, makeCourses, makeCustomerExport, makePriceList } from './masters.ts';
import { makeControlFile, makeOrderFile } from './orders.ts';
import { Random } from './random.ts';
import { Counter, type Tally } from './tally.ts';
import { makeTillFile } from './tills.ts';

/** One file that a system writes, with the names and contents of those that belong to it. */
export interface Output {
  /** `source.dataset` as the project has it. */
  dataset: string;
  /** Where it lies, relative to the folder of the demo. */
  folder: string;
  name: string;
  bytes: Buffer;
  tally: Tally;
  /** Checksum, control file or marker beside it. */
  companions: { name: string; bytes: Buffer }[];
}

export interface World {
  random: Random;
  products: Product[];
  customers: Customer[];
  /** The CRM before its second export. */
  earlierCustomers: Customer[];
  outputs: Output[];
}

/** Relative to the folder of the demo. The first two are served by FTP. */
export const FOLDERS = {
  tills: 'server/tills',
  crm: 'server/crm',
  catalog: 'inbox/catalog',
  webshop: 'inbox/webshop',
  academy: 'inbox/academy',
} as const;

const SEED = 20261102;
const CUSTOMERS = 20_000;
const EVENTS_A_DAY = 5200;
/** Sunday the 8th the academy was free for everyone. */
export const OPEN_DAY = '2026-11-08';
const OPEN_DAY_FACTOR = 3;
const SUNDAY = 6;

/** About 310,000 rows. */
export function twoWeeks(): World {
  const random = new Random(SEED);
  const products = makeProducts(random);
  const earlierCustomers = Array.from({ length: CUSTOMERS }, (_, i) => makeCustomer(random, i + 1));
  const customers = laterCustomers(earlierCustomers, random);
  const world: World = { random, products, customers, earlierCustomers, outputs: [] };
  world.outputs.push(...masters(world));
  const cards = earlierCustomers.map((c) => c.id);
  const buyers = new Map<string, string[]>(COURSES.map((c) => [c.topic, []]));
  const week: AcademyFile[] = [];
  const onPurchase = (customer: string, category: string) => void buyers.get(category)?.push(customer);
  for (const day of DAYS) {
    const everyDay = { day, products, random, onPurchase };
    for (const region of REGIONS) {
      const stores = STORES.filter((s) => s.region === region);
      const file = makeTillFile({ ...everyDay, stores, cards });
      world.outputs.push(output('tills.sales', `pos_${region}_${compact(day)}.csv.gz`, file));
    }
    const orders = makeOrderFile({ ...everyDay, customers: cards });
    const name = `orders_${compact(day)}.ndjson`;
    const control = { name: `${name}.ctl`, bytes: makeControlFile(orders.tally.received, day) };
    world.outputs.push(output('webshop.order_lines', name, orders, [control]));
    const events = EVENTS_A_DAY * (day === OPEN_DAY ? OPEN_DAY_FACTOR : 1);
    const activity = makeActivityFile({ day, customers: cards, events, random });
    const zipName = `activity_${compact(day)}.csv.zip`;
    world.outputs.push(
      output('academy.activity', zipName, activity, [{ name: `${zipName}.done`, bytes: Buffer.alloc(0) }]),
    );
    week.push(makeCompletionFile({ day, customers: cards, buyers, random }));
    if (weekdayOf(day) === SUNDAY)
      world.outputs.push(output('academy.completions', `completions_${compact(day)}.ndjson`, joined(week.splice(0))));
  }
  return world;
}

/** Several files one after the other in one. */
function joined(files: readonly { bytes: Buffer; tally: Tally }[]): { bytes: Buffer; tally: Tally } {
  const tally = new Counter();
  for (const file of files) tally.addAll(file.tally);
  return { bytes: Buffer.concat(files.map((f) => f.bytes)), tally };
}

function masters({ products, customers, earlierCustomers, random }: World): Output[] {
  const first = makeCustomerExport(earlierCustomers, new Map());
  const second = makeCustomerExport(customers, new Map(earlierCustomers.map((c) => [c.id, c])));
  const dearer = products.map((p) => (random.chance(0.1) ? { ...p, cents: p.cents + 100 } : p));
  return [
    priceList(products, '2026-11-01'),
    priceList(dearer, '2026-11-08'),
    output('catalog.courses', 'courses.xlsx', makeCourses()),
    output('crm.customers', 'customers_20261101.csv', first),
    output('crm.customers', 'customers_20261108.csv', second),
  ];
}

export function priceList(products: readonly Product[], day: string): Output {
  const name = `products_${compact(day)}.dat`;
  const file = makePriceList(products, day);
  return output('catalog.products', name, file, [{ name: `${name}.sha256`, bytes: checksumOf(name, file.bytes) }]);
}

/** A week later: some have moved up a level, some have moved house, and there are new ones. */
function laterCustomers(customers: readonly Customer[], random: Random): Customer[] {
  const same = customers.map((c): Customer => {
    if (random.chance(0.02)) return { ...c, level: 'gold' };
    if (random.chance(0.01)) return { ...c, city: random.pick(STORES).name };
    return c;
  });
  const fresh = Math.ceil(customers.length * 0.02);
  return [...same, ...Array.from({ length: fresh }, (_, i) => makeCustomer(random, customers.length + i + 1))];
}

export function output(
  dataset: string,
  name: string,
  file: { bytes: Buffer; tally: Tally },
  companions: Output['companions'] = [],
): Output {
  const folder = FOLDERS[dataset.split('.')[0] as keyof typeof FOLDERS];
  return { dataset, folder, name, ...file, companions };
}

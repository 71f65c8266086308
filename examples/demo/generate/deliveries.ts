/**
 * What comes in the night and what comes in the morning, with everything that goes wrong on the way: files that are late, cut off, sent again, sent
 * twice, too large, closed to readers, or do not hold what their sender says. And what the books must say after each step of the story.
 */
import { encryptWithPassphrase } from '../../../src/codecs/openpgp/write.ts';
import { compact, STORES } from './company.ts';
import { Random } from './random.ts';
import { Counter, identical, overtaken, type Tally } from './tally.ts';
import { makeTillFile } from './tills.ts';
import { FOLDERS, OPEN_DAY, type Output, output, priceList, twoWeeks, type World } from './two-weeks.ts';

export interface File {
  /** Relative to the folder of the demo. */
  path: string;
  bytes: Buffer;
}

export interface Delivery {
  write: File[];
  remove: string[];
}

/** By `source.dataset`: the sums of the books, after each step of the demo. */
export type ExpectedBooks = ReadonlyMap<string, Tally>;

export interface Deliveries {
  /** Articles and courses: there before anything that names them. */
  catalog: Delivery;
  night: Delivery;
  morning: Delivery;
  expected: { catalog: ExpectedBooks; night: ExpectedBooks; repaired: ExpectedBooks; morning: ExpectedBooks };
}

/** Names of the files with which something happens, for those who tell of it. */
export const MISHAPS = {
  late: 'pos_west_20261105.csv.gz',
  latePriceList: 'products_20261104.dat',
  corrected: 'pos_south_20261109.csv.gz',
  cutOff: 'pos_west_20261112.csv.gz',
  copy: 'completions_20261108_copy.ndjson',
  beingWritten: 'pos_south_20261115.csv.gz',
  withoutMarker: 'activity_20261115.csv.zip',
  shortOfLines: 'orders_20261110.ndjson',
  /** The server fails while it is fetched. */
  interrupted: 'pos_north_20261109.csv.gz',
  /** Lies on the server, where its sender has forgotten to let anybody read it. */
  forbidden: 'customers_20261108.csv.pgp',
  openDay: `activity_${compact(OPEN_DAY)}.csv.zip`,
} as const;

/** `passphrase`: with which the CRM encrypts its exports. */
export async function makeDeliveries(passphrase: string): Promise<Deliveries> {
  const world = twoWeeks();
  const byName = new Map(world.outputs.map((o) => [o.name, o]));
  const get = (name: string): Output => byName.get(name)!;
  const late = [MISHAPS.late, MISHAPS.beingWritten, MISHAPS.withoutMarker].map(get);
  const held = [MISHAPS.cutOff, MISHAPS.shortOfLines, MISHAPS.openDay].map(get);
  const wrong = withoutMunich(world);
  const corrected = get(MISHAPS.corrected);
  const copied = get('completions_20261108.ndjson');
  const copy: Output = { ...copied, name: MISHAPS.copy, tally: identical(copied.tally) };
  // From between two others that are there already: newer prices have the better of all of its own.
  const betweenTwo = priceList(world.products, '2026-11-04');
  const latePrices: Output = { ...betweenTwo, tally: overtaken(betweenTwo.tally) };
  const unfinished = partOf(get(MISHAPS.beingWritten));

  const onTime = world.outputs.filter((o) => !late.includes(o) && !held.includes(o) && o !== corrected);
  const readable = onTime.filter((o) => `${o.name}.pgp` !== MISHAPS.forbidden);
  const atNight: Output[] = [
    ...onTime,
    wrong,
    cutOff(get(MISHAPS.cutOff)),
    shortOfLines(get(MISHAPS.shortOfLines)),
    get(MISHAPS.openDay),
    { ...get(MISHAPS.withoutMarker), companions: [] },
    unfinished,
  ];
  const inTheMorning: Output[] = [...late, corrected, copy, get(MISHAPS.cutOff), latePrices];
  const isCatalog = (o: Output) => o.folder === FOLDERS.catalog;
  return {
    catalog: { write: await filesOf(atNight.filter(isCatalog), passphrase), remove: [] },
    night: {
      write: await filesOf(
        atNight.filter((o) => !isCatalog(o)),
        passphrase,
      ),
      remove: [],
    },
    morning: {
      write: await filesOf(inTheMorning, passphrase),
      remove: [`${unfinished.folder}/${unfinished.name}`],
    },
    expected: {
      catalog: booksOf(atNight.filter(isCatalog)),
      night: booksOf([...readable, wrong]),
      repaired: booksOf([...onTime, wrong, get(MISHAPS.openDay)]),
      morning: booksOf([...onTime, get(MISHAPS.openDay), ...inTheMorning]),
    },
  };
}

/** The first content of a file that is corrected later: the biggest of the stores is missing in it. */
function withoutMunich({ products, earlierCustomers }: World): Output {
  const stores = STORES.filter((s) => s.region === 'south' && s.name !== 'München');
  const cards = earlierCustomers.map((c) => c.id);
  const random = new Random(9);
  const file = makeTillFile({ day: '2026-11-09', stores, products, cards, random, onPurchase: () => undefined });
  return output('tills.sales', MISHAPS.corrected, file);
}

/** The connection broke while the file was sent, and nobody noticed. */
function cutOff(file: Output): Output {
  return { ...file, bytes: file.bytes.subarray(0, Math.floor(file.bytes.length * 0.6)) };
}

/** The export ran out of memory near its end; the control file tells how many lines there should have been. */
function shortOfLines(file: Output): Output {
  const documents = file.bytes.toString('utf8').trimEnd().split('\n');
  const kept = documents.slice(0, Math.ceil(documents.length * 0.97));
  return { ...file, bytes: Buffer.from(`${kept.join('\n')}\n`) };
}

/** Half of a file, under the name that it has while it is being written. */
function partOf(file: Output): Output {
  return { ...file, name: `${file.name}.part`, bytes: file.bytes.subarray(0, file.bytes.length >> 1), companions: [] };
}

async function filesOf(outputs: readonly Output[], passphrase: string): Promise<File[]> {
  const files: File[] = [];
  for (const o of outputs) {
    const file = o.dataset === 'crm.customers' ? await encrypted(o, passphrase) : o;
    for (const f of [file, ...o.companions]) files.push({ path: `${o.folder}/${f.name}`, bytes: f.bytes });
  }
  return files;
}

async function encrypted({ name, bytes }: Output, passphrase: string): Promise<{ name: string; bytes: Buffer }> {
  const random = new Random(bytes.length);
  const message: Buffer[] = [];
  const now = new Date('2026-11-01T00:00:00Z');
  for await (const chunk of encryptWithPassphrase(bytes, passphrase, { now, random: (n) => random.bytes(n) }))
    message.push(chunk);
  return { name: `${name}.pgp`, bytes: Buffer.concat(message) };
}

function booksOf(outputs: readonly Output[]): ExpectedBooks {
  const books = new Map<string, Counter>();
  for (const o of outputs) {
    const counter = books.get(o.dataset) ?? new Counter();
    counter.addAll(o.tally);
    books.set(o.dataset, counter);
  }
  return books;
}

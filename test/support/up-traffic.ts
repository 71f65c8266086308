/**
 * Files that keep coming, for tests that kill `granary up` meanwhile: datasets that append, merge, reject, are encrypted and zipped, broken files
 * and files that always fail. What they come to does not depend on when each is taken.
 */
import { gzipSync } from 'node:zlib';
import * as pgp from 'openpgp';
import { makeZip } from '../../src/codecs/zip/testing.ts';

const PASSPHRASE = 'correct horse battery staple';

/** A mail for every object that lands and for every problem. */
export const trafficProject = (smtpPort: number): Record<string, string> => ({
  'granary.yaml': `name: traffic
workers: {memory: 300 MB, count: 2}
warehouse: {memory: 500 MB}
notifications:
  group_for: 0
  remind_every: 0
  storm: {messages: 1000000}
  channels:
    ops: {type: smtp, host: 127.0.0.1, port: ${smtpPort}, tls: none, from: g@example.com, to: ops@example.com}
  routes:
    - {channels: ops}
    - {channels: ops, events: [object.landed]}
`,
  'sources/shop.yaml': `connector: {type: folder, path: inbox/shop}
datasets:
  sales:
    files: "sales_{date:yyyyMMdd}_*.csv.gz"
    ready: now
    columns: {id: bigint, sku: text, qty: integer, amount: "decimal(10,2)"}
    keep: "sku <> 'TEST'"
    load: append
  stock:
    files: "stock_{date:yyyyMMdd}_*.csv"
    ready: now
    columns: {sku: text, on_hand: integer, updated_at: timestamp}
    load: {strategy: merge, key: sku, version: updated_at}
  refunds:
    files: "refunds_{date:yyyyMMdd}_*.csv"
    ready: now
    columns: {id: bigint, qty: integer, amount: "decimal(10,2)"}
    rules:
      - range: {column: qty, min: 1}
      - required: amount
    load: append
`,
  'sources/partner.yaml': `connector: {type: folder, path: inbox/partner}
datasets:
  members:
    files: "members_{date:yyyyMMdd}_*.zip.pgp"
    ready: now
    unpack: [{type: openpgp, passphrase: "\${secret:TRAFFIC_PASSPHRASE}"}, zip]
    format: csv
    columns: {id: bigint, name: text}
    load: append
  labels:
    files: "labels_{date:yyyyMMdd}_*.csv"
    ready: now
    columns: {id: bigint, text: text}
    computed: {n: "text::INTEGER"}
    load: append
`,
});

/** The environment that the project needs. */
export const TRAFFIC_ENVIRONMENT = { GRANARY_SECRET_TRAFFIC_PASSPHRASE: PASSPHRASE };

export interface ArrivingFile {
  path: string;
  content: Uint8Array | string;
}

/** Encrypting twice gives other bytes: within a process a file is made once. */
const made = new Map<number, Promise<ArrivingFile>>();

/** The `n`th file, from 0. Later files have later business dates. */
export function trafficFile(n: number): Promise<ArrivingFile> {
  const file = made.get(n) ?? makeFile(n);
  made.set(n, file);
  return file;
}

async function makeFile(n: number): Promise<ArrivingFile> {
  const date = new Date(Date.UTC(2020, 0, 1 + n)).toISOString().slice(0, 10);
  const name = (kind: string) => `${kind}_${date.replaceAll('-', '')}_${n}`;
  const ids = (rows: number) => Array.from({ length: rows }, (_, i) => n * 10_000 + i);
  switch (n % 8) {
    case 0:
    case 4:
      return { path: `inbox/shop/${name('sales')}.csv.gz`, content: gzipSync(sales(ids(2000))) };
    case 1:
    case 5:
      return { path: `inbox/shop/${name('stock')}.csv`, content: stock(n, date) };
    case 2:
      return { path: `inbox/shop/${name('refunds')}.csv`, content: refunds(ids(500)) };
    case 3:
      return { path: `inbox/partner/${name('members')}.zip.pgp`, content: await members(ids(300)) };
    case 6:
      // Cut off: it goes to quarantine.
      return { path: `inbox/shop/${name('sales')}.csv.gz`, content: gzipSync(sales(ids(200))).subarray(0, 300) };
    default: {
      // One of two gives up as a dead letter.
      const text = n % 16 < 8 ? 'many' : '12';
      return { path: `inbox/partner/${name('labels')}.csv`, content: `id,text\n${n},${text}\n` };
    }
  }
}

function sales(ids: number[]): string {
  const rows = ids.map((id) => `${id},${id % 97 === 3 ? 'TEST' : `P${id % 50}`},${(id % 9) + 1},${id % 1000}.25`);
  return `id,sku,qty,amount\n${rows.join('\n')}\n`;
}

function stock(n: number, date: string): string {
  const skus = Array.from({ length: 40 }, (_, i) => i).filter((i) => (i + n) % 3 !== 0);
  return `sku,on_hand,updated_at\n${skus.map((i) => `P${i},${(i * 7 + n) % 100},${date} 08:00:00`).join('\n')}\n`;
}

function refunds(ids: number[]): string {
  const rows = ids.map((id) => {
    if (id % 11 === 5) return `${id},broken`;
    const qty = id % 7 === 3 ? '-1' : id % 13 === 6 ? 'x' : '2';
    return `${id},${qty},${id % 17 === 1 ? '' : '3.50'}`;
  });
  return `id,qty,amount\n${rows.join('\n')}\n`;
}

async function members(ids: number[]): Promise<Uint8Array> {
  const csv = `id,name\n${ids.map((id) => `${id},Name ${id}`).join('\n')}\n`;
  const message = await pgp.createMessage({ binary: makeZip([{ name: 'members.csv', content: Buffer.from(csv) }]) });
  // Hashed little: the test is not about the passphrase.
  const config = { s2kIterationCountByte: 0 };
  return (await pgp.encrypt({ message, passwords: PASSPHRASE, format: 'binary', config })) as Uint8Array;
}

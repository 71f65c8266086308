/** Curation from file to table: filters, computed columns, lookups, rules, deduplication, masking, drift. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BOOKS } from '../src/model/books.ts';
import { OBJECTS } from '../src/model/objects.ts';
import { SCHEMAS } from '../src/model/runs.ts';
import { replay } from '../src/runtime/replay.ts';
import type { Runtime } from '../src/runtime/runtime.ts';
import { datasetOf } from '../src/stages/context.ts';
import { recordSchema, standingContract, withAdded } from '../src/stages/curate/contract.ts';
import { makeProject, rowsOf, runProject, writeFiles } from './support/projects.ts';

const source = (datasets: string) => `connector: {type: folder, path: inbox}\ndatasets:\n${datasets}`;
const SALES = (rest: string, columns = '{id: bigint, store: text, qty: integer, amount: "decimal(10,2)"}') =>
  source(`  sales:\n    files: "sales_{date:yyyyMMdd}.csv"\n    columns: ${columns}\n${rest}`);
const HEAD = 'id,store,qty,amount\n';

async function books(runtime: Runtime): Promise<Record<string, unknown>> {
  for await (const b of runtime.context.state.query(BOOKS, { index: 'active', equals: [1] })) {
    const { received, loaded, filtered, deduplicated, rejected, byRule } = b;
    return {
      received,
      loaded,
      filtered,
      deduplicated,
      rejected,
      byRule: Object.fromEntries(Object.entries(byRule).map(([k, v]) => [k, v.rows])),
    };
  }
  return {};
}

test('rows that are not wanted are filtered and counted, and are not asked for rules', async (t) => {
  const dir = await makeProject(t, {
    'sources/shop.yaml': SALES(`    keep: "store <> 'TEST'"\n    rules: [{range: {column: qty, min: 1}}]\n`),
    'inbox/sales_20261119.csv': `${HEAD}1,A,1,1.00\n2,TEST,-5,1.00\n3,A,0,1.00\n4,,1,1.00\n`,
  });
  await runProject(dir, async (r) => {
    assert.deepEqual(await rowsOf(r, 'SELECT id FROM sales ORDER BY id'), [[1]]);
    assert.deepEqual(await books(r), {
      received: 4,
      loaded: 1,
      filtered: 2,
      deduplicated: 0,
      rejected: 1,
      byRule: { keep: 2, 'range(qty)': 1 },
    });
  });
});

test('each kind of rule rejects the rows that break it, with line, rule, reason and raw text', async (t) => {
  const dir = await makeProject(t, {
    'sources/shop.yaml': source(`
  products:
    files: products.csv
    columns: {sku: text}
    load: replace
  sales:
    files: sales_{date:yyyyMMdd}.csv
    columns: {id: bigint, sku: text, code: text, cur: text, qty: integer, d: date}
    rules:
      - required: code
      - unique: id
      - range: {column: qty, min: 1, max: 9}
      - range: {column: d, min: 2026-01-01}
      - pattern: {column: code, regex: "C[0-9]+"}
      - allowed: {column: cur, values: [EUR, USD]}
      - exists: {columns: sku, table: products}
      - {expression: "qty < 8 OR cur = 'EUR'", name: big_only_in_eur}
      - {expression: "id <> 1", severity: warn, name: not_one}
`),
    'inbox/products.csv': 'sku\nP1\nP2\n',
    'inbox/sales_20261119.csv':
      'id,sku,code,cur,qty,d\n1,P1,C1,EUR,1,2026-02-01\n2,P1,,EUR,1,2026-02-01\n1,P2,C1,EUR,1,2026-02-01\n3,P1,C1,EUR,0,2026-02-01\n4,P1,C1,EUR,1,2025-12-31\n' +
      '5,P1,X1,EUR,1,2026-02-01\n6,P1,C1,GBP,1,2026-02-01\n7,P9,C1,EUR,1,2026-02-01\n8,P1,C1,USD,9,2026-02-01\n9,P9,X9,GBP,99,2026-02-01\n',
  });
  const { doc } = await runProject(dir, async (r) => {
    assert.deepEqual(await rowsOf(r, 'SELECT id, _line FROM sales ORDER BY id'), [[1, 2]]);
    assert.deepEqual(
      await rowsOf(r, 'SELECT line, rule, column_name, reason, raw FROM granary.rejects ORDER BY line, rule'),
      [
        [3, 'required(code)', 'code', 'code is missing', '2,P1,,EUR,1,2026-02-01'],
        [4, 'unique(id)', 'id', '"1" occurs more than once, first in line 2', '1,P2,C1,EUR,1,2026-02-01'],
        [5, 'range(qty)', 'qty', 'qty is "0", expected 1 to 9', '3,P1,C1,EUR,0,2026-02-01'],
        [6, 'range(d)', 'd', 'd is "2025-12-31", expected at least 2026-01-01', '4,P1,C1,EUR,1,2025-12-31'],
        [7, 'pattern(code)', 'code', 'code is "X1", expected the pattern C[0-9]+', '5,P1,X1,EUR,1,2026-02-01'],
        [8, 'allowed(cur)', 'cur', 'cur is "GBP", allowed: EUR, USD', '6,P1,C1,GBP,1,2026-02-01'],
        [9, 'exists(sku)', 'sku', '"P9" is not in products', '7,P9,C1,EUR,1,2026-02-01'],
        [10, 'big_only_in_eur', null, "not true: qty < 8 OR cur = 'EUR'", '8,P1,C1,USD,9,2026-02-01'],
        [11, 'allowed(cur)', 'cur', 'cur is "GBP", allowed: EUR, USD', '9,P9,X9,GBP,99,2026-02-01'],
        [11, 'big_only_in_eur', null, "not true: qty < 8 OR cur = 'EUR'", '9,P9,X9,GBP,99,2026-02-01'],
        [11, 'exists(sku)', 'sku', '"P9" is not in products', '9,P9,X9,GBP,99,2026-02-01'],
        [11, 'pattern(code)', 'code', 'code is "X9", expected the pattern C[0-9]+', '9,P9,X9,GBP,99,2026-02-01'],
        [11, 'range(qty)', 'qty', 'qty is "99", expected 1 to 9', '9,P9,X9,GBP,99,2026-02-01'],
      ],
    );
  });
  assert.deepEqual({ ...doc.totals }, { received: 12, loaded: 3, filtered: 0, deduplicated: 0, rejected: 9 });
});

test('a value of the wrong type has one rule in the books and in the rejects, whoever found it', async (t) => {
  const dir = await makeProject(t, {
    'sources/shop.yaml': SALES(
      '',
      '{id: bigint, store: text, qty: integer, amount: {type: "decimal(10,2)", decimal: ","}}',
    ),
    'inbox/sales_20261119.csv': `${HEAD}1,A,x,1\n2,A,1,x\n3,A,1,1\n`,
  });
  await runProject(dir, async (r) => {
    assert.deepEqual((await books(r))['byRule'], { 'type(amount)': 1, 'type(qty)': 1 });
    assert.deepEqual(await rowsOf(r, 'SELECT line, rule, column_name FROM granary.rejects ORDER BY line'), [
      [2, 'type(qty)', 'qty'],
      [3, 'type(amount)', 'amount'],
    ]);
  });
});

test('a value that is not of its type breaks its type, and no rule that sees it as missing', async (t) => {
  const dir = await makeProject(t, {
    'sources/shop.yaml': SALES(
      `    computed: {total: "qty * amount"}
    rules:
      - required: total
      - expression: "qty IS NOT NULL AND amount > 0"
      - required: store
`,
      '{id: bigint, store: text, qty: {type: integer, thousands: ",", required: true}, amount: "decimal(10,2)"}',
    ),
    'inbox/sales_20261119.csv': `${HEAD}1,A,x,1\n2,,x,1\n3,A,,1\n4,A,1,1\n`,
  });
  await runProject(dir, async (r) => {
    assert.deepEqual(await rowsOf(r, 'SELECT line, rule FROM granary.rejects ORDER BY line, rule'), [
      [2, 'type(qty)'],
      [3, 'required(store)'],
      [3, 'type(qty)'],
      [4, 'expression(qty IS NOT NULL AND amount > 0)'],
      [4, 'required(qty)'],
      [4, 'required(total)'],
    ]);
  });
});

test('a lookup with a key that is not of its type breaks the type, not the lookup', async (t) => {
  const dir = await makeProject(t, {
    'sources/shop.yaml': source(`
  stores: {files: stores.csv, columns: {store: integer, city: text}, load: replace}
  sales:
    files: sales_{date:yyyyMMdd}.csv
    columns: {id: bigint, store: {type: integer, thousands: ","}, qty: integer, amount: "decimal(10,2)"}
    lookups: [{table: stores, on: {store: store}, take: {city: city}, missing: reject}]
    rules: [{required: city}]
`),
    'inbox/stores.csv': 'store,city\n1,Paris\n',
    'inbox/sales_20261119.csv': `${HEAD}1,1,1,1\n2,x,1,1\n3,9,1,1\n`,
  });
  await runProject(dir, async (r) => {
    assert.deepEqual(await rowsOf(r, 'SELECT line, rule FROM granary.rejects ORDER BY line, rule'), [
      [3, 'type(store)'],
      [4, 'lookup(stores)'],
      [4, 'required(city)'],
    ]);
  });
});

test('warnings are counted of the rows that are stored, not of those that were refused or deduplicated', async (t) => {
  const dir = await makeProject(t, {
    'sources/shop.yaml': SALES(`    deduplicate: {key: id}
    rules:
      - {expression: "qty > 0", severity: warn, name: none_sold}
      - {unique: [id, store], severity: warn}
      - range: {column: amount, min: 0}
`),
    'inbox/sales_20261119.csv': `${HEAD}1,A,0,1\n2,A,0,-1\n3,A,0,1\n3,A,0,2\n3,B,1,1\n4,A,1,1\n4,A,1,1\n`,
  });
  await runProject(dir, async (r) => {
    assert.deepEqual(await books(r), {
      received: 7,
      loaded: 3,
      filtered: 0,
      deduplicated: 3,
      rejected: 1,
      byRule: { none_sold: 1, 'range(amount)': 1, 'unique(id, store)': 1 },
    });
  });
});

test('lookups take columns from reference tables, in file order, with the line of every row', async (t) => {
  const rows = Array.from({ length: 5000 }, (_, i) => `${i},S${i % 7},1,1.00`).join('\n');
  const dir = await makeProject(t, {
    'sources/shop.yaml': source(`
  stores: {files: stores.csv, columns: {store: text, city: text}, load: replace}
  sales:
    files: sales_{date:yyyyMMdd}.csv
    columns: {id: bigint, store: text, qty: integer, amount: "decimal(10,2)"}
    lookups: [{table: stores, on: {store: store}, take: {city: city}, missing: reject}]
    computed: {label: "store || '/' || city"}
`),
    'inbox/stores.csv': `store,city\n${[0, 1, 2, 3, 4, 5].map((i) => `S${i},City ${i}`).join('\n')}\n`,
    'inbox/sales_20261119.csv': `${HEAD}${rows}\n`,
  });
  await runProject(dir, async (r) => {
    assert.deepEqual(
      await rowsOf(
        r,
        "SELECT count(*), count(*) FILTER (_line = id + 2), count(*) FILTER (label = store || '/City ' || store[2:]) FROM sales",
      ),
      [[4286, 4286, 4286]],
    );
    assert.deepEqual(await rowsOf(r, 'SELECT DISTINCT rule, reason FROM granary.rejects'), [
      ['lookup(stores)', '"S6" is not in stores'],
    ]);
    assert.deepEqual(
      await rowsOf(r, "SELECT count(*) FROM granary.rejects WHERE raw LIKE (line - 2)::VARCHAR || ',S6,%'"),
      [[714]],
    );
  });
});

test('of several rows with one key the latest is kept and the others are counted as deduplicated', async (t) => {
  const dir = await makeProject(t, {
    'sources/shop.yaml': SALES(
      '    deduplicate: {key: id, latest_by: qty}\n    sort_by: [store]\n    partition_by: [store]\n',
    ),
    'inbox/sales_20261119.csv': `${HEAD}1,A,1,1.00\n1,B,3,2.00\n1,C,2,3.00\n2,A,1,1.00\n2,B,1,1.00\n`,
  });
  await runProject(dir, async (r) => {
    assert.deepEqual(await rowsOf(r, 'SELECT id, store, _line FROM sales ORDER BY id'), [
      [1, 'B', 3],
      [2, 'B', 6],
    ]);
    assert.deepEqual(await books(r), { received: 5, loaded: 2, filtered: 0, deduplicated: 3, rejected: 0, byRule: {} });
  });
});

test('masked values stand neither in the table nor in the curated files nor in the rejects', async (t) => {
  const dir = await makeProject(t, {
    'granary.yaml': 'name: test\nmask_key: "a key of some length"\n',
    'sources/crm.yaml': source(`  customers:
    files: customers.csv
    columns: {id: bigint, email: text, phone: text, name: text, card: text}
    drop: [name]
    mask: {email: hash, phone: {type: truncate, length: 3}, card: redact}
    rules: [{pattern: {column: email, regex: ".+@.+"}}]
`),
    'inbox/customers.csv':
      'id,email,phone,name,card\n1,ann@example.com,0123456,Ann,4111\n2,ann@example.com,0123999,Bob,4222\n3,SECRETMAIL,1,Eve,4333\n',
  });
  await runProject(dir, async (r) => {
    const rows = await rowsOf(r, 'SELECT * EXCLUDE (_object, _member) FROM customers ORDER BY id');
    assert.equal(rows[0]![1], rows[1]![1]);
    assert.match(String(rows[0]![1]), /^[0-9a-f]{64}$/);
    assert.deepEqual(
      rows.map((x) => [x[0], x[2], x[3], x[4]]),
      [
        [1, '012', '***', 2],
        [2, '012', '***', 3],
      ],
    );
    assert.deepEqual(await rowsOf(r, 'SELECT line, reason, raw FROM granary.rejects'), [
      [4, 'email is (masked), expected the pattern .+@.+', null],
    ]);
    for await (const o of r.context.objects.list('curated/')) {
      for await (const chunk of await r.context.objects.get(o.key))
        assert.ok(!Buffer.from(chunk).includes('ann@example'), o.key);
    }
  });
});

test('a quarantine rule sets the whole object aside above its percentage, and a replay takes it in after the rule is fixed', async (t) => {
  const project = (above: number) =>
    SALES(`    rules: [{range: {column: qty, min: 1}, severity: quarantine, above: ${above} %}]\n`);
  const dir = await makeProject(t, {
    'sources/shop.yaml': project(20),
    'inbox/sales_20261119.csv': `${HEAD}1,A,1,1.00\n2,A,0,1.00\n3,A,1,1.00\n`,
  });
  const first = await runProject(dir, async (r) => {
    for await (const o of r.context.state.query(OBJECTS)) {
      assert.equal(o.status, 'quarantined');
      assert.deepEqual(o.reasons, [
        { code: 'rule', message: '1 of 3 rows (33.3 %) break range(qty); allowed are 20 %.' },
      ]);
    }
  });
  assert.equal(first.doc.quarantined, 1);
  await writeFiles(dir, { 'sources/shop.yaml': project(50) });
  await runProject(dir, async (r) => {
    assert.equal((await replay({ quarantined: true }, r.context)).length, 1);
  });
  await runProject(dir, async (r) => {
    assert.deepEqual(await rowsOf(r, 'SELECT id FROM sales ORDER BY id'), [[1], [3]]);
    assert.deepEqual(await rowsOf(r, 'SELECT status, quarantine FROM granary.objects'), [['loaded', null]]);
  });
});

test('a replay after a rule was loosened takes the rejected rows in and doubles none', async (t) => {
  const project = (min: number) => SALES(`    rules: [{range: {column: qty, min: ${min}}}]\n`);
  const dir = await makeProject(t, {
    'sources/shop.yaml': project(1),
    'inbox/sales_20261119.csv': `${HEAD}1,A,1,1.00\n2,A,0,1.00\n3,A,-9,1.00\n`,
  });
  await runProject(dir);
  await writeFiles(dir, { 'sources/shop.yaml': project(0) });
  await runProject(dir, async (r) => {
    assert.equal((await replay({ rejects: true }, r.context)).length, 1);
  });
  await runProject(dir, async (r) => {
    assert.deepEqual(await rowsOf(r, 'SELECT id FROM sales ORDER BY id'), [[1], [2]]);
    assert.deepEqual(await rowsOf(r, 'SELECT line FROM granary.rejects'), [[4]]);
    assert.deepEqual(await books(r), {
      received: 3,
      loaded: 2,
      filtered: 0,
      deduplicated: 0,
      rejected: 1,
      byRule: { 'range(qty)': 1 },
    });
  });
});

test('with on_drift evolve a new column is added with its type and an integer column widens', async (t) => {
  const dir = await makeProject(t, {
    'sources/shop.yaml': SALES('    on_drift: evolve\n'),
    'inbox/sales_20261118.csv': `${HEAD}1,A,1,1.00\n`,
  });
  await runProject(dir);
  await writeFiles(dir, {
    'inbox/sales_20261119.csv': 'id,store,qty,amount,Loyalty Points\n2,A,5000000000,1.00,17\n3,B,2,1.00,\n',
  });
  const { doc } = await runProject(dir, async (r) => {
    assert.deepEqual(await rowsOf(r, 'SELECT id, qty, loyalty_points FROM sales ORDER BY id'), [
      [1, 1, null],
      [2, 5000000000, 17],
      [3, 2, null],
    ]);
  });
  assert.equal(doc.totals.rejected, 0);
});

test('several workers may record the first schema of a dataset at once, and what each file added stays known', async (t) => {
  const days = ['11', '12', '13', '14', '15', '16'];
  const dir = await makeProject(t, {
    'granary.yaml': 'name: test\nworkers: {count: 2, memory: 300 MB}\nwarehouse: {memory: 500 MB}\n',
    'sources/shop.yaml': SALES('    on_drift: evolve\n'),
    ...Object.fromEntries(
      days.map((d) => [`inbox/sales_202611${d}.csv`, `id,store,qty,amount,extra_${d}\n${d},A,1,1.00,7\n`]),
    ),
  });
  const { doc } = await runProject(dir, async (r) => {
    assert.deepEqual(await rowsOf(r, 'SELECT count(*), sum(extra_11), sum(extra_16) FROM sales'), [[6, 7, 7]]);
    let latest: string[] = [];
    for await (const s of r.context.state.query(SCHEMAS, { index: 'dataset', equals: ['main/shop/sales'] }))
      latest = s.columns.map((c) => c.name);
    assert.deepEqual(latest.sort(), ['amount', ...days.map((d) => `extra_${d}`), 'id', 'qty', 'store']);
  });
  assert.deepEqual(doc.errors, []);
});

test('versions of a schema that are recorded at the same moment all come in, one after the other', async (t) => {
  const dir = await makeProject(t, { 'sources/shop.yaml': SALES('    on_drift: evolve\n'), 'inbox/readme.txt': '' });
  await runProject(dir, async ({ context }) => {
    const dataset = datasetOf(context, 'main/shop/sales');
    const declared = standingContract(dataset, undefined);
    await Promise.all(
      ['a', 'b', 'c'].map((name) => {
        const header = [...declared.map((c) => c.name), name];
        return recordSchema(context, dataset, withAdded(declared, header, dataset, []).contract, name);
      }),
    );
    const versions: number[][] = [];
    for await (const s of context.state.query(SCHEMAS, { index: 'dataset', equals: [dataset.key] }))
      versions.push([s.version, s.columns.length]);
    assert.deepEqual(versions, [
      [1, 5],
      [2, 6],
      [3, 7],
    ]);
  });
});

test('with on_drift reject the contract stands: new columns are left out and told, values that do not fit are rejected', async (t) => {
  const dir = await makeProject(t, {
    'sources/shop.yaml': SALES(''),
    'inbox/sales_20261119.csv': 'id,extra,store,qty,amount\n1,x,A,1,1.00\n2,x,A,5000000000,1.00\n',
  });
  const { events } = await runProject(dir, async (r) => {
    assert.deepEqual(await rowsOf(r, 'SELECT id, store, qty FROM sales'), [[1, 'A', 1]]);
    assert.deepEqual(await rowsOf(r, 'SELECT line, rule, column_name FROM granary.rejects'), [[3, 'type(qty)', 'qty']]);
  });
  const loaded = events.find((e) => e.type === 'loaded');
  assert.deepEqual(loaded?.curated.drift, ['Its columns differ from the contract (new: extra).']);
});

test('with on_drift quarantine an object with other columns is set aside whole', async (t) => {
  const dir = await makeProject(t, {
    'sources/shop.yaml': SALES('    on_drift: quarantine\n'),
    'inbox/sales_20261119.csv': 'id,store,qty\n1,A,1\n',
  });
  const { events } = await runProject(dir);
  const held = events.find((e) => e.type === 'quarantined');
  assert.deepEqual(held?.reasons, [
    { code: 'drift', message: 'Its columns differ from the contract (missing: amount).' },
  ]);
});

test('record types of one file go to several datasets, and a type that nobody reads sets the file aside', async (t) => {
  const project = (ignore: string) =>
    source(`  lines:
    files: pos_{date:yyyyMMdd}.dat
    format:
      type: fixed_width
      record_type: {start: 1, length: 1}
      record: L
      ${ignore}
      records:
        H: {fields: [{name: store, start: 2, length: 3}]}
        L: {fields: [{name: sku, start: 2, length: 3}, {name: qty, start: 5, length: 2}]}
    columns: {sku: text, qty: integer}
    rules: [{range: {column: qty, min: 1}}]
  heads: {part_of: lines, record: H, columns: {store: text}}
`);
  const dir = await makeProject(t, {
    'sources/pos.yaml': project(''),
    'inbox/pos_20261119.dat': 'HS01\nLP0102\nLP0200\nHS02\nLP0305\nT0005\n',
  });
  const held = (await runProject(dir)).events.find((e) => e.type === 'quarantined');
  assert.deepEqual(
    held?.reasons.map((r) => r.code),
    ['record_type'],
  );
  await writeFiles(dir, { 'sources/pos.yaml': project('ignore: [T]') });
  await runProject(dir, async (r) => void (await replay({ quarantined: true }, r.context)));
  const { doc } = await runProject(dir, async (r) => {
    assert.deepEqual(await rowsOf(r, 'SELECT sku, qty, _line FROM lines ORDER BY _line'), [
      ['P01', 2, 2],
      ['P03', 5, 5],
    ]);
    assert.deepEqual(await rowsOf(r, 'SELECT store, _line FROM heads ORDER BY _line'), [
      ['S01', 1],
      ['S02', 4],
    ]);
    assert.deepEqual(
      await rowsOf(r, 'SELECT dataset, received, loaded, rejected FROM granary.books ORDER BY dataset'),
      [
        ['pos.heads', 2, 2, 0],
        ['pos.lines', 3, 2, 1],
      ],
    );
  });
  assert.deepEqual(doc.errors, []);
});

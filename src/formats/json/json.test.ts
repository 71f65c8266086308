import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MAX_RECORD_BYTES } from '../lib/lines.ts';
import { withFormat } from '../lib/testing.ts';
import { json } from './json.ts';
import { arrayOfObjectsIn } from './sample.ts';

test('each element of a top-level array is a row, however the bytes are cut', async () => {
  await withFormat(json, async ({ read }) => {
    const text = '\n[ {"a":"[{\\"x\\":1}]","b":{"c":1.50}},\n {"a":"\\\\"} , {"b" : {"c":null},"a":"é,]"} ]\n';
    for (const piece of [1, 2, 3, 1000]) {
      const { rows, lines, facts, header, rawText } = await read(text, {}, ['a', 'b.c'], piece);
      assert.deepEqual(rows, [
        ['[{"x":1}]', '1.50'],
        ['\\', null],
        ['é,]', null],
      ]);
      assert.deepEqual(lines, [1, 2, 3]);
      assert.equal(facts.records, 3);
      assert.deepEqual(header, ['a', 'b.c']);
      assert.deepEqual(await rawText([2, 5]), ['{"a":"\\\\"}']);
    }
  });
});

test('records are found inside an object, with what is around them before and after', async () => {
  await withFormat(json, async ({ read }) => {
    const text =
      '{"meta":{"day":"2026-11-21","data":[9]},"data":{"items":[{"id":1,"l":[{"q":1},{"q":2}]},{"id":2,"l":[]},7]},"total":{"n":2}}';
    for (const piece of [1, 1000]) {
      const flat = await read(text, { records: 'data.items' }, ['meta.day', 'total.n', 'data.items[].id'], piece);
      assert.deepEqual(flat.rows, [
        ['2026-11-21', '2', '1'],
        ['2026-11-21', '2', '2'],
        ['2026-11-21', '2', null],
      ]);
      assert.deepEqual(flat.lines, [1, 2, 3]);
      const deep = await read(
        text,
        { records: 'data.items[].l' },
        ['meta.day', 'data.items[].id', 'data.items[].l[].q'],
        piece,
      );
      assert.deepEqual(deep.rows, [
        ['2026-11-21', '1', '1'],
        ['2026-11-21', '1', '2'],
      ]);
      assert.deepEqual(deep.header, ['meta.day', 'meta.data', 'total.n', 'data.items[].id', 'data.items[].l[].q']);
    }
  });
});

test('columns can be named by their path within the record, and what is outside by one from the root', async () => {
  await withFormat(json, async ({ read, discover }) => {
    const text = '{"meta":{"day":"2026-11-21"},"more":true,"data":[{"id":1,"a":{"b":1.50}},{"id":2}]}';
    const config = { records: 'data', outside: ['meta.day'] };
    const { rows, header } = await read(text, config, ['$.meta.day', 'id', 'A.B']);
    assert.deepEqual(rows, [
      ['2026-11-21', '1', '1.50'],
      ['2026-11-21', '2', null],
    ]);
    assert.deepEqual(header, ['$.meta.day', 'id', 'a.b']);
    const { columns } = await discover(text, config);
    assert.deepEqual(
      columns.map((c) => c.source),
      ['$.meta.day', 'id', 'a.b'],
    );
    // An empty page has no columns, whatever is around its records.
    assert.equal((await read('{"more":false,"data":[]}', { records: 'data', outside: [] }, ['id'])).header, undefined);
  });
});

test('arrays within the elements of a top-level array open too', async () => {
  await withFormat(json, async ({ read }) => {
    const { rows, lines } = await read('[{"id":1,"l":[{"q":1},{"q":2}]},{"id":2,"l":[{"q":3}]}]', { records: 'l' }, [
      'id',
      'l[].q',
    ]);
    assert.deepEqual(rows, [
      ['1', '1'],
      ['1', '2'],
      ['2', '3'],
    ]);
    assert.deepEqual(lines, [1, 1, 2]);
  });
});

test('an object without records is one row', async () => {
  await withFormat(json, async ({ read }) => {
    const { rows, lines } = await read('{"a":{"b":1},"c":[1,2]}', {}, ['a.b', 'c'], 1);
    assert.deepEqual(rows, [['1', '[1,2]']]);
    assert.deepEqual(lines, [1]);
  });
});

test('an element that is not valid is rejected alone, with its text', async () => {
  await withFormat(json, async ({ read }) => {
    const content = Buffer.concat([
      Buffer.from('[{"a":1},{"a":01},5,,{"a":"'),
      Buffer.from([0xff]),
      Buffer.from(`"},{"a":"${'x'.repeat(MAX_RECORD_BYTES)}"},{"a":2}]`),
    ]);
    const { rows, rejects } = await read(content, {}, ['a']);
    assert.deepEqual(rows, [['1'], ['2']]);
    assert.deepEqual(
      rejects.map((r) => [r.line, r.rule, r.raw!.slice(0, 12)]),
      [
        [2, 'structure', '{"a":01}'],
        [3, 'structure', '5'],
        [4, 'structure', ''],
        [5, 'encoding', '{"a":"\\xFF"}'],
        [6, 'too_long', '{"a":"xxxxxx'],
      ],
    );
  });
});

test('a document that is cut off, wrongly closed, or no JSON at all is refused as a whole, and says why', async () => {
  await withFormat(json, async ({ read }) => {
    const cases: [content: string, records: string | undefined, code: string, message: RegExp][] = [
      ['', undefined, 'format.empty', /no JSON document/],
      ['[{"a":1},{"a":2}', undefined, 'format.invalid', /ends before all its brackets are closed/],
      ['[{"a":1', undefined, 'format.invalid', /ends before/],
      ['[{"a":"1]', undefined, 'format.invalid', /ends before/],
      ['[{"a":1]}', undefined, 'format.invalid', /byte 8 closes what is not open/],
      ['{"a":1}\n{"a":2}', undefined, 'format.invalid', /more follows at byte 9/],
      ['PK\x03\x04', undefined, 'format.invalid', /neither \{ nor \[/],
      ['{"data":{}}', 'data', 'format.invalid', /no array at "data"/],
      ['{"data":[1],"data":[2]}', 'data', 'format.invalid', /occurs twice/],
    ];
    for (const [content, records, code, message] of cases) {
      await assert.rejects(read(content, { records }, ['a']), { code, message });
    }
  });
});

test('an empty array has no rows', async () => {
  await withFormat(json, async ({ read }) => {
    for (const content of ['[]', '[ \n ]', ' []\n']) assert.deepEqual((await read(content, {}, ['a'])).rows, []);
  });
});

test('the array of records in an object is found by its form', () => {
  assert.equal(arrayOfObjectsIn('{"meta":{"tags":["a"],"n":[1]},"data":{"items":[ {"id":1}'), 'data.items');
  assert.equal(arrayOfObjectsIn('{"rows":[{"a":[{"b":1}]}]}'), 'rows');
  assert.equal(arrayOfObjectsIn('{"text":"\\"[{","x":1}'), undefined);
  assert.equal(arrayOfObjectsIn('[{"a":[{"b":1}]}]'), undefined);
});

test('discovery proposes the records and their columns', async () => {
  await withFormat(json, async ({ discover }) => {
    const items = Array.from({ length: 20 }, (_, i) => ({ id: i, price: `${i}.50`, code: `00${i}` }));
    const { config, columns } = await discover(JSON.stringify({ day: '2026-11-21', data: items }));
    assert.deepEqual(config, { records: 'data' });
    assert.deepEqual(
      columns.map((c) => [c.source, c.type, c.unique]),
      [
        ['day', 'date', false],
        ['data[].id', 'integer', true],
        ['data[].price', 'decimal(12,2)', true],
        ['data[].code', 'text', true],
      ],
    );
  });
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MAX_RECORD_BYTES } from '../lib/lines.ts';
import { withFormat } from '../lib/testing.ts';
import { ndjson } from './ndjson.ts';

test('each line is a row, nested values have paths, and blank lines count for nothing but the line numbers', async () => {
  await withFormat(ndjson, async ({ read }) => {
    const text =
      '{"id":1,"customer":{"address":{"city":"Zürich"}},"tags":["a"]}\n\n  \t\n{"customer":null,"id":"x"}\r\n{"id":2}';
    for (const piece of [1, 7, 1000]) {
      const { rows, lines, facts, rejects, header } = await read(
        text,
        {},
        ['id', 'customer.address.city', 'tags', 'gone'],
        piece,
      );
      assert.deepEqual(rows, [
        ['1', 'Zürich', '["a"]', null],
        ['x', null, null, null],
        ['2', null, null, null],
      ]);
      assert.deepEqual(lines, [1, 4, 5]);
      assert.deepEqual(facts, { records: 3, lines: 5, blankLines: 2 });
      assert.deepEqual(rejects, []);
      assert.deepEqual(header, ['id', 'customer.address.city', 'tags']);
    }
  });
});

test('keys are found however they are escaped, and the last of a key that occurs twice stands', async () => {
  await withFormat(ndjson, async ({ read }) => {
    const lines = ['{"\\u0061":1,"x\\"":2}', '{"x\\\\":3}', '{"x\\"":4,"a":5,"a":{"b":6}}', '{"a":{"b":7},"a":8}'];
    const { rows } = await read(lines.join('\n'), {}, ['a', '"x\\""', '"x\\\\"', 'a.b']);
    assert.deepEqual(rows, [
      ['1', '2', null, null],
      [null, null, '3', null],
      ['{"b":6}', '4', null, '6'],
      ['8', null, null, null],
    ]);
  });
});

test('a line that is not a JSON object is rejected with its text, its line and the reason, and costs no other line', async () => {
  await withFormat(ndjson, async ({ read }) => {
    const bad = [
      '{"a":1',
      '{"a":01}',
      '{"a":1,}',
      '{"a":NaN}',
      '[1]',
      '5',
      '{"a":1} {"a":2}',
      "{'a':1}",
      '{"a":"\t"}',
      '{"a":"\\x"}',
      '{"a" 1}',
      '{"a":tru}',
      '\0',
    ];
    const lines = bad.flatMap((b, i) => [b, `{"a":${i}}`]);
    const { rows, rejects, rawText } = await read(lines.join('\n'), {}, ['a']);
    assert.deepEqual(
      rows.map(([a]) => a),
      bad.map((_, i) => String(i)),
    );
    assert.deepEqual(
      rejects.map((r) => [r.line, r.rule, r.raw]),
      bad.map((b, i) => [2 * i + 1, 'structure', b]),
    );
    assert.match(rejects[0]!.reason, /not valid JSON: expected , or }, at character 7/);
    assert.equal(rejects[4]!.reason, 'not a JSON object');
    assert.deepEqual(await rawText([2, 3, 26, 99]), ['{"a":0}', '{"a":01}', '{"a":12}', undefined]);
  });
});

test('a line that is not UTF-8 is rejected as such', async () => {
  await withFormat(ndjson, async ({ read }) => {
    const content = Buffer.concat([
      Buffer.from('{"a":"é"}\n{"a":"'),
      Buffer.from([0xe9]),
      Buffer.from('"}\n{"a":"ü"}\n'),
    ]);
    const { rows, rejects } = await read(content, {}, ['a']);
    assert.deepEqual(rows, [['é'], ['ü']]);
    assert.deepEqual(rejects, [
      { line: 2, rule: 'encoding', column: null, reason: 'bytes that are not valid UTF-8', raw: '{"a":"\\xE9"}' },
    ]);
  });
});

test('elements of an array become rows that repeat what is around it', async () => {
  await withFormat(ndjson, async ({ read }) => {
    const lines = [
      '{"lines":[{"sku":"A","tags":[1]},{"sku":"B"}],"order":{"id":7}}',
      '{"order":{"id":8},"lines":[]}',
      '{"order":{"id":9}}',
      '{"order":{"id":10},"lines":{"sku":"alone"}}',
      '{"order":{"id":11},"lines":[{"sku":"C"}',
      '{"order":{"id":12},"lines":[null,5,{"sku":"D"}]}',
      '{"lines":[{"sku":"old"}],"order":{"id":13},"lines":[{"sku":"new"}]}',
      '17',
    ];
    const {
      rows,
      lines: at,
      rejects,
    } = await read(lines.join('\n'), { records: 'lines' }, ['order.id', 'lines[].sku', 'lines[]']);
    assert.deepEqual(rows, [
      ['7', 'A', '{"sku":"A","tags":[1]}'],
      ['7', 'B', '{"sku":"B"}'],
      ['10', 'alone', '{"sku":"alone"}'],
      ['12', null, null],
      ['12', null, '5'],
      ['12', 'D', '{"sku":"D"}'],
      ['13', 'new', '{"sku":"new"}'],
    ]);
    assert.deepEqual(at, [1, 1, 4, 6, 6, 6, 7]);
    assert.deepEqual(
      rejects.map((r) => r.line),
      [5, 8],
    );
    assert.deepEqual((await read(lines.slice(0, 5).join('\n'), { records: 'lines' }, [])).header, [
      'lines[].sku',
      'lines[].tags',
      'order.id',
    ]);
  });
});

test('arrays within arrays open in one step', async () => {
  await withFormat(ndjson, async ({ read }) => {
    const line = '{"day":"d1","orders":[{"no":1,"items":[{"q":1},{"q":2}]},{"no":2},{"no":3,"items":[{"q":"3"}]}]}';
    const { rows } = await read(line, { records: 'orders[].items' }, [
      'day',
      'orders[].no',
      'orders[].items[].q',
      'orders[].no',
    ]);
    assert.deepEqual(rows, [
      ['d1', '1', '1', '1'],
      ['d1', '1', '2', '1'],
      ['d1', '3', '3', '3'],
    ]);
  });
});

test('a column inside an array that records does not name is a mistake in the contract', async () => {
  await withFormat(ndjson, async ({ read }) => {
    await assert.rejects(read('{"lines":[]}', {}, ['lines[].sku']), {
      code: 'config.invalid',
      message: /"lines\[\]\.sku" is within an array/,
    });
  });
});

test('a huge value arrives whole and a longer record is rejected, in bounded memory', async () => {
  await withFormat(ndjson, async ({ read }) => {
    const big = 'x"\\n'.repeat(1e6);
    const content = `{"v":1}\n{"v":${JSON.stringify(big)}}\n{"v":"${'y'.repeat(MAX_RECORD_BYTES)}"}\n{"v":2}\n`;
    for (const records of [undefined, 'v']) {
      const { rows, rejects } = await read(content, { records }, [records ? 'v[]' : 'v']);
      assert.deepEqual(
        rows.map(([v]) => v),
        ['1', big, '2'],
      );
      assert.deepEqual(
        rejects.map((r) => [r.line, r.rule, r.raw!.slice(0, 7)]),
        [[3, 'too_long', '{"v":"y']],
      );
    }
  });
});

test('nesting of any depth is passed over or taken as text', async () => {
  await withFormat(ndjson, async ({ read }) => {
    const deep = '['.repeat(200_000) + ']'.repeat(200_000);
    const { rows, rejects } = await read(`{"d":${deep},"v":1}\n{"d":${deep.slice(1)},"v":2}\n`, {}, ['v', 'd']);
    assert.deepEqual(rows, [['1', deep]]);
    assert.deepEqual(
      rejects.map((r) => r.line),
      [2],
    );
  });
});

test('an empty file has no rows and no header', async () => {
  await withFormat(ndjson, async ({ read }) => {
    for (const content of ['', '\n\n']) {
      const { rows, header, facts } = await read(content, {}, ['a']);
      assert.deepEqual([rows, header, facts.records], [[], undefined, 0]);
    }
  });
});

test('discovery finds paths, types, keys and arrays worth opening', async () => {
  await withFormat(ndjson, async ({ discover }) => {
    const lines = Array.from({ length: 50 }, (_, i) =>
      JSON.stringify({
        id: i + 1,
        zip: `${10000 + i}`,
        at: `2026-11-21T10:00:${String(i).padStart(2, '0')}Z`,
        amount: i + 0.25,
        big: i < 3 ? null : i,
        c: { ok: i % 2 === 0 },
        items: [{ n: i }],
      }),
    );
    const { columns, notes, rowsSeen } = await discover(lines.join('\n'));
    assert.equal(rowsSeen, 50);
    assert.deepEqual(
      columns.map((c) => [c.source, c.type, c.nullable, c.unique]),
      [
        ['id', 'integer', false, true],
        ['zip', 'text', false, true],
        ['at', 'timestamp_tz', false, true],
        ['amount', 'decimal(12,2)', false, true],
        ['big', 'integer', true, false],
        ['c.ok', 'boolean', false, false],
        ['items', 'json', false, true],
      ],
    );
    assert.deepEqual(notes, ['items is an array of objects: `records: items` makes a row of each.']);
  });
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { withFormat } from '../lib/testing.ts';
import { json } from './json.ts';
import { ndjson } from './ndjson.ts';

/** A generator of the same numbers in every run: xorshift. */
function randomOf(seed: number): (below: number) => number {
  let x = seed;
  return (below) => {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    return (x >>> 0) % below;
  };
}

type Random = ReturnType<typeof randomOf>;

const TEXTS = [
  '',
  'a',
  'x"y',
  'back\\slash',
  'line\nend',
  'tab\t',
  'é',
  '日本',
  '🎉',
  '[{',
  '}]',
  ',',
  ':',
  '\u0001',
  'null',
  "'",
  '\u2028',
];

function randomValue(random: Random, depth: number): unknown {
  const kind = random(depth > 3 ? 5 : 8);
  if (kind < 2) return TEXTS[random(TEXTS.length)];
  if (kind === 2) return random(1000) - 500;
  if (kind === 3) return [null, true, false][random(3)];
  if (kind === 4) return random(9999) / 8;
  if (kind === 5) return Array.from({ length: random(4) }, () => randomValue(random, depth + 1));
  return randomObject(random, depth + 1);
}

/** No key needs an escape: V8 itself (Node 24.21) takes the key `x"` for `x\` once it has seen an object with a key `x\`. */
function randomObject(random: Random, depth: number): Record<string, unknown> {
  const keys = ['a', 'b', 'long key', 'é', 'x.y', 'list'].filter(() => random(3) > 0);
  return Object.fromEntries(
    keys.map((k) => [
      k,
      k === 'list'
        ? Array.from({ length: random(3) }, () => randomObject(random, depth + 2))
        : randomValue(random, depth),
    ]),
  );
}

/** With white space of every kind where it may be, and some characters escaped that need not be. */
function written(value: unknown, random: Random): string {
  const plain = JSON.stringify(value, undefined, [undefined, ' ', '\t'][random(3)]);
  const text = plain.replaceAll('\n', random(2) === 0 ? '' : '\r');
  return random(4) === 0 ? text.replaceAll('日', '\\u65e5').replaceAll('🎉', '\\ud83c\\udf89') : text;
}

/** The same text with a character removed, doubled or replaced. */
function damaged(text: string, random: Random): string {
  const at = random(text.length);
  const by = ['', text[at]! + text[at]!, '"', '}', ']', ',', '\\', '0', ' ', '\u0007', 'é'][random(11)]!;
  return text.slice(0, at) + by + text.slice(at + 1);
}

const COLUMNS = ['a', 'b', 'a.b', 'b.a.b', '"long key"', 'é', '"x.y"', 'list', 'b.list'];
const KEYS = [['a'], ['b'], ['a', 'b'], ['b', 'a', 'b'], ['long key'], ['é'], ['x.y'], ['list'], ['b', 'list']];

/** What a slow reader that is obviously right makes of a value: undefined when it is no JSON object. */
function expected(text: string): unknown[] | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  return KEYS.map((keys) =>
    keys.reduce<unknown>(
      (v, k) =>
        typeof v === 'object' && v !== null && !Array.isArray(v) ? ((v as Record<string, unknown>)[k] ?? null) : null,
      value,
    ),
  );
}

/** A cell against the value that it must stand for; numbers are written in many ways that mean the same. */
function assertCell(cell: unknown, value: unknown): void {
  if (value === null || value === undefined) assert.equal(cell, null);
  else if (typeof value === 'string') assert.equal(cell, value.toWellFormed());
  else assert.deepEqual(JSON.parse(cell as string), value);
}

test('damaged NDJSON gives, line for line, what JavaScript’s own parser makes of it', async () => {
  await withFormat(ndjson, async ({ read }) => {
    for (let seed = 1; seed <= 4; seed++) {
      const random = randomOf(seed * 7919);
      const lines = Array.from({ length: 500 }, () => {
        const text = written(randomObject(random, 0), random);
        return random(3) === 0 ? damaged(text, random) : text;
      });
      const { rows, lines: at, rejects } = await read(lines.join('\n'), {}, COLUMNS, 1 + random(5000));
      const rejected = new Set(rejects.map((r) => r.line));
      let row = 0;
      for (const [i, line] of lines.entries()) {
        const values = expected(line);
        const isBlank = /^[ \t\r]*$/.test(line);
        assert.equal(rejected.has(i + 1), values === undefined && !isBlank, `seed ${seed}, line ${i + 1}: ${line}`);
        if (values === undefined) continue;
        assert.equal(at[row], i + 1);
        for (const [c, value] of values.entries()) assertCell(rows[row]![c], value);
        row++;
      }
      assert.equal(row, rows.length);
    }
  });
});

test('elements of arrays within damaged NDJSON are all accounted for', async () => {
  await withFormat(ndjson, async ({ read }) => {
    for (let seed = 1; seed <= 3; seed++) {
      const random = randomOf(seed * 104729);
      const lines = Array.from({ length: 400 }, () => {
        const text = written(randomObject(random, 0), random);
        return random(4) === 0 ? damaged(text, random) : text;
      });
      const { rows } = await read(lines.join('\n'), { records: 'list' }, ['list[].a', 'b'], 1 + random(5000));
      const all = lines.flatMap((line) => {
        if (expected(line) === undefined) return [];
        const { list, b } = JSON.parse(line) as { list?: unknown; b?: unknown };
        const elements = Array.isArray(list) ? list : list === undefined || list === null ? [] : [list];
        return elements.map((e) => [(e as { a?: unknown } | null)?.a, b]);
      });
      assert.equal(rows.length, all.length);
      for (const [i, values] of all.entries())
        values.forEach((v, c) => {
          assertCell(rows[i]![c], v);
        });
    }
  });
});

test('a document is cut at the same places however its bytes arrive', async () => {
  await withFormat(json, async ({ read }) => {
    for (let seed = 1; seed <= 4; seed++) {
      const random = randomOf(seed * 15485863);
      const values = Array.from({ length: 200 }, () => randomObject(random, 0));
      const records = written(values, random);
      const text = random(2) === 0 ? records : `{"a": {"data": [1]}, "data" : ${records}, "z": "]"}`;
      const isArray = text === records;
      const columns = isArray ? ['a', 'é'] : ['data[].a', 'data[].é'];
      const { rows } = await read(text, isArray ? {} : { records: 'data' }, columns, 1 + random(97));
      assert.equal(rows.length, values.length);
      for (const [i, value] of values.entries()) {
        assertCell(rows[i]![0], value['a'] ?? null);
        assertCell(rows[i]![1], value['é'] ?? null);
      }
    }
  });
});

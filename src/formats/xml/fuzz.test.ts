import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TagCounter } from './count.ts';
import { XmlError } from './errors.ts';
import { planXml } from './plan.ts';
import { parsedRows, type Row, referenceRows, xmlConfig } from './testing.ts';

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

const NAMES = ['a', 'b', 'c', 'long-name.x', 'é'];
const PREFIXES = ['', '', '', 'p:', 'q:'];
const TEXTS = [
  '',
  ' ',
  '\n\t',
  'x',
  'y z',
  '&amp;',
  '&#x1F389;',
  '&lt;b&gt;',
  '日本',
  'a\r\nb',
  ']',
  ']]',
  '"',
  "it's",
  'x'.repeat(40),
];
const ASIDES = ['<!-- <a> & -->', '<?pi <a>?>', '<![CDATA[<a>&]]]]>', '<!---->', '<?x?>'];

const pick = <T>(random: Random, from: readonly T[]): T => from[random(from.length)]!;

function attributes(random: Random, depth: number): string {
  const out: string[] = [];
  for (const name of ['k', 'n', 'q:k'])
    if (random(4) === 0) {
      const quote = pick(random, ['"', "'"]);
      out.push(`${name}${pick(random, ['=', ' = '])}${quote}${pick(random, TEXTS).replaceAll(quote, '')}${quote}`);
    }
  if (depth === 0) out.push('xmlns:p="urn:p"', 'xmlns:q="urn:q"');
  else if (random(20) === 0)
    out.push(pick(random, ['xmlns="urn:p"', 'xmlns:p="urn:q"', 'xml:space="preserve"', "xml:space='default'"]));
  return out.map((a) => pick(random, [' ', '\n ']) + a).join('');
}

function element(random: Random, depth: number): string {
  const name = pick(random, PREFIXES) + pick(random, NAMES);
  const start = `<${name}${attributes(random, depth)}${pick(random, ['', '', ' '])}`;
  if (depth > 0 && random(5) === 0) return `${start}/>`;
  let content = '';
  for (let i = random(depth < 4 ? 6 : 2) + (depth === 0 ? 4 : 0); i > 0; i--)
    content +=
      random(3) === 0 || depth > 5
        ? pick(random, TEXTS)
        : random(8) === 0
          ? pick(random, ASIDES)
          : element(random, depth + 1);
  return `${start}>${content}</${name}${pick(random, ['', '', '\n'])}>`;
}

const RECORDS = ['a', '*', 'a/b', '*/*', 'p:a', '*/p:*', '/*', '/p:a/b'];
const COLUMNS = [
  '.',
  '@k',
  '@n',
  '@z:k',
  'a',
  'b/@k',
  '*/c',
  './a',
  'position()',
  'long-name.x',
  'é',
  '/*/@n',
  '/*/@k',
  '../@k',
  '../c',
  '../p:b',
  '../b/@k',
];

function columnsFor(random: Random, record: string): string[] {
  const deep = record.split('/').length > (record.startsWith('/') ? 2 : 1);
  const fits = (c: string) =>
    (deep || !c.startsWith('../')) &&
    (record !== '/*' || !/^\.\.|^position/.test(c)) &&
    (!c.startsWith('/*') || record !== '/p:a/b');
  return COLUMNS.filter((c) => fits(c) && random(3) === 0);
}

/** The same text with a character removed, doubled or replaced. */
function damaged(text: string, random: Random): string {
  const at = random(text.length);
  const by = pick(random, [
    '',
    text[at]! + text[at]!,
    '<',
    '>',
    '/',
    '&',
    '"',
    ' ',
    ';',
    '=',
    '\u0007',
    ':',
    'é',
    '-',
    ']',
  ]);
  return text.slice(0, at) + by + text.slice(at + 1);
}

/** Rows; or that the document, or what is asked of it, is refused. */
function outcome(rows: () => Row[]): Row[] | string {
  try {
    return rows();
  } catch (e) {
    if (e instanceof XmlError || (e instanceof Error && /^\d+:\d+: /.test(e.message))) return 'not well-formed';
    if (e instanceof Error && /hold the records/.test(e.message)) return 'holds the records';
    throw e;
  }
}

/** Of several columns that are repeated either may be told. */
const plain = (found: Row[] | string) =>
  typeof found === 'string' ? found : found.map((row) => (Array.isArray(row) ? row : 'repeated'));

test('random documents, whole and damaged, have the rows that saxes says for random paths, in pieces of any size', () => {
  const random = randomOf(20261127);
  let rows = 0;
  let refused = 0;
  for (let i = 0; i < 1500; i++) {
    const document = element(random, 0);
    const text = random(3) === 0 ? damaged(document, random) : document;
    const record = pick(random, RECORDS);
    const config = xmlConfig({
      record,
      namespaces: { p: 'urn:p', z: 'urn:q' },
      repeated: pick(random, ['reject', 'first', 'join'] as const),
      trim: random(2) === 0,
    });
    const columns = columnsFor(random, record);
    const bytes = Buffer.from(text);
    const actual = outcome(() => parsedRows(bytes, config, columns, 1 + random(random(2) === 0 ? 8 : 4000)));
    if (actual === 'holds the records') continue;
    const expected = outcome(() => referenceRows(bytes, config, columns));
    assert.deepEqual(plain(actual), plain(expected), `document ${i}, ${JSON.stringify({ record, columns, text })}`);
    if (typeof expected === 'string') refused++;
    else {
      rows += expected.length;
      const counter = new TagCounter([planXml(config, [])]);
      for (let at = 0; at < bytes.length; at += 11) counter.push(bytes.subarray(at, at + 11));
      assert.deepEqual([counter.counts, counter.depth], [[expected.length], 0], text);
    }
  }
  assert.ok(rows > 1000 && refused > 200, `${rows} rows, ${refused} refused`);
});

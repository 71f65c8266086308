import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import test from 'node:test';
import { generate, generatedPath, SCANNERS } from './build.ts';
import { LineIndex } from './line-index.ts';
import { RecordScanner, type ScanDialect } from './record-scanner.ts';

const COMMAS: ScanDialect = {
  delimiter: Buffer.from(','),
  quote: 34,
  escape: 34,
  comment: 0,
  decimal: 46,
  header: true,
};

function scan(text: string | Buffer, dialect: Partial<ScanDialect> = {}, chunk = Number.POSITIVE_INFINITY) {
  const bytes = Buffer.from(text as string);
  const scanner = new RecordScanner({ ...COMMAS, ...dialect });
  for (let at = 0; at < bytes.length; at += chunk) scanner.push(bytes.subarray(at, at + chunk));
  const stats = scanner.finish();
  const found = { stats, traits: scanner.traits(), tail: scanner.tail(stats.records) };
  // The next scan has the same memory, and must not see anything of this one.
  scanner.release();
  return { ...found, jumps: [...LineIndex.of(scanner).jumps()] };
}

for (const [name, scanner] of Object.entries(SCANNERS)) {
  test(`the embedded module of ${name} is the compiled source`, async () => {
    assert.equal(await readFile(generatedPath(scanner), 'utf8'), await generate(scanner));
  });
}

test('records are counted with LF, CRLF and CR, with or without a last line end', () => {
  for (const end of ['\n', '\r\n', '\r'])
    for (const last of ['', end]) {
      const { stats } = scan(['a,b', '1,2', '3,4'].join(end) + last);
      assert.equal(stats.records, 3);
      assert.equal(stats.lines, 3);
      assert.equal(stats.columns, 2);
    }
  assert.equal(scan('').stats.records, 0);
  assert.equal(scan('a').stats.records, 1);
});

test('line ends in quotes, blank lines and comments are no records, and the index knows the lines they take', () => {
  const { stats, jumps } = scan('a,b\n1,"x\r\ny\nz"\n\n\n2,y\n#"\n3,z\n', { comment: 35 });
  assert.equal(stats.records, 4);
  assert.equal(stats.multiline, 1);
  assert.equal(stats.blanks, 2);
  assert.equal(stats.comments, 1);
  assert.deepEqual(jumps, [
    { record: 2, extra: 4 },
    { record: 3, extra: 1 },
  ]);
  assert.equal(stats.irregularQuotes, 0);
});

test('quotes are irregular where the dialect does not allow them', () => {
  const irregular = (text: string) => scan(text).stats.irregularQuotes > 0 || scan(text).stats.openQuote > 0;
  for (const good of ['"a"', '"a","b"\n', 'x,""\n', '"a""b",1', '""""', '"a\n",\n"b"\r\n'])
    assert.equal(irregular(good), false, good);
  for (const bad of ['a"b', '"a"b', '"a" ,1', ' "a"', '"open', 'x,"a""', '"a"b"'])
    assert.equal(irregular(bad), true, bad);
});

test('records with another number of fields are ragged, and those that only end in a delimiter are told apart', () => {
  const { stats } = scan('a,b\n1,2,\n1\n1,2,3\r\n1,"2,3"\n1,2,,\n1,2,');
  assert.equal(stats.ragged, 5);
  assert.equal(stats.trailing, 2);
});

test('traits tell which columns have values that a conversion might change', () => {
  const { traits } = scan('a.5,b,c,d\n1.50,2024-01-02,10:15:00-05,1e-3\n"1.125",x,y,z\n7.0,2024-01-02 10:00,1,2\n');
  assert.deepEqual(traits, [
    { column: 0, fraction: 3, clock: false, zone: false, negativeExponent: false },
    { column: 1, fraction: 0, clock: true, zone: false, negativeExponent: false },
    { column: 2, fraction: 0, clock: true, zone: true, negativeExponent: false },
    { column: 3, fraction: 0, clock: false, zone: false, negativeExponent: true },
  ]);
});

test('both ways of scanning find the same, wherever the bytes are cut', () => {
  const parts = [
    'a,b,c\n',
    '1.25,"x ""y""",2024-01-01 10:00\r\n',
    '\n',
    '"two\nlines",,-5\n',
    'x,y\n',
    '\r',
    '7,8,9,\n',
    '"",1e-5,"10:00+02"\n',
  ];
  let text = '';
  for (let i = 0; i < 400; i++) text += parts[(i * i + i * 7) % parts.length];
  const whole = scan(text);
  for (const chunk of [1, 7, 63, 64, 65, 1000]) assert.deepEqual(scan(text, {}, chunk), whole, `chunks of ${chunk}`);
  // A comment character that does not occur asks for the byte-wise way.
  assert.deepEqual(scan(text, { comment: 126 }), whole);
  assert.deepEqual(scan(text, { comment: 126 }, 13), whole);
});

test('delimiters of several bytes separate as a whole', () => {
  const { stats } = scan('a||b||c\n1|||2||3\n1|2|3\n', { delimiter: Buffer.from('||') });
  assert.equal(stats.columns, 3);
  assert.equal(stats.ragged, 1);
});

test('a file of more than one input of the scanner keeps its count and its last records', () => {
  const lines = Array.from({ length: 200_000 }, (_, i) => `${i},"v ${i}"`);
  const { stats, tail } = scan(lines.join('\n'), {}, 100_003);
  assert.equal(stats.records, 200_000);
  assert.equal(stats.longest, '199999,"v 199999"\n'.length);
  assert.deepEqual(tail.at(-1), {
    offset: lines.join('\n').length - lines.at(-1)!.length,
    line: 200_000,
    record: 199_999,
  });
});

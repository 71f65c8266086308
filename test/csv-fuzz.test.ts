/**
 * Dirty CSV files of every shape, read by the product and by the slow reader, and compared row for row. `FUZZ_SEED=n` repeats one file,
 * `FUZZ_SECONDS=n` searches for longer.
 */
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import test from 'node:test';
import { type CsvConfig, completeConfig } from '../src/formats/csv/config.ts';
import { column, openRoom, type Reading, type Room, rawText, read } from './csv-reading.ts';
import { slowRead } from './csv-slow-reader.ts';

type Random = (n: number) => number;

/** Numbers from 0 to n - 1; the same seed gives the same numbers (mulberry32). */
function random(seed: number): Random {
  let a = seed >>> 0;
  return (n) => {
    a = (a + 0x6d2b79f5) >>> 0;
    let t = Math.imul(a ^ (a >>> 15), a | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 2 ** 32) * n);
  };
}

function pick<T>(r: Random, values: readonly T[]): T {
  return values[r(values.length)]!;
}

/** 0: nothing wrong but types and field counts; 1: also odd but lawful; 2: anything. */
type Dirt = 0 | 1 | 2;

interface Case {
  config: CsvConfig;
  bytes: Buffer;
  names: string[];
}

function makeCase(seed: number): Case {
  const r = random(seed);
  const dirt = pick<Dirt>(r, [0, 0, 1, 1, 2]);
  const simple = dirt === 0 && r(3) > 0;
  const often = (n: number) => r(n) === 0;
  const rare = (n: number) => r(n) === 0 && !simple;
  const config = completeConfig({
    delimiter: pick(r, [',', ',', ',', ';', '\t', '|', '||', '~|~', ' ']),
    quote: pick(r, [undefined, undefined, undefined, "'", 'none']),
    escape: rare(6) ? '\\' : undefined,
    header: !often(4),
    skip_lines: rare(4) ? 1 + r(3) : 0,
    footer_lines: often(5) ? 1 + r(3) : 0,
    footer_pattern: rare(6) ? '^(END|9)' : undefined,
    comment: rare(6) ? '#' : undefined,
    null_values: pick(r, [[''], [''], ['', 'NULL'], ['\\N'], ['NULL', '-', '']]),
    ragged: rare(2) ? pick(r, ['pad', 'truncate', 'pad_or_truncate']) : 'reject',
    trim: often(6),
    multiline: !rare(6),
    max_line_bytes: rare(6) ? 20 + r(200) : 16_000_000,
  });
  const names = Array.from({ length: 1 + r(6) }, (_, i) => `col${i}`);
  const ends = pick(r, [['\n'], ['\n'], ['\r\n'], ['\r'], dirt === 2 ? ['\n', '\r\n', '\r'] : ['\n']]);
  const q = config.quote === 'none' ? '' : (config.quote ?? '"');
  const lines: string[] = [];
  for (let i = 0; i < config.skip_lines; i++) lines.push(pick(r, ['preamble', '', 'a,b', dirt ? `say ${q}hi` : 'x']));
  if (config.header) lines.push(names.map((n) => (q && often(9) ? q + n + q : n)).join(config.delimiter));
  const rows = often(20) ? 0 : r(often(3) ? 300 : 30);
  for (let i = 0; i < rows; i++) lines.push(makeRecord(r, config, names.length, q, dirt));
  for (let i = 0; i < config.footer_lines; i++) lines.push(pick(r, ['TRAILER', `END${config.delimiter}${rows}`]));
  if (config.footer_pattern) lines.push('END');
  const text = lines.map((line, i) => line + (i < lines.length - 1 || !often(4) ? pick(r, ends) : '')).join('');
  return { config, bytes: Buffer.from(text, 'latin1'), names };
}

function makeRecord(r: Random, config: CsvConfig, columns: number, q: string, dirt: Dirt): string {
  if (r(25) === 0) return '';
  if (r(25) === 0) return `${config.comment ?? '#'} note${dirt === 2 ? q : ''}`;
  const fields = r(12) === 0 ? Math.max(1, columns + r(5) - 2) : columns;
  const values = Array.from({ length: fields }, (_, i) => makeField(r, config, i, q, dirt));
  return values.join(config.delimiter);
}

function makeField(r: Random, config: CsvConfig, i: number, q: string, dirt: Dirt): string {
  if (i === 0 && r(6) > 0) return String(r(2000) - 1000);
  const quoted = (s: string) => {
    if (!q) return s.replaceAll(/[\r\n]/g, '').replaceAll(config.delimiter, '');
    return q + s.replaceAll(q, config.escape ? config.escape + q : q + q) + q;
  };
  const plain = ['abc', 'NULL', '-', '', 'x1', 'Zo\xc3\xab', 'a b', '12', '007', '1.5', 'long'.repeat(1 + r(20))];
  const lawful = [`a${config.delimiter}b`, 'two\nlines', 'a\r\nb\rc\n\n', `say ${q || '"'}hi`, q, '', 'plain'];
  const kind = r(10);
  if (kind < 6) return pick(r, plain);
  if (kind < 8 || dirt === 0) return r(3) > 0 ? quoted(pick(r, lawful)) : pick(r, plain);
  if (dirt === 1 || r(2) === 0)
    return pick(r, [' lead', 'trail ', 'bad \xff\xfe', '\xc3', '\\N', '\\', "it's", '5" pipe', `  ${quoted('sp')} `]);
  return pick(r, [
    q,
    `${q}open`,
    `${q}a${q}b`,
    `a${q}`,
    `a\0b`,
    '\\n',
    `${q}${q}`,
    `x\\${config.delimiter}`,
    `${q}two\nlines`,
    '\t',
    `\\\n`,
  ]);
}

/** What the product gave, in the slow reader's words: types that were left to the caller are checked here. */
async function outcome(room: Room, { config, bytes, names }: Case, wanted: number[]) {
  const columns = wanted.map((i) =>
    column(config.header ? names[i]! : `column_${i + 1}`, i, i === 0 ? 'integer' : 'text'),
  );
  const reading = await read(room, bytes, config, columns);
  const raw = await rawText(
    reading,
    reading.rows.map((row) => row.line),
  );
  const integer = wanted.indexOf(0);
  const rejects = new Map<number, { line: number; rule: string; raw: string }>();
  for (const { line, rule, raw: text } of reading.rejects)
    if (rule !== 'type' || !rejects.has(line)) rejects.set(line, { line, rule, raw: text }); // what is not UTF-8 may be no number either
  const rows: { line: number; values: unknown[]; raw: string | undefined }[] = [];
  for (const [i, row] of reading.rows.entries()) {
    const values = wanted.map((_, c) => row[`c${c}`]);
    const number = values[integer];
    if (integer >= 0 && !reading.typed[integer] && number !== null && !/^ *-?\d+ *$/.test(String(number)))
      rejects.set(row.line, { line: row.line, rule: 'type', raw: raw[i]! });
    else rows.push({ line: row.line, values: values.map((v, c) => (c === integer ? asNumber(v) : v)), raw: raw[i] });
  }
  return { reading, rows, rejects: [...rejects.values()].sort((a, b) => a.line - b.line) };
}

const asNumber = (v: unknown) => (v === null ? null : Number(v));

async function compare(room: Room, seed: number): Promise<Reading | undefined> {
  const made = makeCase(seed);
  const { config, bytes, names } = made;
  const r = random(seed + 1);
  const wanted = names.map((_, i) => i).filter(() => r(5) > 0);
  const integer = wanted.indexOf(0);
  const slow = slowRead(
    bytes,
    config,
    config.header ? wanted.map((i) => names[i]!) : wanted,
    config.header ? names[0]! : 0,
  );
  if (slow.header === 'fault') {
    await assert.rejects(read(room, bytes, config), { code: 'format.invalid' });
    return undefined;
  }
  const { reading, rows, rejects } = await outcome(room, made, wanted);
  const context = `FUZZ_SEED=${seed} ${reading.attempt} ${JSON.stringify(config)}\n${JSON.stringify(bytes.toString('latin1')).slice(0, 3000)}`;
  if (config.header && slow.header) assert.deepEqual(reading.header, slow.header, context);
  const expected = slow.rows.map((row) => ({
    ...row,
    values: row.values.map((v, c) => (c === integer ? asNumber(v) : v)),
  }));
  assert.deepEqual(rows, expected, context);
  assert.deepEqual(rejects, slow.rejects, context);
  assert.equal(reading.settlement.received, slow.rows.length + slow.rejects.length, context);
  assert.equal(reading.facts.records, reading.settlement.received, context);
  return reading;
}

test('every dirty file gives the rows, lines, rejects and raw text that a slow reader finds', async (t) => {
  await using room = await openRoom();
  const only = process.env['FUZZ_SEED'];
  if (only) {
    const made = makeCase(Number(only));
    t.diagnostic(JSON.stringify(made.config));
    if (process.env['FUZZ_FILE']) await writeFile(process.env['FUZZ_FILE'], made.bytes);
    await compare(room, Number(only));
    return;
  }
  const until = Date.now() + Number(process.env['FUZZ_SECONDS'] ?? 12) * 1000;
  const first = Date.now() % 1e9;
  const attempts: Record<string, number> = { fast: 0, sequential: 0, lossless: 0 };
  let seed = first;
  for (; Date.now() < until; seed++) {
    const reading = await compare(room, seed).catch((e: unknown) => {
      const { config, bytes } = makeCase(seed);
      throw new Error(`FUZZ_SEED=${seed} ${JSON.stringify(config)}\n${JSON.stringify(bytes.toString('latin1'))}`, {
        cause: e,
      });
    });
    if (reading) attempts[reading.attempt]!++;
  }
  t.diagnostic(`seeds ${first} to ${seed - 1}: ${JSON.stringify(attempts)}`);
  assert.ok(attempts['fast']! > 0 && attempts['lossless']! > 0, 'both ways of reading were tried');
});

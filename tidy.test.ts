/** Keeps the house: layers, cycles, barrels, banned calls, file sizes, dead files. */
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { test } from 'node:test';

/** From top to bottom; a file imports from its own room or from rooms below. Rooms of one line are siblings and do not meet. */
const LAYERS: string[][] = [
  ['cli', 'api'],
  ['torture'],
  ['server'],
  ['deploy'],
  ['runtime'],
  ['stages'],
  ['connectors', 'codecs', 'formats', 'adapters'],
  ['project'],
  ['ports'],
  ['model'],
  ['asl', 'lib'],
];
/** Ports speak of the model, and the model of collections of the state store. */
const ALLOWED_UP = new Set(['model>ports']);
const MAX_LINES = 320;
/** Shrinks only. */
const LONG_FILES: Record<string, number> = {};

const sources = globSync('src/**/*.ts').map((f) => normalize(f));
/** Helpers of tests beside the code. */
const isTestHelper = (f: string) => /\.test\.ts$|\/(testing|test-[^/]*)\.ts$|\.d\.ts$/.test(f);
const product = sources.filter((f) => !isTestHelper(f));
const text = new Map(sources.map((f) => [f, readFileSync(f, 'utf8')]));

function importsOf(file: string): { target: string; typeOnly: boolean }[] {
  const out: { target: string; typeOnly: boolean }[] = [];
  for (const m of text
    .get(file)!
    .matchAll(/^(import|export)\s+(type\s)?[^;'"]*?from\s+'(\.[^']+)'|import\(\s*'(\.[^']+)'\s*\)/gm)) {
    out.push({ target: normalize(join(dirname(file), (m[3] ?? m[4])!)), typeOnly: m[2] !== undefined });
  }
  return out;
}

const roomOf = (file: string): string => file.split('/')[1]!;
const layerOf = (room: string): number => LAYERS.findIndex((rooms) => rooms.includes(room));
/** Within the layer of components each thing is alone: `adapters/engine` and `adapters/warehouse` are siblings. */
const cellOf = (file: string): string =>
  roomOf(file) === 'adapters' ? file.split('/').slice(1, 3).join('/') : roomOf(file);

test('imports go down the layer table only, and siblings do not meet', () => {
  const wrong: string[] = [];
  for (const file of product) {
    for (const { target } of importsOf(file)) {
      const [from, to] = [roomOf(file), roomOf(target)];
      if (!target.startsWith('src/') || ALLOWED_UP.has(`${from}>${to}`)) continue;
      const up = layerOf(to) < layerOf(from);
      const sideways = layerOf(to) === layerOf(from) && cellOf(file) !== cellOf(target);
      if (up || sideways) wrong.push(`${file} imports ${target}`);
    }
  }
  assert.deepEqual(wrong, []);
});

test('stages see ports, not the components behind them', () => {
  const components = ['connectors', 'codecs', 'formats', 'adapters'];
  const wrong = product
    .filter((f) => roomOf(f) === 'stages')
    .flatMap((f) =>
      importsOf(f)
        .filter((i) => components.includes(roomOf(i.target)))
        .map((i) => `${f} imports ${i.target}`),
    );
  assert.deepEqual(wrong, []);
});

test('every room is in the layer table', () => {
  assert.deepEqual(
    [...new Set(product.map(roomOf))].filter((r) => layerOf(r) < 0),
    [],
  );
});

test('there are no import cycles at run time', () => {
  const state = new Map<string, 'open' | 'done'>();
  const cycles: string[] = [];
  const visit = (file: string, path: string[]) => {
    if (state.get(file) === 'done' || !text.has(file)) return;
    if (state.get(file) === 'open') {
      cycles.push([...path.slice(path.indexOf(file)), file].join(' > '));
      return;
    }
    state.set(file, 'open');
    for (const { target, typeOnly } of importsOf(file)) if (!typeOnly) visit(target, [...path, file]);
    state.set(file, 'done');
  };
  for (const file of product) visit(file, []);
  assert.deepEqual(cycles, []);
});

test('every product file is imported by another or is an entry', () => {
  const entries = new Set([
    'src/cli/main.ts',
    'src/api/connector.ts',
    'src/api/connector-testing.ts',
    'src/api/transform-testing.ts',
    'src/runtime/workers/worker-main.ts',
    'src/torture/cut-connections.ts',
    'src/lib/scan/build.ts',
  ]);
  const imported = new Set(
    sources.concat(globSync(['test/**/*.ts', 'bench/**/*.ts', 'examples/**/*.ts', '*.ts'])).flatMap((f) => {
      if (!text.has(f)) text.set(f, readFileSync(f, 'utf8'));
      return importsOf(f).map((i) => i.target);
    }),
  );
  assert.deepEqual(
    product.filter((f) => !imported.has(f) && !entries.has(f)),
    [],
  );
});

test('no file is longer than a reader can hold', () => {
  const long = sources
    .filter((f) => text.get(f)!.split('\n').length > (LONG_FILES[f] ?? MAX_LINES))
    .map((f) => `${f}: ${text.get(f)!.split('\n').length} lines`);
  assert.deepEqual(long, []);
});

test('reading the specs of components loads no driver', () => {
  const seen = new Set<string>();
  const drivers: string[] = [];
  const visit = (file: string) => {
    if (seen.has(file) || !text.has(file)) return;
    seen.add(file);
    for (const m of text.get(file)!.matchAll(/^import\s+(?!type\s)[^;]*?from\s+'([^.'][^']*)'/gm))
      if (!m[1]!.startsWith('node:') && m[1] !== 'yaml') drivers.push(`${file}: ${m[1]}`);
    for (const line of text.get(file)!.matchAll(/^(?:import|export)\s+(?!type\s)[^;'"]*?from\s+'(\.[^']+)'/gm))
      visit(normalize(join(dirname(file), line[1]!)));
  };
  visit('src/runtime/catalog.ts');
  assert.ok(seen.size > 10);
  assert.deepEqual(drivers, []);
});

const BANNED: { pattern: RegExp; where: (file: string) => boolean; why: string }[] = [
  { pattern: /process\.exit\(/, where: (f) => !/main\.ts$/.test(f), why: 'only main.ts exits' },
  { pattern: /console\./, where: (f) => !f.startsWith('src/cli/'), why: 'only the command line prints' },
  { pattern: /: any\b|as any\b/, where: () => true, why: 'any hides mistakes' },
  { pattern: /\/(index)\.ts'/, where: () => true, why: 'no barrels' },
  { pattern: /@ts-ignore|@ts-expect-error/, where: () => true, why: 'types are fixed, not silenced' },
];
test('banned calls are not made', () => {
  const wrong: string[] = [];
  for (const file of product) {
    for (const [i, line] of text.get(file)!.split('\n').entries()) {
      for (const b of BANNED)
        if (b.where(file) && b.pattern.test(line) && !/^\s*(\/\/|\/?\*)/.test(line) && !/^import type/.test(line))
          wrong.push(`${file}:${i + 1} ${b.why}`);
    }
  }
  assert.deepEqual(wrong, []);
});

/** The files of `granary add transform`: a transform that works as it is on any dataset, and its test. Pure. */

/** Texts by path relative to the project folder. `type` is a legal name. */
export function transformTemplate(type: string): Record<string, string> {
  return {
    [`transforms/${type}.ts`]: TRANSFORM.replaceAll('TYPE', type),
    [`transforms/${type}.test.ts`]: TEST.replaceAll('TYPE', type),
  };
}

const TRANSFORM = `/** Tidies text. Put in its place what your rows need; the comments say what Granary relies on. */
import { defineTransform, type Row, reject, s } from 'granary/transform';

/** Settings that a dataset gives: \`transform: { type: TYPE, empty: keep }\`. */
const spec = s.object(
  { empty: s.choice(['null', 'keep'], { doc: 'What becomes of text that is empty.', default: 'null' }) },
  { doc: 'Takes blanks from both ends of text, and refuses text that was damaged on its way.' },
);

export default defineTransform({
  title: 'TYPE',
  spec,
  /** Columns that it adds to those of the contract. */
  columns: { tidied: 'integer' },
  /** Answers from the row alone, at once: the same row, the same answer, whenever it comes again. */
  row(row, { config }) {
    const changes: Row = {};
    let tidied = 0;
    for (const [column, value] of Object.entries(row)) {
      if (typeof value !== 'string') continue;
      // A row that is refused is in the rejects with this reason, and can be replayed.
      if (value.includes('\\uFFFD')) return reject(\`\${column} has characters that were damaged on their way\`);
      const text = value.trim();
      if (text === value && text !== '') continue;
      changes[column] = text === '' && config.empty === 'null' ? null : text;
      tidied++;
    }
    // A row that is not wanted is counted as filtered.
    if (Object.keys(row).every((column) => (column in changes ? changes[column] : row[column]) === null)) return null;
    // Columns that are not in the answer stay as they are.
    return { ...changes, tidied };
  },
});
`;

const TEST = `/** What becomes of rows, and that it does not depend on what came before. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { transformContract } from 'granary/transform/testing';
import transform from './TYPE.ts';

const answers = transformContract('TYPE', {
  transform,
  columns: { store: 'text', amount: 'decimal(12,2)' },
  rows: [
    { store: ' Köln ', amount: '19.90' },
    { store: 'Bonn' },
    { store: ' ' },
    { store: 'K\\uFFFDln', amount: '1.00' },
  ],
});

test('text is tidied, and what is damaged is refused', async () => {
  assert.deepEqual(await answers(), [
    { row: { store: 'Köln', amount: '19.90', tidied: '1' } },
    { row: { store: 'Bonn', amount: null, tidied: '0' } },
    { filtered: true },
    { rejected: 'store has characters that were damaged on their way' },
  ]);
});
`;

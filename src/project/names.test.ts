import assert from 'node:assert/strict';
import { test } from 'node:test';
import { columnNames, toName } from './names.ts';

test('any text becomes a legal name that a person recognises', () => {
  const expected: Record<string, string> = {
    'Total amount': 'total_amount',
    SaleID: 'sale_id',
    'Größe (m²)': 'groesse_m2',
    Prénom: 'prenom',
    '  __x__ ': 'x',
    '2nd line': 'column_2nd_line',
    日付: 'column',
    '': 'column',
    'my-shop': 'my_shop',
  };
  for (const [text, name] of Object.entries(expected)) assert.equal(toName(text, 'column'), name, text);
  assert.equal(toName('a'.repeat(100), 'column').length, 63);
});

test('columns of one file get different names', () => {
  assert.deepEqual(columnNames(['Amount', 'amount', 'AMOUNT', 'amount_2', '?', '']), [
    'amount',
    'amount_2',
    'amount_3',
    'amount_2_2',
    'column',
    'column_2',
  ]);
  const long = columnNames(['x'.repeat(80), 'x'.repeat(80)]);
  assert.notEqual(long[0], long[1]);
  assert.ok(long.every((n) => n.length <= 63));
});

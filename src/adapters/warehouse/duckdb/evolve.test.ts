import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TableColumn } from '../../../model/schema.ts';
import type { LoadRequest, LoadStrategy } from '../../../ports/warehouse.ts';
import { columnType, planEvolution } from './evolve.ts';

function request(columns: TableColumn[], strategy: LoadStrategy['strategy'] = 'append'): LoadRequest {
  return {
    tenant: 'main',
    dataset: 'shop.sales',
    objectId: 'o1',
    curationId: 'c1',
    supersedes: [],
    order: '1',
    effective: '2026-01-01T00:00:00Z',
    table: { schema: 'main', name: 'sales' },
    columns,
    files: [],
    rows: 0,
    rejects: [],
    strategy: { strategy },
    evolve: true,
    siblings: async () => [],
  };
}

const LINEAGE = [
  { name: '_object', type: 'text' },
  { name: '_line', type: 'bigint' },
  { name: '_member', type: 'text' },
];

test('a new table has the contract in order, then lineage, then history', () => {
  const { statements } = planEvolution(request([{ name: 'id', type: 'decimal(9,2)' }], 'snapshot'), undefined);
  assert.deepEqual(statements, [
    'CREATE SCHEMA IF NOT EXISTS "main"',
    'CREATE TABLE "main"."sales" ("id" DECIMAL(9,2), "_object" VARCHAR, "_line" BIGINT, "_member" VARCHAR, "_valid_from" TIMESTAMP, "_valid_to" TIMESTAMP, "_is_current" BOOLEAN)',
  ]);
});

test('a table that has what the contract asks for stays as it is', () => {
  const { statements, columns } = planEvolution(request([{ name: 'id', type: 'integer' }]), [
    { name: 'ID', type: 'bigint' },
    { name: 'old', type: 'text' },
    ...LINEAGE,
  ]);
  assert.deepEqual(statements, []);
  assert.deepEqual(
    columns.map((c) => `${c.name} ${c.type}`),
    ['ID bigint', 'old text', '_object text', '_line bigint', '_member text'],
  );
});

test('new columns are added, types widened, and history columns come and go with the strategy', () => {
  const contract: TableColumn[] = [
    { name: 'id', type: 'text' },
    { name: 'new', type: 'timestamp_tz' },
  ];
  const existing = [{ name: 'id', type: 'integer' }, ...LINEAGE, { name: '_is_current', type: 'boolean' }];
  assert.deepEqual(planEvolution(request(contract), existing).statements, [
    'ALTER TABLE "main"."sales" ALTER "id" TYPE VARCHAR',
    'ALTER TABLE "main"."sales" ADD COLUMN "new" TIMESTAMPTZ',
    'ALTER TABLE "main"."sales" DROP COLUMN "_is_current"',
  ]);
});

test('types of the engine are named as contracts name them', () => {
  const names = ['VARCHAR', 'TIMESTAMP WITH TIME ZONE', 'DECIMAL(18,3)', 'HUGEINT'].map(columnType);
  assert.deepEqual(names, ['text', 'timestamp_tz', 'decimal(18,3)', 'hugeint']);
});

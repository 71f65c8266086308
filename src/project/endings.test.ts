import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readEndings } from './endings.ts';
import { components } from './testing.ts';

const read = (name: string) => {
  const { codecs, format, inner } = readEndings(name, components);
  return [codecs.map((c) => c.type).join(' '), format?.type, inner];
};

test('endings tell the layers from the outermost in, and the format inside them', () => {
  assert.deepEqual(read('sales.csv'), ['', 'csv', 'sales.csv']);
  assert.deepEqual(read('sales.csv.gz.pgp'), ['openpgp gzip', 'csv', 'sales.csv']);
  assert.deepEqual(read('SALES.JSON.GZ'), ['gzip', 'json', 'SALES.JSON']);
  assert.deepEqual(read('all.ndjson.tar.gz'), ['gzip tar', 'json', 'all.ndjson']);
  assert.deepEqual(read('sales_{date:yyyy.MM.dd}.csv.gpg'), ['openpgp', 'csv', 'sales_{date:yyyy.MM.dd}.csv']);
});

test('.tgz is .tar.gz', () => {
  assert.deepEqual(read('all.tgz'), ['gzip tar', undefined, 'all']);
  assert.deepEqual(read('all.csv.TGZ.pgp'), ['openpgp gzip tar', 'csv', 'all.csv']);
});

test('an ending that no component has tells nothing', () => {
  assert.deepEqual(read('sales.csv_20261119'), ['', undefined, 'sales.csv_20261119']);
  assert.deepEqual(read('csv'), ['', undefined, 'csv']);
});

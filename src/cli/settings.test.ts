import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readAssignments, readCodecSettings } from './settings.ts';

test('settings are fields, trees and lists', () => {
  assert.deepEqual(readAssignments(['host=a', 'tls.mode=explicit', 'host_key=x', 'host_key=y', 'password=a=b']), {
    host: 'a',
    tls: { mode: 'explicit' },
    host_key: ['x', 'y'],
    password: 'a=b',
  });
});

test('settings of codecs are grouped by codec', () => {
  assert.deepEqual(readCodecSettings(['openpgp.private_key=${secret:K}']), { openpgp: { private_key: '${secret:K}' } });
});

test('what is no setting is a usage error', () => {
  assert.throws(() => readAssignments(['path']), { code: 'cli.usage' });
  assert.throws(() => readAssignments(['a=1', 'a.b=2']), { code: 'cli.usage' });
  assert.throws(() => readCodecSettings(['gzip=1']), { code: 'cli.usage' });
});

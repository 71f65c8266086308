import assert from 'node:assert/strict';
import { test } from 'node:test';
import { redact } from '../lib/redact.ts';
import type { Issue } from '../lib/spec/spec.ts';
import { referenceResolver } from './references.ts';

const secrets = new Map([
  ['SFTP_PASSWORD', 'correct-horse'],
  ['EMPTY', ''],
]);
const values = {
  secrets: {
    get: async (name: string) => secrets.get(name),
    list: async () => [...secrets.keys()],
    description: 'the environment, secrets.enc',
  },
  env: { HOST: 'sftp.example.com', PORT: '2222', BLANK: '' },
};

async function resolve(tree: Record<string, unknown>) {
  const issues: Issue[] = [];
  const value = await referenceResolver(values).resolve(tree, issues);
  return { value: JSON.parse(JSON.stringify(value)), issues };
}

test('references are replaced anywhere in any text', async () => {
  const { value, issues } = await resolve({
    url: 'sftp://${env:HOST}:${env:PORT}/in',
    list: [{ password: '${secret:SFTP_PASSWORD}' }, 5, null],
  });
  assert.deepEqual(issues, []);
  assert.deepEqual(value, { url: 'sftp://sftp.example.com:2222/in', list: [{ password: 'correct-horse' }, 5, null] });
});

test('a secret that was used is kept out of everything that is printed', async () => {
  await resolve({ password: '${secret:SFTP_PASSWORD}' });
  assert.equal(redact('login failed with correct-horse'), 'login failed with ***');
});

test('a default stands in for an environment variable that is not set or empty', async () => {
  const { value, issues } = await resolve({
    a: '${env:NOPE:-x:-y}',
    b: '${env:BLANK:-d}',
    c: '[${env:BLANK}]',
    d: '${env:NOPE:-}',
  });
  assert.deepEqual(issues, []);
  assert.deepEqual(value, { a: 'x:-y', b: 'd', c: '[]', d: '' });
});

test('two dollar signs give a literal brace', async () => {
  const { value, issues } = await resolve({ a: '$${env:HOST} costs 5$ {x} $$' });
  assert.deepEqual(issues, []);
  assert.deepEqual(value, { a: '${env:HOST} costs 5$ {x} $$' });
});

test('a reference that resolves to nothing is an issue with the places searched and a near name', async () => {
  const { issues } = await resolve({ a: { b: ['${secret:SFTP_PASWORD}'] }, c: '${env:HOTS}', d: '${secret:EMPTY}' });
  assert.deepEqual(issues, [
    {
      path: ['a', 'b', 0],
      message: 'secret SFTP_PASWORD is not set; looked in the environment, secrets.enc',
      suggestion: 'SFTP_PASSWORD',
    },
    { path: ['c'], message: 'environment variable HOTS is not set', suggestion: 'HOST' },
    { path: ['d'], message: 'secret EMPTY is empty; looked in the environment, secrets.enc' },
  ]);
});

test('a mistyped reference is an issue and not a literal', async () => {
  const { issues } = await resolve({ a: '${secrets:X}', b: '${HOST}', c: '${env:HOST', d: '${secret:X:-oops}' });
  assert.deepEqual(
    issues.map((i) => [i.path[0], i.suggestion]),
    [
      ['a', '${secret:X}'],
      ['b', undefined],
      ['c', undefined],
      ['d', undefined],
    ],
  );
  for (const issue of issues) assert.match(issue.message, /write "\$\$\{" for a literal/);
});

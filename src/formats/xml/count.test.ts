import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type CountedPath, TagCounter } from './count.ts';
import { parseRecordPath } from './paths.ts';

const path = (text: string, namespaces = {}): CountedPath => ({ chain: parseRecordPath(text)!.chain, namespaces });

function counted(
  text: string,
  paths: CountedPath[],
  piece: number,
): { counts: number[]; depth: number; lines: number[] } {
  const lines: number[] = [];
  const counter = new TagCounter(paths, (p, line) => {
    if (p === 0) lines.push(line);
  });
  const bytes = Buffer.from(text);
  for (let i = 0; i < bytes.length; i += piece) counter.push(bytes.subarray(i, i + piece));
  return { counts: counter.counts, depth: counter.depth, lines };
}

const DOCUMENT = `<?xml version="1.0"?><!DOCTYPE r [<!ENTITY a "<a>"><!-- ]> <a> -->]>
<r x="<>'" xmlns:p="urn:&#112;"><!-- <a> --><a/><b><a/></b>
<![CDATA[<a>]]><a k='>"/'>
<a/><c></c ></a ><p:a
/><a xmlns="urn:p"/><?pi <a> ?></r>`;

test('elements are counted by path, with their lines, whatever comments, sections and quotes hold, and however the bytes come', () => {
  const paths = [path('a'), path('a/a'), path('*'), path('/r/b/a'), path('p:a', { p: 'urn:p' }), path('/x/a')];
  for (let piece = 1; piece <= DOCUMENT.length; piece++)
    assert.deepEqual(
      counted(DOCUMENT, paths, piece),
      { counts: [4, 1, 5, 1, 2, 0], depth: 0, lines: [2, 3, 4, 5] },
      `${piece}`,
    );
});

test('names that the counter has learnt count as those that it sees for the first time', () => {
  const text = `<r>${'<o k=">"><n/><l><i/></l><l /><l\n></l><ll/></o><x><o><l/></o></x>'.repeat(50)}<long${'x'.repeat(60)}><l/></long${'x'.repeat(60)}></r>`;
  const paths = ['o', 'o/l', 'o/l/i', '*/l', 'x/o/l', `long${'x'.repeat(60)}/l`].map((p) => path(p));
  for (const piece of [1, 2, 3, 5, 17, 64, 1000, 1 << 20]) {
    const counter = new TagCounter(paths);
    const bytes = Buffer.from(text);
    for (let i = 0; i < bytes.length; i += piece) counter.push(bytes.subarray(i, i + piece));
    assert.deepEqual([counter.counts, counter.depth], [[50, 150, 50, 151, 50, 1], 0]);
  }
});

test('what is open at the end of a document that is cut off is told', () => {
  assert.deepEqual(counted('<r><a><b/></a><a>', [path('a')], 3), { counts: [2], depth: 2, lines: [1, 1] });
  assert.equal(counted(`<r>${'<b>'.repeat(100_000)}<a>`, [path('a')], 1 << 16).depth, 100_002);
});

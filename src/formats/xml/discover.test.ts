import assert from 'node:assert/strict';
import { test } from 'node:test';
import { withFormat } from '../lib/testing.ts';
import { xml } from '../xml.ts';

test('where nothing identifies an element, its position leads from its parts to it', async () => {
  await withFormat(xml, async ({ discover }) => {
    const order = '<o><l><s>1</s><s>2</s></l><l><s>3</s></l></o>';
    const { config, columns, parts } = await discover(`<r>${order}${order}</r>`);
    assert.deepEqual([config, columns.map((c) => c.source)], [{ record: 'o' }, ['position()']]);
    assert.deepEqual(
      parts!.map((p) => [p.record, p.columns.map((c) => c.source), p.rowsSeen]),
      [
        ['o/l', ['../position()', 'position()'], 4],
        ['o/l/s', ['../../position()', '../position()', 'position()', '.'], 6],
      ],
    );
    assert.match(parts![1]!.notes.join(), /Nothing identifies <l>/);
  });
});

test('a document in which nothing is repeated is one row, and one that is cut off is as good as whole', async () => {
  await withFormat(xml, async ({ discover }) => {
    const one = await discover('<order no="7"><customer><name>A</name></customer><paid>true</paid></order>');
    assert.equal(one.config.record, '/order');
    assert.deepEqual(
      one.columns.map((c) => [c.source, c.type]),
      [
        ['@no', 'integer'],
        ['customer/name', 'text'],
        ['paid', 'boolean'],
      ],
    );
    const cut = await discover(
      '<r><a k="1"><d>2026-01-02</d></a><a k="2"><d>2026-01-03</d></a><a k="3"><d>2026-0',
      {},
      false,
    );
    assert.deepEqual(
      cut.columns.map((c) => [c.source, c.type]),
      [
        ['@k', 'integer'],
        ['d', 'date'],
      ],
    );
    assert.deepEqual((await discover('', {})).columns, []);
    await assert.rejects(discover('<r><a></b></r>'), { code: 'format.invalid' });
  });
});

test('elements of one name in several namespaces are told', async () => {
  await withFormat(xml, async ({ discover }) => {
    const { notes } = await discover('<r xmlns:p="urn:p"><a/><p:a/><a/></r>');
    assert.match(notes.join(), /\/r\/a occurs in several namespaces/);
  });
});

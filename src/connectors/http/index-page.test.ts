import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { entriesOf, linksOf } from './index-page.ts';

const PAGE = new URL('https://example.com/files/2026/');
const names = (html: string, page = PAGE) => linksOf(html, page).map((entry) => entry.below);

describe('an HTML index', () => {
  it('lists the links below its folder, however they are written', () => {
    const html = `<a href="a.csv">a</a> <A class=x HREF='b%20c.csv'>b</A> <a href=c.csv>c</a> <a href="./d.csv">d</a>
      <a href="/files/2026/e.csv">e</a> <a href="https://example.com/files/2026/sub/">sub</a> <a href="q&amp;r.csv">q</a>`;
    assert.deepEqual(names(html), ['a.csv', 'b c.csv', 'c.csv', 'd.csv', 'e.csv', 'sub/', 'q&r.csv']);
  });

  it('leaves out what is elsewhere, sorts the page, or is listed twice', () => {
    const html = `<a href="../">up</a><a href="/etc/passwd">x</a><a href="//evil.example/files/2026/x.csv">x</a>
      <a href="?C=N;O=D">Name</a><a href="a.csv#top">a</a><a href="">self</a><a href="%ff.csv">bad</a>
      <a href="javascript:alert(1)">j</a><a href="a.csv">a</a><a href="a.csv">a</a>`;
    assert.deepEqual(names(html), ['a.csv']);
  });

  it('is read relative to the folder its page is in', () => {
    assert.deepEqual(names('<a href="a.csv">', new URL('https://example.com/files/index.html')), ['a.csv']);
  });
});

describe('a JSON index', () => {
  it('is a list of names or of entries', () => {
    assert.deepEqual(entriesOf('["a.csv", "b/c.csv"]'), [{ below: 'a.csv' }, { below: 'b/c.csv' }]);
    const entries = `[{"name":"sub","type":"directory","mtime":"Thu, 19 Nov 2026 03:00:00 GMT"},
      {"name":"a.csv","type":"file","mtime":"Thu, 19 Nov 2026 03:00:00 GMT","size":12}]`;
    assert.deepEqual(entriesOf(entries), [
      { below: 'sub/', modifiedAt: '2026-11-19T03:00:00.000Z' },
      { below: 'a.csv', bytes: 12, modifiedAt: '2026-11-19T03:00:00.000Z' },
    ]);
  });

  it('is nothing else', () => {
    for (const json of ['', '<html>', '{"files":[]}', '[1]', '[{"file":"a.csv"}]', '[null]'])
      assert.equal(entriesOf(json), undefined, json);
  });
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GranaryError } from '../../lib/errors.ts';
import { withFormat } from '../lib/testing.ts';
import { xml } from '../xml.ts';

const TILL = `<?xml version="1.0"?>
<POSLog version="6">
  <Transaction id="T1">
    <Date>2024-01-01</Date>
    <Lines>
      <Line no="1"><Item sku="a&amp;b"/><Qty>2</Qty></Line>
      <Line no="2"><Item sku="c"/><Note>two
lines, "quoted"</Note></Line>
    </Lines>
    <Total>12.50</Total>
  </Transaction>
  <Transaction id="T2"><Lines>
      <Line/>
  </Lines></Transaction>
  <Sender>till 7</Sender>
</POSLog>
`;

test('records have values from in them and around them, before and behind, and the line of their start tag', async () => {
  await withFormat(xml, async ({ read }) => {
    const columns = ['@no', 'Item/@sku', 'Qty', 'Note', '../../@id', 'Transaction/Date', '../../Total', '/*/Sender'];
    const { rows, lines, rawText } = await read(TILL, { record: 'Transaction/Lines/Line' }, columns);
    assert.deepEqual(rows, [
      ['1', 'a&b', '2', null, 'T1', '2024-01-01', '12.50', 'till 7'],
      ['2', 'c', null, 'two\nlines, "quoted"', 'T1', '2024-01-01', '12.50', 'till 7'],
      [null, null, null, null, 'T2', null, null, 'till 7'],
    ]);
    assert.deepEqual(lines, [6, 7, 13]);
    assert.deepEqual(await rawText([6, 13]), ['<Line no="1"><Item sku="a&amp;b"/><Qty>2</Qty></Line>', '<Line/>']);
    const places = await read(TILL, { record: 'Transaction/Lines/Line' }, ['position()', '../../position()']);
    assert.deepEqual(places.rows, [
      ['1', '1'],
      ['2', '1'],
      ['1', '2'],
    ]);
  });
});

test('records that begin on one line are told apart by their number instead', async () => {
  await withFormat(xml, async ({ read }) => {
    const { lines, rejects, rawText } = await read(
      '<r><a>1</a><a>2</a>\n<a><b/><b>x</b><b>y</b></a><a>4</a></r>',
      { record: 'a' },
      ['.', 'b'],
    );
    assert.deepEqual(lines, [1, 2, 4]);
    assert.deepEqual(rejects, [
      {
        line: 3,
        rule: 'structure',
        column: 'b',
        reason: 'b occurs several times; `repeated` says what to do with that',
        raw: '<a><b/><b>x</b><b>y</b></a>',
      },
    ]);
    assert.deepEqual(await rawText([2, 4]), ['<a>2</a>', '<a>4</a>']);
  });
});

test('values that are repeated are joined, or the first is taken, as the format says for all or for one path', async () => {
  await withFormat(xml, async ({ read }) => {
    const text = '<r><p><a><t>1</t><t> </t><t>2</t><f>x</f><f>y</f></a></p><p><t>k</t><a/><t>l</t></p></r>';
    const { rows } = await read(text, { record: 'p/a', repeated: 'join', repeated_in: { f: 'first' } }, [
      't',
      'f',
      '../t',
    ]);
    assert.deepEqual(rows, [
      ['1; 2', 'x', null],
      [null, null, 'k; l'],
    ]);
    const rejected = await read(text, { record: 'p/a' }, ['../t']);
    assert.deepEqual([rejected.rows, rejected.rejects.map((r) => r.column)], [[[null]], ['../t']]);
  });
});

test('white space is trimmed unless the format or the document keeps it', async () => {
  await withFormat(xml, async ({ read }) => {
    const text = '<r>\n<a> x </a>\n<a xml:space="preserve"> y\r\n</a>\n<a/>\n<a xml:space="preserve"/></r>';
    assert.deepEqual((await read(text, { record: 'a' }, ['.'])).rows, [['x'], [' y\n'], [null], ['']]);
    assert.deepEqual((await read(text, { record: 'a', trim: false }, ['.'])).rows, [[' x '], [' y\n'], [''], ['']]);
  });
});

test('names are matched by namespace where the format declares one, whatever the prefix; and by local name otherwise', async () => {
  await withFormat(xml, async ({ read }) => {
    const text =
      '<r xmlns:a="urn:1"><a:l a:k="1">x</a:l><l xmlns="urn:1" xmlns:b="urn:1" b:k="2">y</l><l k="3">z</l></r>';
    const own = await read(text, { record: 'n:l', namespaces: { n: 'urn:1' } }, ['@n:k', '.']);
    assert.deepEqual(own.rows, [
      ['1', 'x'],
      ['2', 'y'],
    ]);
    const none = await read(text, { record: 'none:l', namespaces: { none: '' } }, ['@k', '.']);
    assert.deepEqual(none.rows, [['3', 'z']]);
    assert.deepEqual((await read(text, { record: 'l' }, ['@k'])).rows, [['1'], ['2'], ['3']]);
    const typed = '<r xmlns:i="http://www.w3.org/2001/XMLSchema-instance"><a i:type="x" type="y" xml:lang="de"/></r>';
    assert.deepEqual((await read(typed, { record: 'a' }, ['@type', '@xsi:type', '@xml:lang'])).rows, [
      ['y', 'x', 'de'],
    ]);
  });
});

test('documents are read in the encoding that they declare, that the format sets, or that a byte order mark shows', async () => {
  await withFormat(xml, async ({ read }) => {
    const declared = (encoding: string) => `<?xml version="1.0" encoding="${encoding}"?><r><a>Größe €</a></r>`;
    const latin = Buffer.from(declared('windows-1252').replace('€', '\x80'), 'latin1');
    for (const bytes of [
      latin,
      Buffer.from(declared('UTF-8')),
      Buffer.from(`\ufeff${declared('utf-8')}`),
      Buffer.from(`\ufeff${declared('UTF-16')}`, 'utf16le'),
      Buffer.from(declared('utf-16'), 'utf16le'),
      Buffer.from(`\ufeff${declared('UTF-16')}`, 'utf16le').swap16(),
      Buffer.from(declared('UTF-16')),
    ])
      assert.deepEqual((await read(bytes, { record: 'a' }, ['.'])).rows, [['Größe €']]);
    const wrong = Buffer.from(declared('utf-8').replace('€', '\x80'), 'latin1');
    assert.deepEqual((await read(wrong, { record: 'a', encoding: 'windows-1252' }, ['.'])).rows, [['Größe €']]);
    await assert.rejects(read(declared('klingon'), { record: 'a' }, ['.']), { code: 'format.encoding' });
  });
});

/** What refuses a document. */
async function refusal(text: string | Uint8Array): Promise<GranaryError> {
  let error: unknown;
  await withFormat(xml, async ({ read }) => {
    await read(text, { record: 'a' }, ['.']).catch((e) => {
      error = e;
    });
  });
  assert.ok(error instanceof GranaryError, 'the document was not refused');
  return error;
}

test('a document that is not well-formed is refused with line and column in characters', async () => {
  for (const [text, message, line, column] of [
    ['<r>\n é€𝄞<a></b></r>', /<\/b> where <\/a> is expected/, 2, 8],
    ['<r><a>1</a>', /ends before/, 1, 12],
    ['<r/>\n<r/>', /second root/, 2, 1],
    ['<r/>x', /behind the root/, 1, 5],
    ['', /no root/, 1, 1],
    ['<r><a b="1" b="2"/></r>', /"b" occurs twice/, 1, 13],
    ['<r xmlns:x="u" xmlns:y="u"><a x:b="1" y:b="2"/></r>', /"b" occurs twice/, 1, 44],
    ['<r><a>]]></a></r>', /\]\]>/, 1, 7],
    ['<r><a>\u0007</a></r>', /U\+0007/, 1, 7],
    ['<r><x:a/></r>', /prefix "x" is not declared/, 1, 5],
    ['<r><!-- a -- b --></r>', /"--" stands within/, 1, 11],
  ] as const) {
    const { code, message: said, where } = await refusal(text);
    assert.equal(code, 'format.invalid', text);
    assert.match(said, message);
    assert.deepEqual([where?.line, where?.column], [line, column], `${text}: ${said}`);
  }
  const bytes = await refusal(Buffer.concat([Buffer.from('<r>\n<a>é'), Buffer.from([0xff]), Buffer.from('</a></r>')]));
  assert.match(bytes.message, /line 2, column 5: bytes that are not valid UTF-8/);
});

test('entities are never read: neither those that multiply, nor files, nor parameters, nor default attributes that name them', async () => {
  const lol = Array.from({ length: 9 }, (_, i) => `<!ENTITY lol${i + 1} "${`&lol${i};`.repeat(10)}">`).join('\n');
  const bomb = await refusal(`<!DOCTYPE r [<!ENTITY lol0 "lol">${lol}]>\n<r><a>&lol9;</a></r>`);
  assert.match(bomb.message, /line 10, column 7: the entity "lol9" is declared by the document type, and is not read/);
  const file = await refusal('<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]><r><a b="&x;"/></r>');
  assert.match(file.message, /the entity "x" is declared/);
  assert.match(file.hint!, /never read/);
  const nothing = await refusal('<r><a>&nbsp;</a></r>');
  assert.match(nothing.message, /the entity "nbsp" is not defined/);
  await withFormat(xml, async ({ read }) => {
    const unused = `<!DOCTYPE r SYSTEM "http://127.0.0.1:9/r.dtd" [<!ENTITY % p SYSTEM "file:///etc/passwd"> %p; ${lol}]><r><a>1</a></r>`;
    assert.deepEqual((await read(unused, { record: 'a' }, ['.'])).rows, [['1']]);
  });
});

test('with `malformed: keep_complete` records before the error are rows, and all that follow are rejects', async () => {
  await withFormat(xml, async ({ read }) => {
    const keep = { record: 'a', malformed: 'keep_complete' } as const;
    const broken = await read('<r>\n<a>1</a>\n<a>2</a>\n<a>3</b>\n<a>4</a>\n</r>', keep, ['.']);
    assert.deepEqual(
      [broken.rows, broken.lines],
      [
        [['1'], ['2']],
        [2, 3],
      ],
    );
    assert.deepEqual(
      broken.rejects.map((r) => [r.line, r.rule, r.reason]),
      [4, 5].map((n) => [
        n,
        'structure',
        'the document is not well-formed: line 4, column 5: </b> where </a> is expected',
      ]),
    );
    const cut = await read('<r>\n<a>1</a>\n', keep, ['.']);
    assert.deepEqual([cut.rows, cut.rejects.map((r) => r.line)], [[['1']], [3]]);
    assert.match(cut.rejects[0]!.reason, /the document ends before <\/r>/);
    const late = await read('<r>\n<p><a>1</a>\n<t>5</t></p><p>\n<a>2</a>\n<a>', { ...keep, record: 'p/a' }, [
      '.',
      '../t',
    ]);
    assert.deepEqual(
      [late.rows, late.rejects.length],
      [
        [
          ['1', '5'],
          ['2', null],
        ],
        1,
      ],
    );
    const whole = await read('<r><a>1</a></r>', keep, ['.']);
    assert.deepEqual([whole.rows, whole.rejects], [[['1']], []]);
  });
});

test('a document that is nested without end is refused, and a record that is too long is rejected', async () => {
  const deep = await refusal('<r>'.repeat(100_000));
  assert.match(deep.message, /ends before|more than 10000 deep/);
  const closed = await refusal('<r>'.repeat(100_000) + '</r>'.repeat(100_000));
  assert.match(closed.message, /line 1, column 30001: elements are nested more than 10000 deep/);
  await withFormat(xml, async ({ read }) => {
    const text = `<r>\n<a>1</a>\n<a><b>${'x'.repeat(17 * 2 ** 20)}</b><b/></a>\n<a>3</a><!--${' '.repeat(2 ** 20)}--></r>`;
    const { rows, rejects } = await read(text, { record: 'a' }, ['.', 'b']);
    assert.deepEqual(rows, [
      ['1', null],
      ['3', null],
    ]);
    assert.deepEqual(
      rejects.map((r) => [r.line, r.rule]),
      [[3, 'too_long']],
    );
  });
});

test('a path that is none, and a prefix that is not declared, are told before anything is read', async () => {
  await withFormat(xml, async ({ read }) => {
    for (const [column, message] of [
      ['a b', /"a b" is not a path/],
      ['..', /holds the records/],
      ['../..', /leads above the root/],
      ['p:x', /prefix "p" is not declared/],
      ['x/position()', /only the position/],
      ['/other/x', /does not begin with the root/],
    ] as const)
      await assert.rejects(read('<r><a/></r>', { record: 'a' }, [column]), (e: GranaryError) => {
        assert.equal(e.code, 'config.invalid');
        assert.match(e.message, message);
        return true;
      });
  });
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { XmlConfig } from './config.ts';
import { XmlError } from './errors.ts';
import { parsedRows, type Row, referenceRows, xmlConfig } from './testing.ts';

/** Rows, or that the document is refused. */
function outcome(rows: () => Row[]): Row[] | 'refused' {
  try {
    return rows();
  } catch (e) {
    if (e instanceof XmlError || (e instanceof Error && /^\d+:\d+: |encoded data was not valid/.test(e.message)))
      return 'refused';
    throw e;
  }
}

function agree(bytes: Uint8Array, config: XmlConfig, sources: readonly string[], pieces: readonly number[]): boolean {
  const expected = outcome(() => referenceRows(bytes, config, sources));
  for (const piece of pieces) {
    const actual = outcome(() => parsedRows(bytes, config, sources, piece));
    assert.deepEqual(actual, expected, `in pieces of ${piece}:\n${Buffer.from(bytes).toString('utf8')}`);
  }
  return expected !== 'refused';
}

const PLAIN = {
  text: `<?xml version="1.0" encoding='UTF-8' ?>
<!-- a --><?p i?>
<r a="1"><t id='x&amp;y' ><l n="1">A&lt;é</l>
<l n = "2" ><![CDATA[<]]>]</l ><l/><e>z</e></t><!--b--><t id=""><e> q</e><e/><l>m<b>i</b>x</l></t></r>
`,
  config: xmlConfig({ record: 't/l', repeated: 'join', separator: '|' }),
  sources: ['.', '@n', '../@id', '../e', 'b', 'position()', '../position()', '/*/@a'],
};
const NAMESPACED = {
  text: `<!DOCTYPE p:r [<!ELEMENT e ANY><!-- ' --><?x '?>]><p:r xmlns:p="urn:p" xmlns="urn:d" xmlns:i="http://www.w3.org/2001/XMLSchema-instance"><t><q:l xmlns:q="urn:p" q:n="1" xml:space="preserve"> A </q:l><l p:n='2' n="3"/></t>
<t xmlns:p="urn:x"><p:l>no</p:l><l i:nil="true">nil</l></t></p:r>`,
  config: xmlConfig({ record: 't/*', namespaces: { z: 'urn:p' }, trim: false }),
  sources: ['.', '@z:n', '@n', '../z:l/@z:n', '../position()'],
};

for (const [name, { text, config, sources }] of Object.entries({ PLAIN, NAMESPACED })) {
  const whole = Buffer.from(text);
  test(`a ${name.toLowerCase()} document has the rows that saxes says, however it is cut into pieces`, () => {
    assert.ok(
      agree(
        whole,
        config,
        sources,
        [...Array(whole.length).keys()].map((n) => n + 1),
      ),
    );
  });

  test(`a ${name.toLowerCase()} document with a byte taken out, doubled or replaced is refused where saxes refuses it, and read as saxes reads it otherwise`, () => {
    const signs = [...'<>/&;"\'=!?-[] \n:x0#]', '\u0000', '\u0001', '\r', '\ud7ff', '\uffff', '\u00d7'].map((s) =>
      Buffer.from(s),
    );
    let accepted = 0;
    let refused = 0;
    for (let i = 0; i < whole.length; i++) {
      const before = whole.subarray(0, i);
      const after = whole.subarray(i + 1);
      const some = signs.filter((_, s) => (s + i) % 6 === 0);
      const changes = [Buffer.alloc(0), whole.subarray(i, i + 1), ...some, Buffer.from([0xff])];
      for (const change of changes) {
        const changed = Buffer.concat([before, change, after]);
        if (agree(changed, config, sources, [i % 2 === 0 ? 1 + ((i * 7) % 13) : changed.length])) accepted++;
        else refused++;
      }
      if (!agree(Buffer.concat([before, whole.subarray(i, i + 1), whole.subarray(i)]), config, sources, [4096]))
        refused++;
      agree(before, config, sources, [4096, 3]);
    }
    assert.ok(accepted > 100 && refused > 400, `${accepted} accepted, ${refused} refused`);
  });
}

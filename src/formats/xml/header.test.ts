import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { XmlConfig } from './config.ts';
import { xmlHeader } from './header.ts';
import { xmlConfig } from './testing.ts';

async function headerOf(
  text: string,
  config: Partial<XmlConfig> & { record: string },
  sources: string[],
  others: string[] = [],
): Promise<string[] | undefined> {
  const folder = await mkdtemp(join(tmpdir(), 'granary-xml-header-'));
  try {
    const path = join(folder, 'document.xml');
    await writeFile(path, text);
    const configs = others.map((record) => xmlConfig({ record }));
    return await xmlHeader({ path, config: xmlConfig(config), sources, others: configs });
  } finally {
    await rm(folder, { recursive: true });
  }
}

const RECEIPTS = `<?xml version="1.0"?>
<!DOCTYPE r [ <!ENTITY x "<!-- > -->"> ]>
<r xmlns:n="urn:n" version="6"><!-- <a x="1"/> -->
<t id="1"><n:at zone="Z">08:00</n:at><Lines><Line no="1"><Sku>P1</Sku></Line></Lines><Pay><Card>x</Card></Pay></t>
<t id="2" xsi:type="x" n:till='>'><at/><note><![CDATA[ <b/> ]]></note><tag>a</tag><tag>b</tag></t>
</r>`;

test('columns of the contract are called as it calls them, and what records have besides follows', async () => {
  const sources = [
    't/@id',
    'position()',
    '/*/@version',
    'n:at',
    '*/@zone',
    'Pay',
    'tag',
    '@xsi:type',
    '@gone',
    'gone',
    '../@gone',
    'a b',
  ];
  assert.deepEqual(await headerOf(RECEIPTS, { record: 't', namespaces: { n: 'urn:n' } }, sources), [
    ...['t/@id', 'position()', '/*/@version', 'n:at', '*/@zone', 'Pay', 'tag', '@xsi:type'],
    ...['@till', 'Lines/Line/@no', 'Lines/Line/Sku', 'note'],
  ]);
});

test('what other datasets read, and what is repeated, is no column', async () => {
  assert.deepEqual(await headerOf(RECEIPTS, { record: 't' }, ['@id'], ['t', 't/Lines/Line']), [
    ...['@id', '@till', 'at/@zone', 'at', 'Pay/Card', 'note'],
  ]);
  assert.deepEqual(await headerOf(RECEIPTS, { record: 't/Lines/Line' }, ['../../@id', '@no'], ['t']), [
    ...['../../@id', '@no', 'Sku'],
  ]);
});

test('a document without records has no header, and one that is not well-formed has what comes before', async () => {
  assert.equal(await headerOf('<r><x/></r>', { record: 't' }, ['@id']), undefined);
  assert.equal(await headerOf('', { record: 't' }, ['@id']), undefined);
  assert.equal(await headerOf('<!DOCTYPE r [<!-- -- -->]><r><t/></r>', { record: 't' }, ['@id']), undefined);
  assert.deepEqual(await headerOf('<r><t id="1"/></t></x></r><t no="1"', { record: 't' }, ['@id']), ['@id']);
});

test('of a large record all is seen, and of many records the first thousand', async () => {
  const large = `<r><t><long>${'x'.repeat(3 * 2 ** 20)}</long><end>1</end></t><t><cut`;
  assert.deepEqual(await headerOf(large, { record: 't' }, []), ['long', 'end']);
  const many = `<r>${'<t><a>1</a></t>'.repeat(1000)}<t><b>1</b></t></r>`;
  assert.deepEqual(await headerOf(many, { record: 't' }, ['a']), ['a']);
});

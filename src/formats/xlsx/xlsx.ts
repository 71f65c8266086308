/** Spreadsheets (.xlsx): one sheet of a workbook, streamed. */
import type { Format, PayloadFacts } from '../../ports/format.ts';
import { parsedAttempt } from '../lib/parsed-attempt.ts';
import { type XlsxConfig, xlsxSpec } from './config.ts';
import { discoverXlsx } from './discover.ts';
import { withPackage } from './package.ts';
import { parseTable, rawRows, readHeader } from './read.ts';
import { countRows } from './sheet.ts';
import { chooseSheet, readWorkbook } from './workbook.ts';

/** The line of a record is the number that the spreadsheet shows beside its row. */
export const xlsx: Format<XlsxConfig> = {
  type: 'xlsx',
  title: 'Spreadsheet (.xlsx)',
  extensions: ['.xlsx', '.xlsm'],
  spec: xlsxSpec,
  content: 'binary',
  count: (config) => ({
    push() {},
    finish: async (path) => ({ facts: await countTable(path, config) }),
  }),
  async read(input) {
    return [
      parsedAttempt({
        input,
        name: 'parsed sheet',
        parse: (out) => parseTable(input, out, Number.POSITIVE_INFINITY),
        async *rawText(lines) {
          yield* await rawRows(input.path, input.config, lines);
        },
      }),
    ];
  },
  header: async ({ path, config }) => await readHeader(path, config),
  discover: discoverXlsx,
};

async function countTable(path: string, config: XlsxConfig): Promise<PayloadFacts> {
  return await withPackage(path, async (parts) => {
    const sheet = chooseSheet(await readWorkbook(parts), config.sheet);
    const rows = await countRows(parts, sheet.part, config.skip_rows);
    return { records: Math.max(0, rows - (config.header ? 1 : 0) - config.footer_rows), sheet: sheet.name };
  });
}

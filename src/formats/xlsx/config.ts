/** What a user says about a spreadsheet. */
import { s } from '../../lib/spec/fields.ts';
import type { Infer } from '../../lib/spec/spec.ts';

export const xlsxSpec = s.object(
  {
    sheet: s.text({
      doc: 'Name of the sheet, or its number from 1. The first visible one if not given.',
      example: 'Sales',
      optional: true,
    }),
    header: s.boolean({ doc: 'The first row that is not blank has the names of the columns.', default: true }),
    skip_rows: s.integer({
      doc: 'Rows at the top, by the numbers that the spreadsheet shows, that are not data.',
      default: 0,
      min: 0,
    }),
    footer_rows: s.integer({
      doc: 'Rows at the end, blank ones aside, that are not data.',
      default: 0,
      min: 0,
      max: 1000,
    }),
    errors: s.choice(['reject', 'missing'], {
      doc: 'What becomes of cells that show an error such as #N/A: the row is rejected, or the value is missing.',
      default: 'reject',
    }),
  },
  { doc: 'Spreadsheets in the .xlsx format of Excel, LibreOffice and others.' },
);
export type XlsxConfig = Infer<typeof xlsxSpec>;

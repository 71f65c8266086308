/** What a user says about XML documents. */
import { s } from '../../lib/spec/fields.ts';
import type { Infer, Spec } from '../../lib/spec/spec.ts';
import { parseRecordPath } from './paths.ts';

const REPEATED = ['reject', 'first', 'join'] as const;

export const xmlSpec = s.object(
  {
    record: s.refine(
      s.text({
        doc: 'Path of the elements that are the rows, from below the root: `Transaction/Lines/Line`; or with the root: `/POSLog/Transaction`. `*` stands for any name.',
        example: 'Transaction/Lines/Line',
      }) as Spec<string>,
      (text, fail): string | undefined =>
        parseRecordPath(text) ? text : fail(`expected a path of elements such as "Orders/Order", found "${text}"`),
    ),
    namespaces: s.map(s.text({ doc: 'URI of the namespace; empty for none.' }) as Spec<string>, {
      doc: 'Prefixes for paths, each with the URI that it stands for: whatever prefix a document uses. A name without a prefix matches in every namespace.',
      example: { n: 'http://www.nrf-arts.org/IXRetail/namespace/' },
      optional: true,
    }),
    repeated: s.choice(REPEATED, {
      doc: 'What becomes of a value that occurs several times in one record: the record is rejected, the first one counts, or all are joined.',
      default: 'reject',
    }),
    repeated_in: s.map(
      s.choice(REPEATED, { doc: 'As `repeated`.', example: 'first' }) as Spec<(typeof REPEATED)[number]>,
      {
        doc: 'The same for single columns, by the path that they are read from.',
        example: { 'Tags/Tag': 'join' },
        optional: true,
      },
    ),
    separator: s.text({ doc: 'What stands between values that are joined.', default: '; ' }),
    trim: s.boolean({
      doc: 'Remove white space around values, where `xml:space="preserve"` does not keep it; a value of nothing else is missing.',
      default: true,
    }),
    malformed: s.choice(['refuse', 'keep_complete'], {
      doc: 'What becomes of a document that is not well-formed: it is refused as a whole, or the records that are complete before the error are kept and the others rejected.',
      default: 'refuse',
    }),
    encoding: s.choice(['auto', 'utf-8', 'utf-16', 'latin-1', 'windows-1252'], {
      doc: 'How characters are written; `auto` goes by the XML declaration. A byte order mark wins over both.',
      default: 'auto',
    }),
  },
  { doc: 'XML documents: elements are rows; their attributes, and the elements in and around them, are columns.' },
);
export type XmlConfig = Infer<typeof xmlSpec>;
export type Repeated = XmlConfig['repeated'];

/** A dataset: one kind of files of a source, its contract, and the table it fills. */
import { s, type Variant } from '../../lib/spec/fields.ts';
import type { Infer, ObjectSpec, Spec } from '../../lib/spec/spec.ts';
import type { ReadDescription } from '../../ports/extract.ts';
import { afterLanding, ready, verify } from './arrival.ts';
import { column } from './column.ts';
import { errorBudgetSpec, expectSpec } from './expectation.ts';
import { columnList, deduplicate, lookup, mask, rule } from './quality.ts';
import { readSpec } from './read.ts';
import { overlapSpec, scheduleSpec } from './schedule.ts';
import { type TransformSpec, transformSpec } from './transform.ts';

export const NAME = {
  regex: /^[a-z][a-z0-9_]{0,62}$/,
  meaning: 'a name: lower-case letters, digits and _, starting with a letter',
};

const expression = s.text({ doc: 'A SQL expression over the columns.', example: 'qty * unit_price' }) as Spec<string>;

export const load = s.object(
  {
    strategy: s.choice(['append', 'replace', 'merge', 'snapshot', 'replace_partition'], {
      doc: '`append` adds rows; `replace` keeps only the newest object; `merge` keeps the newest row per key; `snapshot` keeps all versions of a row with their validity (type 2); `replace_partition` replaces the partitions an object has rows for.',
      default: 'append',
    }),
    key: columnList('Columns that identify a row: `merge` and `snapshot` need them.'),
    version: columnList(
      '`merge` and `snapshot`: the row with the highest of these is the newest, whatever the order of arrival. Without it the newer object wins.',
    ),
    partition: columnList('`replace_partition`: columns whose values make a partition.'),
    deletes: s.boolean({
      doc: '`snapshot`: an object lists all rows there are; keys that are missing from it are closed.',
      default: false,
    }),
    deleted: s.text({
      doc: 'A boolean column that is true in rows which say that their key was deleted. `merge` takes the key out, `snapshot` closes it; the table does not have the column. `append` keeps all rows, with it.',
      example: 'is_deleted',
      optional: true,
    }),
  },
  {
    doc: 'How rows enter the table.',
    default: {
      strategy: 'append',
      deletes: false,
      key: undefined,
      version: undefined,
      partition: undefined,
      deleted: undefined,
    },
    shorthand: {
      label: 'strategy',
      schema: { enum: ['append', 'replace'] },
      expand: (value: unknown) => ({ strategy: value }),
    },
  },
);

/** A connector: what it reads is files that `files` names, or what a spec of its own says. */
export interface ConnectorSpec extends Variant {
  read?: ObjectSpec<unknown>;
  describe?(read: unknown, config: unknown): ReadDescription;
}

export interface ComponentSpecs {
  connectors: readonly ConnectorSpec[];
  codecs: readonly Variant[];
  formats: readonly Variant[];
  /** Of the project's own. */
  transforms: readonly TransformSpec[];
}

/** The dataset spec for the components at hand. */
export function datasetSpec(components: ComponentSpecs) {
  return s.object(
    {
      description: s.text({ doc: 'What it is, for the catalog.', optional: true }),
      files: s.text({
        doc: 'Which files, relative to the connector’s root: `*`, `?`, `**`, `{date:yyyyMMdd}`, and `{part}` for any other part.',
        example: 'sales_{date:yyyyMMdd}.csv.gz.pgp',
        optional: true,
      }),
      read: readSpec(components.connectors),
      part_of: s.text({
        doc: 'This dataset reads other records of the files of that dataset (formats with several record types).',
        example: 'pos_log',
        optional: true,
      }),
      record: s.text({
        doc: 'With `part_of`: the type of record it reads. The rest of the format is that of the other dataset.',
        example: 'H',
        optional: true,
      }),
      schedule: scheduleSpec,
      overlap: overlapSpec,
      expect: expectSpec,
      error_budget: errorBudgetSpec,
      ready,
      after_landing: afterLanding,
      identical_content: s.choice(['refuse', 'load'], {
        doc: 'A file with another name and the same bytes as an earlier one: `refuse` counts its rows as deduplicated, `load` loads it too. Default: `refuse` for append, `load` for the others.',
        optional: true,
      }),
      unpack: s.list(
        s.variants(components.codecs, { doc: 'A layer to unpack.', example: 'gzip' }) as Spec<{ type: string }>,
        {
          doc: 'Layers to unpack, outermost first. Taken from the name’s endings if not given; `[]` for none.',
          example: ['openpgp', 'gzip'],
          optional: true,
        },
      ),
      verify,
      format: s.variants(components.formats, {
        doc: 'Format of the unpacked file. Taken from the name’s ending if not given.',
        example: { type: 'csv', delimiter: ';' },
        optional: true,
      }),
      columns: s.map(column, {
        doc: 'The contract: names and types. Columns of the file that are not listed are not stored.',
        example: { sale_id: 'bigint', amount: 'decimal(12,2)' },
        names: NAME,
      }),
      on_drift: s.choice(['reject', 'evolve', 'quarantine'], {
        doc: 'When a file’s columns differ from the contract. `reject`: the contract stands, new columns are ignored and reported, values that do not fit are rejected; `evolve`: new columns are added, types widened; `quarantine`: the object is set aside.',
        default: 'reject',
      }),
      transform: transformSpec(components.transforms),
      computed: s.map(expression, {
        doc: 'New columns from SQL expressions.',
        example: { net: 'amount - discount' },
        names: NAME,
        optional: true,
      }),
      lookups: s.list(lookup, { doc: 'Columns taken from reference tables.', optional: true }),
      keep: s.text({
        doc: 'SQL condition: rows for which it is not true are filtered: not stored, but counted.',
        example: "store <> 'TEST'",
        optional: true,
      }),
      drop: columnList('Columns that are read (for rules and expressions) but not stored.'),
      deduplicate,
      rules: s.list(rule, { doc: 'What rows must satisfy.', optional: true }),
      mask: s.map(mask, { doc: 'Columns to hide.', example: { email: 'hash' }, optional: true }),
      table: s.text({ doc: 'Table it fills; the dataset’s name if not given.', example: 'sales', optional: true }),
      load,
      partition_by: s.list(expression, {
        doc: 'Partitions of the curated Parquet: columns or expressions.',
        example: ["strftime(sale_date, '%Y-%m')"],
        optional: true,
      }),
      sort_by: columnList('Order of rows in the curated Parquet and the table.'),
    },
    { doc: 'One kind of files of a source, its contract, and the table it fills.' },
  );
}
export type DatasetConfig = Infer<ReturnType<typeof datasetSpec>>;

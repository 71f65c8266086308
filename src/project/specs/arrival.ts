/** When a file counts as complete, what is done with it at the source, and what it must satisfy before it is read. */
import { s } from '../../lib/spec/fields.ts';
import type { Infer } from '../../lib/spec/spec.ts';

export const ready = s.object(
  {
    rule: s.choice(['stable', 'marker', 'now'], {
      doc: '`stable`: its size has not changed for `stable_for`; `marker`: a marker file lies beside it; `now`: as soon as it is seen (writers rename into place).',
      default: 'stable',
    }),
    stable_for: s.duration({ doc: 'How long the size must not change.', default: 60, example: '60 s' }),
    marker: s.text({
      doc: 'Name of the marker; `{name}` is the file’s name, `{stem}` that up to its first dot.',
      default: '{name}.done',
    }),
  },
  {
    doc: 'When a file counts as completely written. A control file or trailer, where declared, is waited for as well.',
    default: { rule: 'stable', stable_for: 60, marker: '{name}.done' },
    shorthand: {
      label: 'stable | marker | now',
      schema: { enum: ['stable', 'marker', 'now'] },
      expand: (value: unknown) => ({ rule: value }),
    },
  },
);

export const afterLanding = s.object(
  {
    action: s.choice(['leave', 'move', 'delete'], {
      doc: 'What happens to the file at the source once it is safely landed.',
    }),
    to: s.text({ doc: 'With `move`: folder, relative to the connector’s root.', default: 'archive' }),
  },
  {
    doc: 'What happens to the file at the source once it is safely landed.',
    default: { action: 'leave', to: 'archive' },
    shorthand: {
      label: 'leave | move | delete',
      schema: { enum: ['leave', 'move', 'delete'] },
      expand: (value: unknown) => ({ action: value }),
    },
  },
);

const totals =
  'Named groups say what is declared: `rows`, `bytes`, `sha256`, `md5`, and `sum_<column>` for the sum of a column.';

export const verify = s.object(
  {
    min_bytes: s.size({ doc: 'Smallest plausible size of the received file.', default: 1, example: '1 KB' }),
    max_bytes: s.size({ doc: 'Largest plausible size of the received file.', optional: true, example: '5 GB' }),
    min_rows: s.integer({ doc: 'Fewest plausible records.', optional: true, min: 0 }),
    max_rows: s.integer({ doc: 'Most plausible records.', optional: true, min: 0 }),
    header: s.choice(['contract', 'exact', 'any'], {
      doc: '`contract`: every column of the contract is there, drift handled by `on_drift`; `exact`: the same names in the same order; `any`: not checked.',
      default: 'contract',
    }),
    checksum: s.object(
      {
        file: s.text({
          doc: 'Name of the sidecar file; `{name}` is the file’s name, `{stem}` that up to its first dot.',
          default: '{name}.sha256',
        }),
        algorithm: s.choice(['sha256', 'sha1', 'md5'], { doc: 'Which checksum it holds.', default: 'sha256' }),
      },
      {
        doc: 'A sidecar file with a checksum, as `sha256sum` writes it. The file is not taken before the sidecar is there.',
        optional: true,
        example: { file: '{name}.sha256' },
      },
    ),
    control_file: s.object(
      {
        file: s.text({
          doc: 'Name of the control file; `{name}` is the file’s name, `{stem}` that up to its first dot.',
          example: '{name}.ctl',
        }),
        pattern: s.text({ doc: `Regular expression over its text. ${totals}`, example: 'rows=(?<rows>\\d+)' }),
      },
      { doc: 'A control file with declared totals. The file is not taken before it is there.', optional: true },
    ),
    trailer: s.object(
      {
        pattern: s.text({
          doc: `Regular expression that the last line must match. ${totals}`,
          example: '^TRL;(?<rows>\\d+);(?<sum_amount>[\\d.]+)$',
        }),
        rows_offset: s.integer({
          doc: 'Added to the declared rows, for senders that count header or trailer: -1 or -2.',
          default: 0,
        }),
      },
      { doc: 'A last line with declared totals. It is no data. A file without it is incomplete.', optional: true },
    ),
    unpacked_max_bytes: s.size({ doc: 'Most bytes that decompression may give.', default: 200e9 }),
    unpacked_max_ratio: s.integer({
      doc: 'Most bytes that decompression may give per received byte.',
      default: 1000,
      min: 1,
    }),
    unpacked_max_members: s.integer({ doc: 'Most files an archive may hold.', default: 10000, min: 1 }),
  },
  {
    doc: 'What a received file must satisfy before it is read; what fails goes to quarantine, whole, with every reason.',
    example: { min_rows: 1, max_bytes: '2 GB' },
  },
);
export type Verify = Infer<typeof verify>;

/** `logs` of granary.yaml: the structured log of the owner and its workers, in `logs/` of the data directory. */
import { LOG_LEVELS } from '../../lib/log.ts';
import { s } from '../../lib/spec/fields.ts';
import type { Infer } from '../../lib/spec/spec.ts';

export const logsSpec = s.object(
  {
    level: s.choice(LOG_LEVELS, { doc: 'Lines below this level are not written.', default: 'info' }),
    max_file: s.size({
      doc: 'A file is ended and compressed at this size, and at the end of the day (UTC).',
      default: 20e6,
      example: '20 MB',
    }),
    keep: s.duration({ doc: 'How long files of the past stay in the folder.', default: 14 * 86_400, example: '14 d' }),
    archive: s.boolean({ doc: 'Copy files of the past into the object store, under `logs/`.', default: true }),
    keep_archive: s.duration({
      doc: 'How long files stay in the object store.',
      default: 365 * 86_400,
      example: '365 d',
    }),
  },
  { doc: 'The structured log, which `granary logs` shows.' },
);
export type LogsConfig = Infer<typeof logsSpec>;

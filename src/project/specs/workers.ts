/** `workers` of granary.yaml: the processes that parse and compute, in two classes. */
import { s } from '../../lib/spec/fields.ts';
import type { Infer } from '../../lib/spec/spec.ts';

const maxResident = s.size({
  doc: 'Resident memory at which a worker process is stopped; 1.25 × `memory` + 750 MB if not given.',
  example: '2 GB',
  optional: true,
});
const threads = s.integer({ doc: 'Engine threads of a worker; all cores if not given.', optional: true, min: 1 });

export const workersSpec = s.object(
  {
    count: s.integer({ doc: 'Worker processes.', default: 1, min: 1 }),
    memory: s.size({ doc: 'Engine memory of a worker.', default: 600e6, example: '600 MB' }),
    threads,
    timeout: s.duration({
      doc: 'Longest time a stage may take for one object before its worker is killed.',
      default: 3600,
      example: '1 h',
    }),
    max_resident: maxResident,
    long: s.object(
      {
        above: s.size({ doc: 'Objects of more bytes than this are long tasks.', default: 500e6, example: '500 MB' }),
        count: s.integer({ doc: 'Worker processes for long tasks.', default: 1, min: 1 }),
        memory: s.size({ doc: 'Engine memory of a worker for long tasks.', default: 1e9, example: '1 GB' }),
        threads,
        timeout: s.duration({
          doc: 'Longest time a stage may take for one large object before its worker is killed.',
          default: 12 * 3600,
          example: '12 h',
        }),
        max_resident: maxResident,
      },
      { doc: 'Processes of their own for large objects, so that these do not hold up the others.' },
    ),
  },
  { doc: 'Processes that parse and compute.' },
);
export type WorkersConfig = Infer<typeof workersSpec>;

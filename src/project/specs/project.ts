/** `granary.yaml`. */
import { s } from '../../lib/spec/fields.ts';
import type { Infer, Spec } from '../../lib/spec/spec.ts';
import { NAME } from './dataset.ts';
import { logsSpec } from './logs.ts';
import { notificationsSpec } from './notifications.ts';
import { calendarsSpec, pipelinesSpec } from './pipeline.ts';
import { serverSpec } from './server.ts';
import { workersSpec } from './workers.ts';

export const projectSpec = s.object(
  {
    name: s.text({ doc: 'Name of the project.', example: 'shop', pattern: NAME }),
    data_dir: s.text({ doc: 'Folder for state, objects and warehouse, relative to the project.', default: '.granary' }),
    warehouse: s.object(
      {
        memory: s.size({ doc: 'Memory for queries and loads.', default: 2e9, example: '2 GB' }),
        threads: s.integer({ doc: 'Threads for queries and loads; all cores if not given.', optional: true, min: 1 }),
      },
      { doc: 'The warehouse.' },
    ),
    workers: workersSpec,
    tenants: s.map(s.object({ description: s.text({ doc: 'Who it is.', optional: true }) }, { doc: 'A tenant.' }), {
      doc: 'Tenants by name. Tables of tenant `main` are in schema `main`, those of another in a schema of its name.',
      names: NAME,
      optional: true,
    }),
    mask_key: s.text({
      doc: 'Key of `hash` and `tokenise`; needed when a dataset uses them.',
      example: '${secret:MASK_KEY}',
      secret: true,
      optional: true,
    }),
    notifications: notificationsSpec,
    server: serverSpec,
    logs: logsSpec,
    time_zone: s.text({
      doc: 'Time zone of schedules and calendars that name none.',
      default: 'UTC',
      example: 'Europe/Berlin',
    }),
    calendars: calendarsSpec,
    pipelines: pipelinesSpec,
    environments: s.map(
      s.object(
        {
          override: anything('Values that replace those of granary.yaml.'),
          sources: anything('Values that replace those of sources, by source name.'),
        },
        { doc: 'An environment.' },
      ),
      {
        doc: 'Values that differ in an environment, chosen with --env or GRANARY_ENV.',
        example: { prod: { sources: { shop: { connector: { host: 'sftp.example.com' } } } } },
        names: NAME,
        optional: true,
      },
    ),
  },
  { doc: 'The project.' },
);
export type ProjectConfig = Infer<typeof projectSpec>;

/** A tree that is merged into another before that one is parsed. */
function anything(doc: string): Spec<Record<string, unknown> | undefined> {
  return {
    label: 'mapping',
    info: { doc, optional: true },
    parse: (value, path, context) => {
      if (value === undefined || (typeof value === 'object' && value !== null && !Array.isArray(value)))
        return value as Record<string, unknown> | undefined;
      context.issues.push({ path, message: 'expected a mapping' });
      return undefined;
    },
    jsonSchema: () => ({ type: 'object', description: doc }),
  };
}

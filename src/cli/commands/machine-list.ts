/** `granary machine list`. */
import { pipelinesOf } from '../../project/pipelines.ts';
import { openProject } from '../../runtime/context.ts';
import { scheduleText } from '../../runtime/schedule/schedule-text.ts';
import { type Call, EXIT, type ExitCode } from '../command.ts';
import { projectOptions } from '../open.ts';

export async function execute(call: Call): Promise<ExitCode> {
  const { terminal } = call;
  const { project } = await openProject(await projectOptions(call));
  const pipelines = pipelinesOf(project).map((p) => ({
    name: p.name,
    kind: p.kind,
    sources: p.sources,
    tenant: p.tenant,
    schedule: scheduleText(p),
  }));
  terminal.document(pipelines);
  terminal.table(
    [{ title: 'machine' }, { title: 'kind' }, { title: 'sources', flexible: true }, { title: 'started by' }],
    pipelines.map((p) => [p.name, p.kind, p.sources.join(', '), p.schedule]),
  );
  return EXIT.ok;
}

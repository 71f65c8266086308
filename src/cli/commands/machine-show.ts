/** `granary machine show`. */
import { drawMachine } from '../../asl/draw.ts';
import { GranaryError } from '../../lib/errors.ts';
import { nearest } from '../../lib/nearest.ts';
import { compilePipeline } from '../../project/machines/compile.ts';
import { pipelinesOf } from '../../project/pipelines.ts';
import { openProject } from '../../runtime/context.ts';
import { type Call, EXIT, type ExitCode } from '../command.ts';
import { projectOptions } from '../open.ts';

export async function execute(call: Call): Promise<ExitCode> {
  const { terminal } = call;
  const { project } = await openProject(await projectOptions(call));
  const name = call.arguments[0]!;
  const pipelines = pipelinesOf(project);
  const pipeline = pipelines.find((p) => p.name === name);
  if (!pipeline) {
    const names = pipelines.map((p) => p.name);
    const near = nearest(name, names) ?? names.find((n) => n.endsWith(`.${name}`));
    throw new GranaryError('run.not_found', `The project has no pipeline ${name}.`, {
      hint: near ? `Did you mean ${near}?` : '`granary machine list` lists them.',
    });
  }
  const machine = compilePipeline(project, pipeline);
  terminal.document(machine);
  terminal.lines(drawMachine(machine));
  return EXIT.ok;
}

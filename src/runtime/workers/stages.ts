/** Stages that workers run: those that parse or compute, with an engine of their own. */
import type { StageContext } from '../../stages/context.ts';
import { type CurateInput, curate } from '../../stages/curate/curate.ts';
import { type ExtractInput, extract } from '../../stages/extract/extract.ts';
import { type VerifyInput, verify } from '../../stages/verify/verify.ts';
import { openContext, openProject } from '../context.ts';
import { type Stages, serveTasks } from './serve.ts';

const STAGES = {
  extract: (input: unknown, context: StageContext) => extract(input as ExtractInput, context),
  verify: (input: unknown, context: StageContext) => verify(input as VerifyInput, context),
  curate: (input: unknown, context: StageContext) => curate(input as CurateInput, context),
} satisfies Stages<StageContext>;

export const serveStages = (): Promise<void> =>
  serveTasks(STAGES, async ({ dir, environment, engine }, telling) => {
    const { project } = await openProject({ dir, ...(environment !== undefined && { environment }) });
    const { context } = await openContext(project, { engine, ...telling });
    return context;
  });

/** The commands there are: a literal table, by section. Reading it loads no command's code. */
import type { CommandSpec } from './command.ts';
import { EVERY_DAY } from './table/every-day.ts';
import { LOOK_CLOSER } from './table/look-closer.ts';
import { OPERATE } from './table/operate.ts';
import { PROJECT } from './table/project.ts';
import { REPAIR } from './table/repair.ts';
import { START } from './table/start.ts';

export const COMMANDS: readonly CommandSpec[] = [
  ...START,
  ...EVERY_DAY,
  ...OPERATE,
  ...LOOK_CLOSER,
  ...REPAIR,
  ...PROJECT,
];

/** Commands of the section “Operate”: what runs by itself. */
import type { CommandSpec } from '../command.ts';

export const OPERATE: readonly CommandSpec[] = [];

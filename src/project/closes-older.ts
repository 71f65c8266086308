/** Whether rows that are not wanted take older ones of their key out of the table: where rows can say that their key is deleted. Pure. */
import type { DatasetConfig } from './specs/dataset.ts';

export const closesOlder = ({ keep, transform, load }: DatasetConfig): boolean =>
  (Boolean(keep) || transform !== undefined) &&
  load.deleted !== undefined &&
  (load.strategy === 'merge' || load.strategy === 'snapshot');

/** A dataset with the datasets that read other records of the same files. Pure. */
import type { Dataset, Project } from './project.ts';

export function withParts(dataset: Dataset, project: Project): Dataset[] {
  const { datasets } = project.sources.get(dataset.source)!;
  return [dataset, ...dataset.parts.map((part) => datasets.get(part)!)];
}

/**
 * Objects of a dataset are taken one after the other, the oldest first, unless it only appends: which of two rows counts as loaded and which
 * as a duplicate depends on which came first, and the books of a run must be those of any other run of the same files.
 */
export function isInOrder(dataset: Dataset, project: Project): boolean {
  return withParts(dataset, project).some((d) => d.config.load.strategy !== 'append');
}

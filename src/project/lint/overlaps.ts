/** Two datasets of a source that would take the same files. */
import type { ResolvedDataset } from '../resolve-datasets.ts';

/** By example: a pattern whose own example is matched by another's overlaps with it. Overlaps that examples do not show are not found. */
export function checkOverlaps(datasets: ResolvedDataset[]): void {
  const whole = datasets.filter(({ dataset }) => dataset.config.files !== undefined);
  for (const [i, later] of whole.entries())
    for (const earlier of whole.slice(0, i)) {
      const common = [later.pattern.example, earlier.pattern.example].find(
        (path) => later.pattern.match(path) && earlier.pattern.match(path),
      );
      if (common !== undefined)
        later.report.warn(['files'], {
          message: `"${earlier.dataset.name}" takes some of these files too: "${earlier.pattern.text}" matches "${common}" as well`,
          hint: 'For several kinds of records in one file use "part_of"',
        });
    }
}

/** Checks across fields, datasets and sources: what a spec of one field cannot see. Errors are certain; the rest are warnings. */
import { nearest } from '../lib/nearest.ts';
import { checkArrival } from './lint/arrival.ts';
import { checkColumns } from './lint/columns.ts';
import { checkLoad } from './lint/load.ts';
import { checkMasks } from './lint/masks.ts';
import { checkOverlaps } from './lint/overlaps.ts';
import { checkTables } from './lint/tables.ts';
import type { Report } from './report.ts';
import type { ResolvedDataset } from './resolve-datasets.ts';

export interface LintSource {
  name: string;
  tenant: string;
  /** Paths start at the source. */
  report: Report;
  /** Datasets that could be resolved. */
  datasets: ResolvedDataset[];
}

export interface LintInput {
  /** As declared in granary.yaml; undefined when none are. */
  tenants: Record<string, unknown> | undefined;
  hasMaskKey: boolean;
  sources: LintSource[];
}

export function lint({ tenants, hasMaskKey, sources }: LintInput): void {
  for (const source of sources) {
    checkTenant(source, tenants);
    for (const resolved of source.datasets) {
      const { dataset, pattern, report } = resolved;
      checkArrival(dataset, pattern, report);
      checkColumns(dataset, pattern, report);
      checkLoad(dataset, report);
      checkMasks(dataset, hasMaskKey, report);
    }
    checkOverlaps(source.datasets);
  }
  checkTables(sources.flatMap((s) => s.datasets));
}

/** Schemas of the warehouse that are not a tenant's. */
const RESERVED_SCHEMAS = ['granary', 'information_schema', 'pg_catalog', 'system', 'temp'];

function checkTenant({ tenant, report }: LintSource, tenants: Record<string, unknown> | undefined): void {
  if (RESERVED_SCHEMAS.includes(tenant))
    report.error(['tenant'], `"${tenant}" is the name of a schema of the warehouse itself`);
  if (!tenants || tenant === 'main' || tenant in tenants) return;
  const known = Object.keys(tenants);
  report.error(['tenant'], {
    message: `there is no tenant "${tenant}"; declared in granary.yaml: ${known.join(', ')}`,
    suggestion: nearest(tenant, [...known, 'main']),
  });
}

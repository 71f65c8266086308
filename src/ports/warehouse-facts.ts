/**
 * Rows of the system tables that Granary publishes into every warehouse, so that people can query the books with SQL. A property that is
 * left out is null. Times are ISO 8601 in UTC. (`granary.loads` and `granary.rejects` are written by loads.)
 */
export interface Facts {
  objects?: readonly ObjectFact[];
  books?: readonly BookFact[];
  runs?: readonly RunFact[];
}

/** One landed original. */
export interface ObjectFact {
  id: string;
  tenant: string;
  source: string;
  dataset: string;
  /** Name of the file as it came, and its path at the source. */
  name: string;
  path?: string;
  /** 1 for the first content under a path, then counting. */
  version?: number;
  bytes?: number;
  sha256?: string;
  status: string;
  arrived_at: string;
  superseded_by?: string;
  quarantine?: readonly { code: string; message: string }[];
}

/** The books of one object in one run: `received = loaded + filtered + deduplicated + rejected` when balanced. */
export interface BookFact {
  run_id: string;
  object_id: string;
  dataset: string;
  /** `schema.table`. */
  table: string;
  received: number;
  loaded: number;
  filtered: number;
  deduplicated: number;
  rejected: number;
  /** Total the sender declared. */
  declared_rows?: number;
  balanced: boolean;
  /** False once a replay or a newer version of the file has taken the place of these rows. */
  active: boolean;
  /** Rows by rule, rejected and warned. */
  by_rule?: Record<string, number>;
}

export interface RunFact {
  id: string;
  status: string;
  started_at: string;
  finished_at?: string;
  objects?: number;
  received?: number;
  loaded?: number;
  rejected?: number;
  error?: string;
}

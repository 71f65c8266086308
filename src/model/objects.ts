/** Documents of the state store about landed objects: what was taken from where, and how far each has come. */
import { type Collection, putWrite, type Write } from '../ports/state-store.ts';
import type { Books, ByRule } from './books.ts';

/**
 * `landed` → `verified` → `loaded`; aside: `quarantined` (failed verification or a quarantine rule), `duplicate` (the bytes of
 * another object), `superseded` (the same file was sent again with other content).
 */
export type ObjectStatus = 'landed' | 'verified' | 'loaded' | 'quarantined' | 'duplicate' | 'superseded';

/** The manifest record of a landed object. */
export interface ObjectDoc {
  id: string;
  /** `tenant/source/dataset`. */
  dataset: string;
  /** Path at the source. */
  path: string;
  /** Last part of the path. */
  file: string;
  /** 1 for the first content under this path, 2 for the next… */
  version: number;
  bytes: number;
  sha256: string;
  /** ISO 8601, UTC. */
  landedAt: string;
  modifiedAt: string | null;
  /** From the date parts of the file name: `2026-11-19` or `2026-11-19T04:00:00`. */
  businessDate: string | null;
  /** Other named parts of the file name. */
  nameParts: Record<string, string>;
  /** Objects of a dataset in the order in which they count as newer: business date, then landing. */
  order: string;
  /** Key of the bytes in the object store. */
  key: string;
  /** Texts of the sidecar files that came with it. */
  sidecars: { checksum?: string; control?: string };
  status: ObjectStatus;
  /** The object whose rows this one replaces. */
  supersedes: string | null;
  supersededBy: string | null;
  /** Of a duplicate: the object of the dataset with the same bytes under another name whose rows are in the table. */
  duplicateOf: string | null;
  /** Why it is in quarantine: every reason. */
  reasons: Reason[];
  /** A person has let it pass verification: reasons of verification no longer hold it. */
  released: boolean;
  /** Key of the list of its payloads, once verified. */
  payloads: string | null;
  /** Totals that the sender declared. */
  declared: Declared | null;
  /** It lists all rows there are: rows of older objects whose keys are not in it are gone. */
  complete?: boolean;
  /** The run that landed it, and the one that has verified it last. */
  landedRun: string | null;
  run: string | null;
}

/** Why an object was set aside: a stable code and a sentence. */
export interface Reason {
  code: string;
  message: string;
}

/** Control totals of the sender. Sums are decimal text. */
export interface Declared {
  rows?: number;
  bytes?: number;
  sha256?: string;
  sha1?: string;
  md5?: string;
  sums?: Record<string, string>;
}

export const OBJECTS: Collection<ObjectDoc> = {
  name: 'objects',
  indexes: {
    status: ['status', 'dataset', 'order'],
    dataset: ['dataset', 'order'],
    content: ['dataset', 'sha256'],
    landed_run: ['landedRun'],
    run: ['run'],
  },
};

/** The newest object taken from a path of a dataset. Id: `dataset|path`. */
export interface OriginDoc {
  id: string;
  dataset: string;
  path: string;
  object: string;
  version: number;
  bytes: number;
  sha256: string;
  modifiedAt: string | null;
  tag: string | null;
}
export const ORIGINS: Collection<OriginDoc> = { name: 'origins', indexes: { dataset: ['dataset'] } };

export function originId(dataset: string, path: string): string {
  return `${dataset}|${path}`;
}

/** What was seen of a file that is not ready yet. Id: as of an origin. */
export interface SightingDoc {
  id: string;
  bytes: number | null;
  modifiedAt: string | null;
  /** Since when size and time have been the same. ISO 8601, UTC. */
  since: string;
}
export const SIGHTINGS: Collection<SightingDoc> = { name: 'sightings', indexes: {} };

/** Rows of one object for one dataset, curated under one contract. Id: the curation id. */
export interface CurationDoc {
  id: string;
  object: string;
  dataset: string;
  contractHash: string;
  /** 1 while it is the current one of its object and dataset, else 0. */
  current: number;
  status: 'curated' | 'loaded' | 'withdrawn';
  /** Keys of the curated Parquet and of the rejects. */
  files: string[];
  rejects: string[];
  columns: { name: string; type: string }[];
  counts: Omit<Books, 'loaded'> & { accepted: number };
  byRule: ByRule;
  /** Contract drift that was found, in sentences. */
  drift: string[];
  curatedAt: string;
}
export const CURATIONS: Collection<CurationDoc> = {
  name: 'curations',
  indexes: { object: ['object', 'dataset'], dataset: ['dataset', 'current'] },
};

/**
 * Outbox of `publish`: objects and runs whose facts have changed since they were last published. Written in the transaction that changes
 * them, so that no kill loses one. Id: `object|<id>` or `run|<id>`.
 */
export interface UnpublishedDoc {
  id: string;
}
export const UNPUBLISHED: Collection<UnpublishedDoc> = { name: 'unpublished', indexes: {} };

export function toPublish(kind: 'object' | 'run', id: string): Write {
  return putWrite(UNPUBLISHED, { id: `${kind}|${id}` });
}

/** What is known of a service: where it is, how it pages, and what it has. */
import type { Incremental } from '../read-incremental.ts';
import type { Pagination } from '../read-pagination.ts';

export interface Preset {
  title: string;
  /** Where its shape is described, for people. */
  documentation: string;
  base: string | undefined;
  headers: Record<string, string>;
  query: Record<string, string>;
  /** What its servers allow, where they do not say it themselves. */
  perSecond: number | undefined;
  endpoints: Record<string, PresetEndpoint>;
}

export interface PresetEndpoint {
  title: string;
  path: string;
  method?: 'GET' | 'POST';
  query?: Record<string, string>;
  headers?: Record<string, string>;
  body?: unknown;
  records: string;
  records_missing?: 'error' | 'empty';
  pagination: Pagination;
  total?: string;
  key: string[];
  incremental?: Incremental;
}

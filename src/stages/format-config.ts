/** The configuration a dataset's format is used with. */
import type { Dataset } from '../project/project.ts';

/** A declared trailer is no data: formats with footer lines leave it out. */
export function formatConfig(dataset: Dataset): Record<string, unknown> {
  const { type: _, ...config } = dataset.format;
  if (dataset.config.verify.trailer && 'footer_lines' in config && !config.footer_lines)
    return { ...config, footer_lines: 1 };
  return config;
}

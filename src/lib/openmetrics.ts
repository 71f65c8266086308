/**
 * Figures as OpenMetrics text 1.0, which Prometheus and its kin read.
 * Source: https://github.com/prometheus/OpenMetrics/blob/v1.0.0/specification/OpenMetrics.md
 */

export const OPENMETRICS_TYPE = 'application/openmetrics-text; version=1.0.0; charset=utf-8';

export type Labels = Readonly<Record<string, string>>;

export interface Sample {
  labels?: Labels;
  value: number;
}

/** Buckets are not cumulative here: `counts[i]` observations were at most `bounds[i]`, the last count is of all above. */
export interface HistogramSample {
  labels?: Labels;
  bounds: readonly number[];
  counts: readonly number[];
  sum: number;
}

/**
 * A metric with all its samples. `name` has no suffix: `_total`, `_bucket`, `_info` are added. A `unit` is the last word of the name:
 * `granary_stage_duration_seconds` has `seconds`.
 */
export type MetricFamily =
  | { type: 'counter' | 'gauge' | 'info'; name: string; unit?: string; help: string; samples: readonly Sample[] }
  | { type: 'histogram'; name: string; unit?: string; help: string; samples: readonly HistogramSample[] };

/** The whole exposition, `# EOF` included. Throws a RangeError for names, values or samples that break the format. */
export function renderOpenMetrics(families: readonly MetricFamily[]): string {
  const lines: string[] = [];
  const names = new Set<string>();
  for (const family of families) {
    check(family, names);
    lines.push(`# TYPE ${family.name} ${family.type}`);
    if (family.unit !== undefined) lines.push(`# UNIT ${family.name} ${family.unit}`);
    lines.push(`# HELP ${family.name} ${escaped(family.help)}`);
    const seen = new Set<string>();
    for (const sample of family.samples) {
      const key = labelText(sample.labels);
      if (seen.has(key)) throw new RangeError(`${family.name}${key} is there twice`);
      seen.add(key);
    }
    if (family.type === 'histogram') for (const s of family.samples) lines.push(...histogramLines(family.name, s));
    else
      for (const s of family.samples)
        lines.push(`${family.name}${SUFFIX[family.type]}${labelText(s.labels)} ${numberText(s.value)}`);
  }
  lines.push('# EOF');
  return `${lines.join('\n')}\n`;
}

const SUFFIX = { counter: '_total', gauge: '', info: '_info' } as const;
const RESERVED = /_(total|created|count|sum|bucket|info)$/;

function check(family: MetricFamily, names: Set<string>): void {
  const { name, unit } = family;
  if (!/^[a-zA-Z_:][a-zA-Z0-9_:]*$/.test(name) || RESERVED.test(name))
    throw new RangeError(`"${name}" is no name of a metric`);
  if (names.has(name)) throw new RangeError(`${name} is there twice`);
  names.add(name);
  if (unit !== undefined && !name.endsWith(`_${unit}`))
    throw new RangeError(`${name} does not end in its unit ${unit}`);
  if (family.type === 'histogram') return;
  for (const { value } of family.samples) {
    if (family.type === 'counter' && !(value >= 0)) throw new RangeError(`${name} counts, and ${value} is no count`);
    if (family.type === 'info' && value !== 1) throw new RangeError(`${name} is a fact: its value is 1`);
  }
}

function histogramLines(name: string, { labels = {}, bounds, counts, sum }: HistogramSample): string[] {
  if (counts.length !== bounds.length + 1)
    throw new RangeError(`${name} has ${bounds.length} bounds and ${counts.length} counts`);
  let total = 0;
  const buckets = counts.map((count, i) => {
    if (i > 0 && i < bounds.length && !(bounds[i]! > bounds[i - 1]!))
      throw new RangeError(`${name}: bounds do not grow`);
    total += count;
    return `${name}_bucket${labelText({ ...labels, le: i < bounds.length ? floatText(bounds[i]!) : '+Inf' })} ${total}`;
  });
  return [
    ...buckets,
    `${name}_count${labelText(labels)} ${total}`,
    `${name}_sum${labelText(labels)} ${numberText(sum)}`,
  ];
}

/** In the order of their names, so that a scrape does not differ from the last one by order alone; `le` is last. */
function labelText(labels: Labels = {}): string {
  const names = Object.keys(labels).sort((a, b) => (a === 'le' ? 1 : b === 'le' ? -1 : a < b ? -1 : 1));
  if (names.length === 0) return '';
  for (const name of names)
    if (!/^[a-zA-Z_][a-zA-Z0-9_]*$/.test(name)) throw new RangeError(`"${name}" is no name of a label`);
  return `{${names.map((n) => `${n}="${escaped(labels[n]!)}"`).join(',')}}`;
}

function escaped(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}

function numberText(n: number): string {
  if (n === Number.POSITIVE_INFINITY) return '+Inf';
  return n === Number.NEGATIVE_INFINITY ? '-Inf' : String(n);
}

/** Bounds are written as floats: `1.0`. */
function floatText(n: number): string {
  return Number.isInteger(n) ? n.toFixed(1) : String(n);
}

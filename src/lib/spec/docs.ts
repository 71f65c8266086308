/** Reference documentation of a spec in Markdown: a table of fields for each mapping in it. The same spec gives the same text. */
import { stringify } from 'yaml';
import { isRequired } from './common.ts';
import type { Spec } from './spec.ts';
import { itemPath } from './walk.ts';

export interface DocsOptions {
  /** Depth of the heading of the first table: 2 for `##`. */
  level: number;
  /** Prefix of headings and anchors that tells specs on one page apart; '' for none. */
  prefix?: string;
  /** Pages of the components that may stand at a path: `connector` to `connectors.md`. Where there is none they are listed here. */
  componentPages?: Record<string, string>;
}

/** The fields of a mapping and of all mappings inside it. Without a heading of its own: the page gives it. */
export function renderFields(spec: Spec<unknown>, options: DocsOptions): string {
  const sections: string[] = [];
  const queue: Section[] = [{ path: '', spec }];
  for (let next = queue.shift(); next; next = queue.shift()) {
    const { table, inner } = renderSection(next, options);
    sections.push(table);
    queue.unshift(...inner);
  }
  return `${sections.filter((s) => s !== '').join('\n\n')}\n`;
}

interface Section {
  path: string;
  spec: Spec<unknown>;
  /** Component that the section is of. */
  title?: string;
}

function renderSection({ path, spec, title }: Section, options: DocsOptions): { table: string; inner: Section[] } {
  if (spec.children?.kind !== 'object') return { table: '', inner: [] };
  const inner: Section[] = [];
  const rows = Object.entries(spec.children.fields).map(([name, field]) => {
    const fieldPath = path ? `${path}.${name}` : name;
    const nested = sectionsOf(field, fieldPath, options);
    inner.push(...nested);
    const [first] = nested;
    const link = componentPage(field, fieldPath, options) ?? (first && `#${slug(headingOf(first, options))}`);
    return [
      link ? `[\`${name}\`](${link})` : `\`${name}\``,
      cell(typeOf(field)),
      isRequired(field) ? '**required**' : defaultOf(field),
      description(field),
      exampleOf(field),
    ].join(' | ');
  });
  const heading = path
    ? [`${'#'.repeat(options.level)} ${headingOf({ path, spec, title }, options)}`, cell(spec.info.doc)]
    : [];
  const table = [
    '| field | type | default | meaning | example |',
    '| --- | --- | --- | --- | --- |',
    ...rows.map((r) => `| ${r} |`),
  ];
  return { table: [...heading, rows.length > 0 ? table.join('\n') : 'It has no settings.'].join('\n\n'), inner };
}

/** The mappings that a field leads to: itself, its items, the components that may stand there. */
function sectionsOf(field: Spec<unknown>, path: string, options: DocsOptions): Section[] {
  const { children } = field;
  if (!children) return [];
  if (children.kind === 'object') return [{ path, spec: field }];
  if (children.kind === 'items') return sectionsOf(children.item, itemPath(field, path), options);
  if (componentPage(field, path, options)) return [];
  return children.variants.map((v) => ({ path: `${path} (${v.type})`, spec: v.spec, title: v.title }));
}

function componentPage(field: Spec<unknown>, path: string, { componentPages = {} }: DocsOptions): string | undefined {
  if (field.children?.kind === 'items')
    return componentPage(field.children.item, itemPath(field, path), { level: 0, componentPages });
  return componentPages[path];
}

function headingOf({ path, title }: Section, { prefix = '' }: DocsOptions): string {
  return `${prefix && `${prefix}: `}\`${path}\`${title ? ` ${title}` : ''}`;
}

/** GitHub's anchor of a heading. */
export function slug(heading: string): string {
  return heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}_ -]/gu, '')
    .replaceAll(' ', '-');
}

function typeOf(field: Spec<unknown>): string {
  if (field.children?.kind !== 'items') return field.label;
  const { item } = field.children;
  return field.label.startsWith('list') ? `list of ${typeOf(item)}` : `name: ${typeOf(item)}`;
}

function defaultOf({ label, info, children }: Spec<unknown>): string {
  const value = info.default;
  if (value === undefined || children?.kind === 'object') return '';
  if (label === 'size') return code(inUnits(value as number, SIZES));
  if (label === 'duration') return code(inUnits(value as number, DURATIONS));
  return code(inline(value));
}

const SIZES: [number, string][] = [
  [1e12, 'TB'],
  [1e9, 'GB'],
  [1e6, 'MB'],
  [1e3, 'KB'],
  [1, 'B'],
];
const DURATIONS: [number, string][] = [
  [86400, 'd'],
  [3600, 'h'],
  [60, 'min'],
  [1, 's'],
  [0.001, 'ms'],
];

/** In the largest unit that gives a whole number. */
function inUnits(value: number, units: [number, string][]): string {
  const [factor, unit] = units.find(([f]) => value >= f && Number.isInteger(value / f)) ?? units.at(-1)!;
  return `${Math.round(value / factor)} ${unit}`;
}

function description({ info }: Spec<unknown>): string {
  return cell(info.secret ? `${info.doc} A secret: write \`\${secret:NAME}\`.` : info.doc);
}

function exampleOf({ info }: Spec<unknown>): string {
  return info.example === undefined ? '' : code(inline(info.example));
}

/** YAML on one line. */
function inline(value: unknown): string {
  return stringify(value, { collectionStyle: 'flow', lineWidth: 0 }).trim();
}

const code = (text: string) => cell(`\`${text}\``);
const cell = (text: string) => text.replaceAll('|', '\\|').replaceAll('\n', ' ');

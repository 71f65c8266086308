/** A run as a tree: its machine's states with how long each took, how often, and what went wrong. Pure. */
import { formatCount, formatSeconds } from '../lib/units.ts';
import type { BooksDoc } from '../model/books.ts';
import type { HistoryEvent } from '../ports/orchestrator.ts';
import { sumByDataset } from '../runtime/books.ts';
import { shortName } from '../runtime/names.ts';
import type { RunDetail } from '../runtime/operations.ts';
import { type Style, visible } from './terminal/style.ts';

export function runLines(
  { run, execution, steps }: RunDetail,
  history: readonly HistoryEvent[],
  books: readonly BooksDoc[],
  style: Style,
): string[] {
  const paint = { succeeded: style.green, failed: style.red, interrupted: style.yellow, running: style.cyan }[
    run.status
  ];
  const seconds = run.endedAt ? (Date.parse(run.endedAt) - Date.parse(run.startedAt)) / 1000 : undefined;
  return [
    `${style.bold(run.id)}  ${paint(run.status)}${seconds === undefined ? '' : ` in ${formatSeconds(seconds)}`}  ${style.dim(`${run.pipeline}, ${run.trigger}`)}`,
    `  ${style.dim('started')} ${run.startedAt.slice(0, 19).replace('T', ' ')}  ${style.dim('by')} ${visible(run.command)}`,
    ...(execution && execution.redrives > 0 ? [`  ${style.dim('redriven')} ${execution.redrives} ×`] : []),
    ...sumByDataset(books).map(
      (b) =>
        `  ${shortName(b.dataset)}  ${formatCount(b.received)} received, ${formatCount(b.loaded)} loaded, ${formatCount(b.rejected)} rejected ${style.dim(`of ${formatCount(b.objects)} objects`)}`,
    ),
    ...run.errors.map((e) => `  ${style.red('✗')} ${visible(e.message)}`),
    ...treeLines(history, style),
    ...steps.map(
      (s) =>
        `  ${style.cyan('▸')} now in ${visible(s.state)}${s.path ? ` ${style.dim(visible(s.path))}` : ''}${s.attempt > 1 ? `, try ${s.attempt}` : ''}`,
    ),
  ];
}

interface Node {
  name: string;
  times: number;
  ms: number;
  retries: number;
  failed: number;
  /** The last error. */
  error: string | undefined;
  children: Map<string, Node>;
}

/** Items of a Map are told together: the state is named once, with how often it was entered. */
function treeLines(history: readonly HistoryEvent[], style: Style): string[] {
  const root = newNode('');
  const entered = new Map<string, number>();
  for (const { path, type, state, at, details } of history) {
    if (state === undefined) continue;
    const node = nodeOf(root, path, state);
    const visit = `${path}|${state}`;
    if (type.endsWith('StateEntered')) {
      node.times++;
      entered.set(visit, at);
    } else if (type.endsWith('StateExited')) {
      node.ms += at - (entered.get(visit) ?? at);
      entered.delete(visit);
    } else if (type === 'TaskRetryScheduled') node.retries++;
    else if (/(Failed|TimedOut|Aborted)$/.test(type)) {
      node.failed++;
      const { error } = (details ?? {}) as { error?: unknown };
      if (typeof error === 'string') node.error = error;
    }
  }
  return [...root.children.values()].flatMap((n) => nodeLines(n, 1, style));
}

/** `/Sources#0/1` is the second branch of the first visit of `Sources`: what is under it stands under `Sources`. */
function nodeOf(root: Node, path: string, state: string): Node {
  const parents = path.split('/').flatMap((word) => /^(.*)#\d+$/.exec(word)?.[1] ?? []);
  let node = root;
  for (const name of [...parents, state]) {
    const child = node.children.get(name) ?? newNode(name);
    node.children.set(name, child);
    node = child;
  }
  return node;
}

const newNode = (name: string): Node => ({
  name,
  times: 0,
  ms: 0,
  retries: 0,
  failed: 0,
  error: undefined,
  children: new Map(),
});

function nodeLines(node: Node, depth: number, style: Style): string[] {
  const facts = [
    node.times > 1 ? `${formatCount(node.times)} ×` : '',
    node.ms > 0 ? formatSeconds(node.ms / 1000) : '',
    node.retries > 0 ? style.yellow(`${formatCount(node.retries)} retried`) : '',
    node.failed > node.retries ? style.red(`failed${node.error ? `: ${visible(node.error)}` : ''}`) : '',
  ].filter(Boolean);
  return [
    `${'  '.repeat(depth)}${style.dim('└')} ${visible(node.name)}${facts.length > 0 ? `  ${facts.join(', ')}` : ''}`,
    ...[...node.children.values()].flatMap((c) => nodeLines(c, depth + 1, style)),
  ];
}

/** A line for each thing that happens in a run, as it happens. Pure. */
import { formatBytes, formatCount } from '../lib/units.ts';
import { shortName } from '../runtime/names.ts';
import type { RunEvent } from '../runtime/run.ts';
import { type Style, visible } from './terminal/style.ts';

/** Undefined for what is not worth a line. */
export function eventLine(event: RunEvent, style: Style): string | undefined {
  switch (event.type) {
    case 'landed': {
      const { outcome, bytes, resumedAt } = event.output;
      if (outcome === 'unchanged') return undefined;
      const resumed = resumedAt > 0 ? `, resumed at ${formatBytes(resumedAt)}` : '';
      return style.dim(
        `↓ ${event.source}  ${visible(event.path)}  ${formatBytes(bytes)}${outcome === 'new_version' ? ', a new version' : ''}${resumed}`,
      );
    }
    case 'loaded': {
      const { curated, output } = event;
      const parts = [
        `${formatCount(curated.received)} received`,
        `${formatCount(output.loaded)} loaded`,
        counted(curated.filtered, 'filtered'),
        counted(curated.deduplicated + output.deduplicated, 'deduplicated'),
        curated.rejected > 0 ? style.yellow(`${formatCount(curated.rejected)} rejected`) : '',
        output.already ? 'loaded before' : '',
      ];
      return `${style.green('✓')} ${shortName(event.dataset)}  ${visible(event.object.file)}  ${parts.filter(Boolean).join(', ')}`;
    }
    case 'quarantined': {
      const codes = event.reasons.map((r) => r.code).join(', ');
      return `${style.yellow('!')} ${shortName(event.object.dataset)}  ${visible(event.object.file)}  quarantined: ${codes}`;
    }
    case 'duplicate':
      return `${style.dim('=')} ${shortName(event.object.dataset)}  ${visible(event.object.file)}  the bytes of an earlier file`;
    case 'retry':
      return style.dim(`↻ ${visible(event.what)}  ${event.error.message} Trying again (${event.attempt}).`);
    case 'failed':
      return `${style.red('✗')} ${visible(event.what)}  ${event.error.message}`;
    default:
      return undefined;
  }
}

const counted = (n: number, word: string) => (n > 0 ? `${formatCount(n)} ${word}` : '');

/** Fixed width: lines with fields at fixed positions, of one type of record or of several. */
import type { DiscoverInput, Discovery, Format } from '../ports/format.ts';
import { type FixedWidthConfig, fixedWidthSpec, layoutOf } from './fixed-width/config.ts';
import { FixedWidthCounter } from './fixed-width/count.ts';
import { guessFields } from './fixed-width/guess-fields.ts';
import { parseFixedWidth } from './fixed-width/parse.ts';
import { inferParsed } from './lib/discovery.ts';
import { isBlank, lineBlocks, linesOf, rawLines } from './lib/lines.ts';
import { parsedAttempt } from './lib/parsed-attempt.ts';

const SAMPLE_LINES = 1000;

export const fixedWidth: Format<FixedWidthConfig> = {
  type: 'fixed_width',
  title: 'Fixed width',
  extensions: ['.fwf', '.dat'],
  spec: fixedWidthSpec,
  content: 'text',
  count: (config) => new FixedWidthCounter(layoutOf(config), config),
  async read(input) {
    return [
      parsedAttempt({
        input,
        name: 'parsed lines',
        parse: (out) => parseFixedWidth(input, out, Number.POSITIVE_INFINITY),
        rawText: (lines) => rawLines(input.path, lines),
      }),
    ];
  },
  /** The fields of the layout: the file itself names none. */
  async header({ config }) {
    return layoutOf(config).fields.map((f) => f.name);
  },
  discover,
};

/** Fields are guessed where none are given; types come from the values either way. */
async function discover(input: DiscoverInput<FixedWidthConfig>): Promise<Discovery<FixedWidthConfig>> {
  const given = complete(input.config);
  const isGiven = given.fields !== undefined || given.records !== undefined;
  const fields = isGiven ? undefined : guessFields(await sampleLines(input.path, given.skip_lines));
  const config = fields ? { ...given, fields } : given;
  if (fields?.length === 0)
    return { config: {}, columns: [], rowsSeen: 0, notes: ['There are no lines with content.'] };
  const names = layoutOf(config).fields.map((f) => f.name);
  const { columns, rows, notes, rejected } = await inferParsed({
    input,
    config: { ...config, short_lines: fields ? 'pad' : config.short_lines },
    names,
    parse: parseFixedWidth,
  });
  const guessed =
    'Fields were guessed from columns of blanks: compare them with the description of the file and name them.';
  return {
    config: fields ? { fields } : {},
    columns: columns.map(({ thousands: _, ...column }) => column),
    rowsSeen: rows,
    notes: [...(fields ? [guessed] : []), ...(rejected > 0 ? [`${rejected} lines would be rejected.`] : []), ...notes],
  };
}

function complete(config: Partial<FixedWidthConfig>): FixedWidthConfig {
  return { ...fixedWidthSpec.parse({}, [], { issues: [] })!, ...config };
}

async function sampleLines(path: string, skip: number): Promise<string[]> {
  const lines: string[] = [];
  for await (const block of lineBlocks(path)) {
    if (block.tooLong) continue;
    for (const { number, start, end } of linesOf(block)) {
      if (number > skip && !isBlank(block.bytes, start, end)) lines.push(block.bytes.toString('utf8', start, end));
      if (lines.length === SAMPLE_LINES) return lines;
    }
  }
  return lines;
}

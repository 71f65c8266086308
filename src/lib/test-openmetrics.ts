/** A strict reader of OpenMetrics text, for tests. */
import assert from 'node:assert/strict';

interface Parsed {
  type: string;
  samples: Record<string, number>;
}

/** A strict reader of OpenMetrics text: order of the lines, suffixes, escapes, one block a family. */
export function parseOpenMetrics(text: string): Map<string, Parsed> {
  assert.ok(text.endsWith('# EOF\n'));
  const families = new Map<string, Parsed>();
  let name = '';
  for (const line of text.slice(0, -'# EOF\n'.length).split('\n').slice(0, -1)) {
    const meta = /^# (TYPE|UNIT|HELP) ([a-z_]+) (.*)$/.exec(line);
    if (meta?.[1] === 'TYPE') {
      name = meta[2]!;
      assert.ok(!families.has(name), `${name} has two blocks`);
      families.set(name, { type: meta[3]!, samples: {} });
    } else if (meta) {
      assert.equal(meta[2], name);
      if (meta[1] === 'UNIT') assert.ok(name.endsWith(`_${meta[3]}`));
    } else {
      const sample = /^([a-z_]+)(\{(?:[a-z_]+="(?:[^"\\\n]|\\[\\"n])*"(?:,(?!\})|(?=\})))*\})? (\S+)$/.exec(line);
      assert.ok(sample, `no sample: ${line}`);
      const { type, samples } = families.get(name)!;
      const suffixes = { counter: ['_total'], gauge: [''], info: ['_info'], histogram: ['_bucket', '_count', '_sum'] };
      assert.ok(
        suffixes[type as keyof typeof suffixes].some((s) => sample[1] === name + s),
        line,
      );
      const key = `${sample[1]}${sample[2] ?? ''}`;
      assert.ok(!(key in samples), `${key} is there twice`);
      samples[key] = sample[3] === '+Inf' ? Number.POSITIVE_INFINITY : Number(sample[3]);
      assert.ok(!Number.isNaN(samples[key]), line);
    }
  }
  return families;
}

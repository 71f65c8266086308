import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GranaryError } from '../lib/errors.ts';
import { COMMANDS } from './commands.ts';
import { parseCommandLine } from './parse.ts';

const parse = (line: string) => parseCommandLine(line.split(' ').filter(Boolean), COMMANDS);

function failure(line: string): { message: string; hint: string } {
  try {
    parse(line);
  } catch (e) {
    assert.ok(e instanceof GranaryError && e.code === 'cli.usage', String(e));
    return { message: e.message, hint: e.hint ?? '' };
  }
  throw assert.fail(`"${line}" was understood`);
}

test('options may stand before the command, after it, and between its words', () => {
  for (const line of ['-C /srv run --json', 'run -C /srv --json', '--json run --dir=/srv']) {
    const { command, options } = parse(line);
    assert.equal(command?.name, 'run');
    assert.equal(options.text('dir'), '/srv');
    assert.equal(options.on('json'), true);
  }
  assert.equal(parse('quarantine --json list').command?.name, 'quarantine list');
});

test('what may be repeated is a list, and words after -- are arguments whatever they look like', () => {
  assert.deepEqual(parse('run --source a --source b').options.list('source'), ['a', 'b']);
  assert.deepEqual(parse('trace sales -- -5').arguments, ['sales', '-5']);
});

test('a wrong spelling is answered with the right one', () => {
  assert.match(failure('rnu').hint, /granary run/);
  assert.match(failure('quarantine lst').hint, /granary quarantine list/);
  assert.match(failure('run --souce x').hint, /--source/);
  assert.match(failure('query --format cvs x').hint, /csv/);
  assert.match(failure('list connectrs').hint, /connectors/);
});

test('missing and surplus words are named', () => {
  assert.match(failure('trace sales').message, /<key=value> is missing/);
  assert.match(failure('runs yesterday').message, /"yesterday" is one argument too many/);
  assert.match(failure('run --source').message, /--source needs a value/);
  assert.match(failure('run --source --json').message, /--source needs a value/);
  assert.match(failure('run --json=yes').message, /--json takes no value/);
});

test('numbers and durations are checked', () => {
  const { options } = parseCommandLine(['query', 'x', '--limit', '10', '--wait', '5 min'], COMMANDS);
  assert.equal(options.count('limit'), 10);
  assert.equal(options.duration('wait'), 300);
  assert.throws(() => parse('query x --limit many').options.count('limit'), /whole number/);
  assert.throws(() => parse('query x --wait 5').options.duration('wait'), /duration with its unit/);
});

test('a group alone, and no words at all, ask for help', () => {
  assert.deepEqual([parse('quarantine').command, parse('quarantine').group], [undefined, 'quarantine']);
  assert.deepEqual([parse('').command, parse('').group], [undefined, undefined]);
  assert.equal(parse('trace --help').options.on('help'), true);
});

test('every command has examples that its own parser understands, and code that loads', async () => {
  for (const command of COMMANDS) {
    assert.ok(command.examples.length > 0, command.name);
    for (const { line } of command.examples) {
      const words = [...line.matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g)].map((m) => m[1] ?? m[2] ?? m[3]!);
      const typed = words.slice(1, words.includes('<') ? words.indexOf('<') : undefined);
      assert.equal(parseCommandLine(typed, COMMANDS).command?.name, command.name, line);
    }
    assert.equal(typeof (await command.load()).execute, 'function');
  }
});

test('a command may be the beginning of another: `runs` and `runs show`', () => {
  const parsed = (line: string) => {
    const { command, arguments: given, group } = parseCommandLine(line.split(' '), COMMANDS);
    return [command?.name, given, group];
  };
  assert.deepEqual(parsed('runs'), ['runs', [], undefined]);
  assert.deepEqual(parsed('runs --limit 2'), ['runs', [], undefined]);
  assert.deepEqual(parsed('--quiet runs show last'), ['runs show', ['last'], undefined]);
  assert.deepEqual(parsed('token --help'), [undefined, [], 'token']);
  assert.throws(() => parsed('runs 2'), /one argument too many/);
});

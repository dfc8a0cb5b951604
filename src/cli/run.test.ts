import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { makeTestFolder } from '../store/test-store.ts';
import { COMMANDS } from './commands.ts';
import { helpForCommand } from './help.ts';
import { type Finished, runEasel, runHere } from './test-command.ts';

function easel(context: TestContext): (...words: string[]) => Promise<Finished> {
  const folder = makeTestFolder(context);
  return (...words) => runHere(words, { folder });
}

test('help lists every command, and each command has its own help', async (context) => {
  const run = easel(context);
  const { exitCode, stdout } = await run('--help');
  assert.equal(exitCode, 0);
  for (const command of COMMANDS) {
    assert.match(stdout, new RegExp(`^  ${command.name} +\\S`, 'm'));
    const help = helpForCommand(command, (_, text) => text);
    assert.match(help, new RegExp(`^Usage  easel ${command.name} `, 'm'));
    for (const line of help.split('\n')) {
      assert.ok(line.length <= 90, line);
    }
  }
  const outputs = await Promise.all(
    ['--version', 'keys --help', 'help generate', 'generate -h'].map((words) =>
      run(...words.split(' ')),
    ),
  );
  const [version, keys, helpGenerate, generateHelp] = outputs.map((output) => output.stdout);
  assert.match(version ?? '', /^\d+\.\d+\.\d+\n$/);
  assert.match(keys ?? '', /keys rotate/);
  assert.equal(helpGenerate, generateHelp);
});

test('a command line that makes no sense is exit code 2 and a sentence', async (context) => {
  const run = easel(context);
  const table: [string[], RegExp][] = [
    [['genrate', 'x'], /no command genrate\. Did you mean generate\?/],
    [['key', 'list'], /no command key\. Did you mean keys\?/],
    [['keys'], /keys needs one of: create, list, revoke, rotate\./],
    [['keys', 'creat'], /Did you mean keys create\?/],
    [['usage', '--dayz', '3'], /usage has no option --dayz\. Did you mean --days\?/],
    [['usage', '-q'], /usage has no option -q\./],
    [['usage', '--days'], /--days needs a value: --days N\./],
    [['usage', '--days', 'many'], /--days is a number from 1/],
    [['usage', '--json=yes'], /--json takes no value/],
    [['usage', 'everything'], /usage does not take "everything"/],
    [['generate'], /generate needs "PROMPT"/],
    [['generate', 'x', '-p', 'style'], /-p takes NAME=VALUE, not "style"/],
    [['credit', 'ten'], /"ten" is no amount of USD/],
    [['credit', '0'], /more than 0/],
    [['keys', 'create', '--mode', 'free'], /--mode is test or live, not free/],
    [['keys', 'create', '--expires', '2027-02-30'], /"2027-02-30" is no date/],
    [['keys', 'create', '--expires', '2020-01-01'], /in the past/],
    [['keys', 'create', '--models', 'nano-bananna'], /Did you mean nano-banana\?/],
  ];
  await Promise.all(
    table.map(async ([words, pattern]) => {
      const { exitCode, stdout, stderr } = await run(...words);
      assert.equal(exitCode, 2, words.join(' '));
      assert.equal(stdout, '', words.join(' '));
      assert.match(stderr, pattern);
    }),
  );
});

test('settings that make no sense are exit code 78', async (context) => {
  const run = easel(context);
  const { exitCode, stderr } = await run('models', '--server', 'somewhere');
  assert.equal(exitCode, 78);
  assert.match(stderr, /--server: "somewhere" is not an http or https URL/);
});

test('reading a home that is not there makes none', async (context) => {
  const folder = makeTestFolder(context);
  for (const words of [['usage'], ['keys', 'list'], ['request', 'img_1'], ['doctor'], ['models']]) {
    await runHere(words, { folder });
    assert.equal(existsSync(join(folder, '.easel')), false, words.join(' '));
  }
  const { exitCode, stderr } = await runHere(['usage'], { folder });
  assert.equal(exitCode, 1);
  assert.match(stderr, /There is no Easel home at .*\.easel\./);
});

test('migrate makes the database once and names what it applied', async (context) => {
  const run = easel(context);
  const first = await run('migrate');
  assert.equal(first.exitCode, 0);
  assert.match(first.stdout, /^Applied 0001_initial$/m);
  const second = await run('migrate');
  assert.doesNotMatch(second.stdout, /Applied/);
  assert.match(second.stdout, /was up to date already/);
});

test('a process keeps results, notes and exit code apart, without colour', async (context) => {
  const folder = makeTestFolder(context);
  const help = await runEasel(['--help'], { folder });
  assert.deepEqual([help.exitCode, help.stderr], [0, '']);
  const unknown = await runEasel(['nothing'], { folder });
  assert.deepEqual([unknown.exitCode, unknown.stdout], [2, '']);
  assert.equal((help.stdout + unknown.stderr).includes('\u001B'), false);
});

/** The command lines of the scripts: each has --help, and refuses what it does not know in one line. */
import { spawnSync } from 'node:child_process';
import { describe, expect, test } from '@jest/globals';

const node = (...args: string[]) => spawnSync(process.execPath, args, { encoding: 'utf8' });

/** How a program with these options ends that is called with these arguments. */
function called(...args: string[]) {
  const code = `
    import { commandLine, oneOf, positiveNumber, wholeNumber } from './scripts/options.js';
    console.log(JSON.stringify(commandLine({
      usage: 'node program.js',
      about: 'Does something.',
      options: {
        quick: { about: 'does less' },
        runs: { value: 'N', parse: wholeNumber(1, 20), default: 4, about: 'how often' },
        minutes: { value: 'N', parse: positiveNumber, about: 'how long' },
        loss: { value: 'LIST', list: true, parse: oneOf(['iou', 'dice']), about: 'which losses' },
      },
      rest: { name: 'FOLDER', about: 'where to' },
    })));`;
  const { status, stdout, stderr } = node('--input-type=module', '-e', code, 'program.js', ...args);
  return { status, stdout, stderr };
}

const given = (...args: string[]) => JSON.parse(called(...args).stdout) as unknown;

describe('one description of the options', () => {
  test('gives their values, and defaults for those that are not given', () => {
    expect(given()).toEqual({ quick: false, runs: 4 });
    expect(given('--quick', '--runs', '20', '--minutes', '0.5', 'out')).toEqual({
      quick: true,
      runs: 20,
      minutes: 0.5,
      rest: 'out',
    });
    expect(given('--loss', 'dice, iou', '--loss=dice')).toEqual({ quick: false, runs: 4, loss: ['dice', 'iou'] });
  });

  test('gives the text of --help', () => {
    const { status, stdout } = called('--help');
    expect(status).toBe(0);
    expect(stdout).toBe(`Usage: node program.js

Does something.

  FOLDER
      where to
  --quick
      does less
  --runs N
      how often (default: 4)
  --minutes N
      how long
  --loss LIST
      which losses
  --help
      this text
`);
  });

  test.each([
    [['--runs', '21'], '--runs 21: must be a whole number from 1 to 20'],
    [['--runs', '0'], '--runs 0: must be a whole number from 1 to 20'],
    [['--runs', '1.5'], '--runs 1.5: must be a whole number from 1 to 20'],
    [['--minutes', 'x'], '--minutes x: must be a number above 0'],
    [['--minutes', '0'], '--minutes 0: must be a number above 0'],
    [['--loss', 'iou,bce'], '--loss bce: must be one of iou, dice'],
    [['--loss'], '--loss needs a value'],
    [['--runs', '--quick'], '--runs needs a value'],
    [['--quick=yes'], "Option '--quick' does not take an argument"],
    [['--fast'], "Unknown option '--fast'"],
    [['-x'], "Unknown option '-x'"],
    [['a', 'b'], "unexpected argument 'b'"],
  ])('refuses %j in one line', (args, complaint) => {
    const { status, stdout, stderr } = called(...args);
    expect({ status, stdout, lines: stderr.trimEnd().split('\n').length }).toEqual({ status: 2, stdout: '', lines: 1 });
    expect(stderr.startsWith(complaint)).toBe(true);
  });
});

test.each(['scripts/fuzz', 'scripts/pack', 'scripts/pictures', 'scripts/publish', 'scripts/wasm', 'bench/main'])(
  '%s has --help, and does nothing with an unknown option',
  (script) => {
    const help = node(`${script}.js`, '--help');
    expect({ status: help.status, stderr: help.stderr }).toEqual({ status: 0, stderr: '' });
    expect(help.stdout).toMatch(/^Usage: npm run /);
    const wrong = node(`${script}.js`, '--chekc');
    expect({ status: wrong.status, stdout: wrong.stdout }).toEqual({ status: 2, stdout: '' });
    expect(wrong.stderr).toMatch(/^(bench: )?Unknown option '--chekc'; the options are .*--help\n$/);
  },
);

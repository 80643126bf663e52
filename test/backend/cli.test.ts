import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { emptyPath, makeFakeProject, type FakeProject } from './fakes.js';

// The tests start processes, possibly on busy machines.
jest.setTimeout(60_000);

let project: FakeProject;
beforeAll(() => {
  project = makeFakeProject();
});
afterAll(() => project.remove());

describe('softseg', () => {
  test('prints its help', () => {
    for (const args of [['--help'], ['-h'], ['install-native', '--help'], ['doctor', '--help']]) {
      const { code, out, err } = project.cli(args);
      expect({ args, code, err }).toEqual({ args, code: 0, err: '' });
      expect(out).toContain('npx softseg install-native [--cuda]');
      expect(out).toContain('SOFTSEG_BACKEND');
    }
  });

  test.each([
    [[], 'Usage'],
    [['instal'], "softseg: unknown command 'instal'; see `npx softseg --help`"],
    [['--cuda'], "softseg: unknown option '--cuda'; see"],
    [['doctor', '--fast'], "softseg: Unknown option '--fast'; see"],
    [['install-native', 'now'], "softseg: Unexpected argument 'now'"],
    [['install-native', '--cuda=yes'], "softseg: Option '--cuda' does not take an argument"],
    [['install-native', '--cuda-libraries'], 'softseg: --cuda-libraries goes with --cuda'],
  ])('called with %j reports the mistake and exits with code 2', (args, message) => {
    const { code, out, err } = project.cli(args);
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err).toContain(message);
    expect(err).not.toContain('    at ');
  });
});

describe('the command', () => {
  test('prints its version', () => {
    const { version } = JSON.parse(readFileSync(join(project.folder, 'node_modules/softseg/package.json'), 'utf8')) as {
      version: string;
    };
    expect(project.cli(['--version'])).toEqual({ code: 0, out: `${version}\n`, err: '' });
    expect(project.cli(['--version', 'x'])).toMatchObject({ code: 2, out: '' });
  });

  const wild = '\x1b[31m\x1b]0;title\x07\n\r\x7f\u009b2J\u202eend';
  const spelled = String.raw`\u001b[31m\u001b]0;title\u0007\u000a\u000d\u007f\u009b2J\u202eend`;

  test.each([
    ['a command', [wild], {}],
    ['an option', [`--${wild}`], {}],
    ['an option of a command', ['doctor', `--${wild}`], {}],
    ['an argument', ['install-native', wild], {}],
    ['a Python', ['install-native'], { SOFTSEG_PYTHON: `/no/${wild}` }],
    ['a compiler', ['install-native'], { CXX: `/no/${wild.replaceAll(/[\n\r]/g, '')}` }],
    ['the cache', ['install-native'], { SOFTSEG_CACHE: `{file}${wild}/cache` }],
  ])('spells out control characters in %s', (_, args, env) => {
    const file = join(project.folder, 'file');
    writeFileSync(`${file}${wild}`, '');
    const set = Object.entries(env).map(([name, value]) => [name, value.replace('{file}', file)]);
    const { code, out, err } = project.cli(args, Object.fromEntries(set) as NodeJS.ProcessEnv);
    expect(code).toBeGreaterThan(0);
    // eslint-disable-next-line no-control-regex -- the test looks for them
    expect(out + err).not.toMatch(/[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]/);
    expect(err.replaceAll('\\u000a', '').replaceAll('\\u000d', '')).toContain(
      spelled.replaceAll('\\u000a', '').replaceAll('\\u000d', ''),
    );
  });

  const full = existsSync('/dev/full');

  test.each(['--help', '--version', 'doctor', 'doctor --json'])('with %s ends quietly when nobody reads it', (args) => {
    const { err } = project.shell(`{ softseg ${args}; echo $? > code; } | true`);
    expect(err).toBe('');
    expect(readFileSync(join(project.folder, 'code'), 'utf8').trim()).toBe(args.startsWith('doctor') ? '1' : '0');
  });

  test.each(['--help', '--version', 'doctor', 'doctor --json'])('with %s reports that its output was lost', (args) => {
    if (!full) return expect(process.platform).not.toBe('linux');
    const { code, err } = project.shell(`softseg ${args} > /dev/full`);
    expect(code).toBe(1);
    expect(err).toMatch(/^softseg: standard output could not be written: ENOSPC.*\n$/);
  });

  test('ends quietly after an error that nobody reads', () => {
    expect(project.shell('{ softseg nothing; echo $? > code; } 2>&1 | true').err).toBe('');
    expect(readFileSync(join(project.folder, 'code'), 'utf8').trim()).toBe('2');
    if (full) expect(project.shell('softseg nothing 2> /dev/full').code).toBe(2);
  });
});

describe('softseg install-native', () => {
  const lines = (text: string) => text.trimEnd().split('\n');

  test('without Python says so, tries the installer of tfjs-node, and names the next best backend', () => {
    const { code, err } = project.cli(['install-native'], { PATH: emptyPath(project), PYTHONPATH: '' });
    expect(code).toBe(1);
    expect(lines(err)).toEqual([
      expect.stringMatching(/^softseg: no Python was found; .*install Python 3 with pip, or set SOFTSEG_PYTHON/),
      "softseg: trying @tensorflow/tfjs-node's own installer",
      "running @tensorflow/tfjs-node's own installer",
      'softseg: @tensorflow/tfjs-node\'s own installer said "Error: the host is not there"',
      expect.stringMatching(/^softseg: until this is fixed, load\(\) of softseg\/node uses cpu .*npm install/),
    ]);
  });

  test('without pip says how to install it', () => {
    const { code, err } = project.cli(['install-native'], { PYTHONPATH: '', SOFTSEG_PYTHON: pythonWithoutPip() });
    expect(code).toBe(1);
    expect(err).toMatch(/softseg: \S+ has no pip of version 21 or later.*ensurepip/);
  });

  test('without a compiler says how to install one, before it downloads anything', () => {
    const env = { PATH: emptyPath(project, ['python3']), CXX: '' };
    const { code, err } = project.cli(['install-native'], env);
    expect(code).toBe(1);
    expect(err).toMatch(/softseg: no C\+\+ compiler was found.*apt install g\+\+/);
    expect(project.calls('pip')).toEqual([]);
  });

  test('writes no control characters unless to a terminal', () => {
    const { err } = project.cli(['install-native'], { FAKE_PIP: 'network' });
    // eslint-disable-next-line no-control-regex -- the test looks for them
    expect(err).not.toMatch(/[\x00-\x09\x0b-\x1f]/);
  });

  test('names the missing package', () => {
    const { code, err } = project.cli(['install-native', '--cuda']);
    expect(code).toBe(1);
    expect(err).toContain(
      '@tensorflow/tfjs-node-gpu is not installed; run `npm install --ignore-scripts @tensorflow/tfjs-node-gpu`',
    );
  });

  function pythonWithoutPip(): string {
    const path = `${project.folder}/fake/python-without-pip`;
    writeFileSync(path, `#!/bin/sh\necho "ModuleNotFoundError: No module named 'pip'" >&2\nexit 1\n`);
    chmodSync(path, 0o755);
    return path;
  }
});

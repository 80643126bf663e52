import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

// The tests run the built examples in processes of their own. Machines may be busy.
jest.setTimeout(180_000);

let root: string;
beforeAll(() => void (root = mkdtempSync(join(tmpdir(), 'softseg-examples-'))));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const start = (...args: string[]) => {
  // A single thread always adds up in the same order.
  const env = { ...process.env, OMP_NUM_THREADS: '1', TF_NUM_INTRAOP_THREADS: '1' };
  return spawn(process.execPath, [join(process.cwd(), 'examples/dist/run.js'), ...args], { env });
};

const outcome = async (child: ReturnType<typeof start>) => {
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (text: Buffer) => (stdout += text.toString()));
  child.stderr.on('data', (text: Buffer) => (stderr += text.toString()));
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve));
  return { code, stdout, stderr };
};

/** The example's output; a failure shows its error output. */
const run = async (...args: string[]) => {
  const { code, stdout, stderr } = await outcome(start(...args));
  expect({ code, stderr: code === 0 ? '' : stderr }).toEqual({ code: 0, stderr: '' });
  return { stdout, stderr };
};

/** The numbers in the rows of tables: cells with exactly three decimals. */
const scoresIn = (stdout: string) =>
  stdout
    .split('\n')
    .filter((line) => line.startsWith('| '))
    .flatMap((line) => [...line.matchAll(/(?<=\| +)\d+\.\d{3}(?= \|)/g)].map(([value]) => Number(value)));

const sizeOf = (path: string) => {
  const png = readFileSync(path);
  expect(png.subarray(1, 4).toString()).toBe('PNG');
  return [png.readUInt32BE(16), png.readUInt32BE(20)];
};

/** Columns and rows of tiles, height of a tile, scores in the tables, losses printed. All tiles are 160 wide. */
const EXAMPLES = {
  binary: { columns: 4, rows: 2, tile: 192, legend: false, scores: 4, losses: 1 },
  multiclass: { columns: 4, rows: 2, tile: 192, legend: true, scores: 3, losses: 1 },
  multilabel: { columns: 7, rows: 2, tile: 192, legend: false, scores: 4, losses: 1 },
  volume: { columns: 3, rows: 2, tile: 160, legend: true, scores: 4, losses: 1 },
  annotators: { columns: 8, rows: 1, tile: 192, legend: false, scores: 5 * 2 + 5 * 3, losses: 5 },
};
type Name = keyof typeof EXAMPLES;

const check = (name: Name, stdout: string, out: string) => {
  const { columns, rows, tile, legend, scores, losses } = EXAMPLES[name];
  const told = [...stdout.matchAll(/loss (\d+\.\d+) -> (\d+\.\d+)/g)].map(([, from, to]) => [Number(from), Number(to)]);
  expect(told).toHaveLength(losses);
  for (const [from, to] of told) expect(to).toBeLessThan(from!);
  const values = scoresIn(stdout);
  expect(values).toHaveLength(scores);
  for (const value of values) {
    expect(value).toBeGreaterThanOrEqual(0);
    expect(value).toBeLessThanOrEqual(1);
  }
  expect(Math.max(...values)).toBeGreaterThan(0.1);
  const height = 26 + rows * (tile + 6) + (legend ? 26 : 0);
  expect(sizeOf(join(out, `${name}.png`))).toEqual([6 + columns * (160 + 6), height]);
};

describe('the examples', () => {
  test.each(Object.keys(EXAMPLES) as Name[])('%s trains, scores, and draws its predictions', async (name) => {
    const out = join(root, name);
    const { stdout } = await run(name, '--quick', '--backend', 'native', '--out', out);
    expect(stdout).toContain(`${name}: backend tensorflow`);
    check(name, stdout, out);
  });

  test.each(['multilabel', 'volume'] as Name[])('%s also runs on wasm', async (name) => {
    const out = join(root, `${name}-wasm`);
    const { stdout } = await run(name, '--quick', '--backend', 'wasm', '--out', out);
    expect(stdout).toContain(`${name}: backend wasm`);
    check(name, stdout, out);
  });

  test('multiclass continues after an interruption, and ends as if there had been none', async () => {
    const args = (folder: string) => ['multiclass', '--quick', '--backend', 'native', '--out', join(root, folder)];
    const whole = await run(...args('whole'));

    const child = start(...args('halves'));
    child.stderr.on('data', (text: Buffer) => {
      // The first epoch is saved and the second one is running.
      if (text.includes('epoch 1 of')) child.kill('SIGKILL');
    });
    expect(await outcome(child)).toMatchObject({ code: null });
    const { stdout } = await run(...args('halves'));
    expect(stdout).toMatch(/continues after epoch [12] of/);
    expect(scoresIn(stdout)).toEqual(scoresIn(whole.stdout));
    expect(readdirSync(join(root, 'halves')).sort()).toEqual(['multiclass-quick', 'multiclass.png']);
  });
});

describe('a wrong call', () => {
  test.each([
    [[], 'npm run example -- NAME, with NAME one of binary, multiclass, multilabel, volume, annotators'],
    [['unary'], 'got unary'],
    [['binary', '--quik'], "Unknown option '--quik'"],
    [['binary', '--backend', 'cuda'], '--backend cuda: must be one of auto, native, wasm'],
  ])('with %j ends with exit code 2 and one line', async (args, message) => {
    const { code, stdout, stderr } = await outcome(start(...args));
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain(message);
    expect(stderr.trimEnd().split('\n')).toHaveLength(1);
  });

  test('--help prints the options and ends with exit code 0', async () => {
    const { code, stdout, stderr } = await outcome(start('binary', '--help'));
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/^Usage: npm run example -- binary [^]*--quick\n[^]*--backend NAME\n[^]*--out DIR\n/);
  });

  test('with an output folder that cannot be made ends with exit code 1 and one line', async () => {
    const { code, stdout, stderr } = await outcome(start('binary', '--out', '/dev/null/out'));
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(/^--out \/dev\/null\/out: cannot be made \(.*\)\n$/);
  });
});

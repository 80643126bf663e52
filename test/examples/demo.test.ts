import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { spawn, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { png } from './pngs.js';

// The tests run the built demo in processes of its own, on images that they draw. Machines may be busy.
jest.setTimeout(180_000);

const MAIN = join(process.cwd(), 'examples/dist/brain/main.js');
const LOSSES = [
  'cross-entropy',
  'product-dice',
  'cross-entropy+product-dice',
  'metric-iou',
  'cross-entropy+metric-iou',
];

interface Results {
  data: { height: number; classes: string[]; train: number; test: number };
  plan: { epochs: number };
  backend: { backend: string };
  untrained: { loss: string; atLabel: number; atArgmax: number }[];
  losses: {
    loss: string;
    trainedBy: string;
    scores: Record<string, number>;
    curve: number[];
    tensors: { afterFirstEpoch: number; afterLastEpoch: number };
  }[];
}

let root: string;
let out: string;
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'softseg-demo-'));
  out = join(root, 'out');
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

const start = (args: string[]) => spawn(process.execPath, [MAIN, '--out', out, ...args]);

const demo = async (...args: string[]) => {
  const child = start(args);
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (text: Buffer) => (stdout += text.toString()));
  child.stderr.on('data', (text: Buffer) => (stderr += text.toString()));
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve));
  return { code, stdout, stderr };
};

const results = () => JSON.parse(readFileSync(join(out, 'results.json'), 'utf8')) as Results;

/** A grey PNG of a bright square on a dark ground; `mark` is the value of the square. */
const square = (path: string, height: number, width: number, at: number, mark: number) => {
  const rows = Buffer.alloc(height * (width + 1)); // each row begins with its filter type, 0
  for (let y = at; y < at + 6; y++) rows.fill(mark, y * (width + 1) + 1 + at, y * (width + 1) + 7 + at);
  writeFileSync(path, png({ width, height, rows }));
};

/** A folder of five images with a folder of labels in which a square has the value `mark`. */
const makeFolder = (name: string, labels: string, mark: number, [height, width] = [16, 16]) => {
  const dir = join(root, name);
  for (const part of ['images', labels]) mkdirSync(join(dir, part), { recursive: true });
  for (let i = 0; i < 5; i++) {
    square(join(dir, 'images', `${i}.png`), height, width, i, 200);
    square(join(dir, labels, `${i}.png`), height, width, i, mark);
  }
  return dir;
};

describe('the demo', () => {
  test('trains with every loss on the brain slices and writes its measurements', async () => {
    const { code, stdout } = await demo('--epochs', '2');
    expect(code).toBe(0);
    const { data, untrained, losses } = results();
    expect(data).toMatchObject({ train: 32, test: 18, classes: ['background', 'grey matter', 'white matter'] });
    expect(losses.map(({ loss }) => loss)).toEqual(LOSSES);
    expect(new Set(losses.map(({ trainedBy }) => trainedBy))).toEqual(new Set(['fit', 'loop']));
    for (const { curve, scores, tensors } of losses) {
      expect(curve).toHaveLength(2);
      expect(curve[1]).toBeLessThan(curve[0]!);
      for (const score of Object.values(scores)) {
        expect(score).toBeGreaterThan(0);
        expect(score).toBeLessThan(1);
      }
      expect(tensors.afterLastEpoch).toBe(tensors.afterFirstEpoch);
    }
    // Product Dice prefers the rounded label, the metric form prefers the label itself.
    const at = (loss: string) => untrained.find((row) => row.loss === loss)!;
    expect(at('product-dice').atArgmax).toBeLessThan(at('product-dice').atLabel);
    expect(at('metric-iou').atLabel).toBeCloseTo(0, 6);
    expect(at('metric-iou').atArgmax).toBeGreaterThan(0.1);
    expect(stdout).toContain('one averaged, symmetric brain');
    const picture = readFileSync(join(out, 'picture.png'));
    expect(picture.subarray(1, 4).toString()).toBe('PNG');
    expect(picture.readUInt32BE(16)).toBeGreaterThan(7 * 160); // the width: five losses, the image and its label
    expect(readdirSync(out).sort()).toEqual(['picture.png', 'results.json']);
  });

  test('trains on the wasm backend, and says which settings are smaller', async () => {
    const dir = makeFolder('wasm', 'masks', 255);
    const { code, stdout } = await demo('--data', dir, '--backend', 'wasm');
    expect(code).toBe(0);
    expect(stdout).toMatch(/on wasm this run is smaller: 15 epochs instead of 40/);
    expect(results()).toMatchObject({ backend: { backend: 'wasm' }, plan: { epochs: 15 } });
  });

  test.each([
    ['masks', 255, ['object'], []],
    ['labels', 2, ['class 0', 'class 1', 'class 2'], []],
    ['votes', 3, ['object'], ['--annotators', '5']],
  ])('trains on %s of the user', async (labels, mark, classes, args) => {
    const dir = makeFolder(`own-${labels}`, labels, mark);
    const { code, stderr } = await demo('--data', dir, '--epochs', '1', '--loss', 'product-dice', ...args);
    expect({ code, stderr }).toMatchObject({ code: 0, stderr: expect.stringContaining('product Dice') });
    expect(results().data).toMatchObject({ classes, train: 4, test: 1 });
  });

  test('pads sides that are not multiples of 8', async () => {
    const dir = makeFolder('padded', 'masks', 255, [13, 18]);
    const { code, stdout } = await demo('--data', dir, '--epochs', '1');
    expect({ code, stdout }).toMatchObject({ code: 0, stdout: expect.stringContaining('18x13 (width x height)\n') });
    expect(results().data.height).toBe(13);
  });

  test('leaves no half-written file when it is interrupted', async () => {
    rmSync(out, { recursive: true, force: true });
    const child = start(['--epochs', '50', '--loss', 'metric-iou']);
    await new Promise<void>((resolve) => {
      child.stderr.on('data', (text: Buffer) => text.includes('left') && resolve());
    });
    child.kill('SIGINT');
    expect(await new Promise((resolve) => child.on('close', resolve))).toBe(130);
    expect(readdirSync(out)).toEqual([]);
  });
});

describe('the command line', () => {
  test.each([
    [['--los', 'x'], "Unknown option '--los'; the options are --data, --labels,"],
    [['extra'], "Unexpected argument 'extra'"],
    [['--loss', 'dice'], `--loss dice: must be one of ${LOSSES.join(', ')}, all`],
    [['--backend', 'cuda'], '--backend cuda: must be one of auto, native, wasm'],
    [['--epochs', '0'], '--epochs 0: must be a whole number from 1'],
    [['--epochs'], '--epochs needs a value'],
    [['--annotators', '3'], '--annotators needs --data'],
  ])('%j ends with exit code 2', async (args, message) => {
    const { code, stdout, stderr } = await demo(...args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain(message);
    expect(stderr.trimEnd().split('\n')).toHaveLength(1);
  });

  test('reports an error in one line without control characters, whatever a name contains', async () => {
    const dir = makeFolder('odd', 'masks', 255);
    const name = 'a\nb\x1b[31m\u202e\r';
    writeFileSync(join(dir, 'images', `${name}.png`), 'no image');
    const { code, stderr } = await demo('--data', dir);
    const spelled = 'a\\u000ab\\u001b[31m\\u202e\\u000d';
    const line = `${join(dir, 'images')}/${spelled}.png: has no file ${spelled}.png in ${join(dir, 'masks')}\n`;
    expect({ code, stderr }).toEqual({ code: 1, stderr: line });
  });

  test('has its control characters spelled out in errors, and ends quietly when nobody reads them', async () => {
    const { code, stderr } = await demo('--\x1b[31m\x07');
    expect({ code, raw: /[\x00-\x09\x0b-\x1f]/.test(stderr) }).toEqual({ code: 2, raw: false }); // eslint-disable-line no-control-regex
    expect(stderr).toContain('--\\u001b[31m\\u0007');
    const sh = (line: string) => spawnSync('sh', ['-c', line, process.execPath, MAIN], { encoding: 'utf8' });
    expect(sh('"$0" "$1" --help | true').stderr).toBe('');
    if (process.platform !== 'linux') return;
    const { status, stderr: told } = sh('"$0" "$1" --help > /dev/full');
    expect({ status, told }).toEqual({ status: 1, told: expect.stringMatching(/^standard output .* ENOSPC.*\n$/) });
  });

  test('lists the options for --help', async () => {
    const { code, stdout } = await demo('--help');
    expect(code).toBe(0);
    for (const flag of ['--data', '--labels', '--annotators', '--loss', '--epochs', '--backend', '--out']) {
      expect(stdout).toContain(flag);
    }
  });
});

describe('data that cannot be used', () => {
  const cases: [string, string, (dir: string) => void][] = [
    [
      'images/2.png: cannot be read as an image',
      'masks',
      (dir) => writeFileSync(join(dir, 'images/2.png'), 'no image'),
    ],
    [
      'masks/3.png: cannot be read as an image',
      'masks',
      (dir) => writeFileSync(join(dir, 'masks/3.png'), readFileSync(join(dir, 'masks/3.png')).subarray(0, 60)),
    ],
    ['images/1.png: has no file 1.png in', 'masks', (dir) => rmSync(join(dir, 'masks/1.png'))],
    [
      'masks/2.png: is 17x16, but its image 2.png is 16x16 (width x height)',
      'masks',
      (dir) => square(join(dir, 'masks/2.png'), 16, 17, 0, 255),
    ],
    [
      'several label folders; choose one with --labels labels or --labels masks',
      'masks',
      (dir) => cpSync(join(dir, 'masks'), join(dir, 'labels'), { recursive: true }),
    ],
    ['votes/0.png: how many annotators? Give --annotators N', 'votes', () => {}],
    [
      'votes/4.png: has 255 votes of 3 annotators',
      'votes',
      (dir) => {
        const rows = [255, 255, 255, 255, 3].map((annotators, i) => `${i}.png,${annotators}`);
        writeFileSync(join(dir, 'manifest.csv'), `file,annotators\n${rows.join('\n')}\n`);
      },
    ],
    ['labels/0.png: has class 255', 'labels', () => {}],
    [
      'images: has no images',
      'masks',
      (dir) => readdirSync(join(dir, 'images')).forEach((file) => rmSync(join(dir, 'images', file))),
    ],
  ];
  test.each(cases.map((row, index) => [...row, index] as const))('%s', async (message, labels, spoil, index) => {
    const dir = makeFolder(`spoilt-${index}`, labels, 255);
    spoil(dir);
    const { code, stdout, stderr } = await demo('--data', dir);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toContain(message);
    expect(stderr).toContain(dir);
    expect(stderr.trimEnd().split('\n')).toHaveLength(1);
  });
});

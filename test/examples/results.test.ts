import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { failingScript, failingWrites, type FailingWrites } from '../damage/failingWrites.js';
import { DIST, eachOf } from './eachOf.js';

let folder: string;
let failing: FailingWrites;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'softseg-results-'));
  failing = failingWrites();
});
afterAll(() => {
  failing.remove();
  rmSync(folder, { recursive: true, force: true });
});

test('results that cannot be written leave the earlier ones in place, and nothing half-written', () => {
  const script = `${failingScript}
    import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
    import { writeTogether } from ${JSON.stringify(join(DIST, 'shared/write.js'))};
    const folder = process.argv[1];
    const files = (content) => ({ 'picture.png': content.repeat(1000), 'results.json': content });
    const there = () => readdirSync(folder).sort().map((file) => [file, readFileSync(folder + '/' + file, 'utf8')]);
    const told = [];
    for (const how of ['once', 'from', 'short']) {
      for (let at = 1; ; at++) {
        arm(0);
        writeTogether(folder, files('old'));
        arm(at, how);
        let error = null;
        try { writeTogether(folder, files('new')); }
        catch (thrown) { error = [thrown.constructor.name, thrown.message]; }
        arm(0);
        told.push({ how, at, error, there: there() });
        if (error === null) break;
      }
    }
    console.log(JSON.stringify(told));`;
  const env = { ...process.env, ...failing.env(folder) };
  const out = execFileSync(process.execPath, ['--input-type=module', '-e', script, folder], {
    env,
    encoding: 'utf8',
  });
  const told = JSON.parse(out) as { how: string; error: string[] | null; there: [string, string][] }[];
  expect(told.filter(({ error }) => error === null)).toHaveLength(3);
  expect(told.length).toBeGreaterThan(20);
  const renames = { 'picture.png': 'new'.repeat(1000), 'results.json': 'old' };
  const kept = { 'picture.png': 'old'.repeat(1000), 'results.json': 'old' };
  for (const { error, there } of told) {
    const files = Object.fromEntries(there);
    if (error === null) expect(files).toEqual({ 'picture.png': 'new'.repeat(1000), 'results.json': 'new' });
    else {
      // The second file is complete, but its rename may still fail.
      expect([kept, renames]).toContainEqual(files);
      expect(error[0]).toBe('DataError');
      expect(error[1]).toMatch(/\/(picture\.png|results\.json): cannot be written \(E/);
    }
  }
  expect(told.filter(({ there }) => there[0]![1].startsWith('new'))).toHaveLength(6);
  expect(readdirSync(folder)).toEqual(['picture.png', 'results.json']);
});

test('results are written even if the picture cannot be drawn', () => {
  const use = `async ({ writeResults }, folder) => {
    const { readdirSync, readFileSync } = await import('node:fs');
    await writeResults(folder, 'old', async () => Buffer.from('old'));
    const error = await
      writeResults(folder, 'new', () => Promise.reject(new RangeError('off'))).catch((thrown) => thrown);
    return [error.constructor.name, error.message, ...readdirSync(folder),
      readFileSync(folder + '/results.json', 'utf8')];
  }`;
  const message = `${folder}: the picture cannot be drawn (off); the results are in ${folder}/results.json`;
  const { told } = eachOf('brain/results.js', use, [folder]);
  expect(told).toEqual([{ ok: ['DataError', message, 'results.json', 'new'] }]);
});

test('a picture shows images of any shape and all classes, with room for its legend', () => {
  const use = `async ({ drawPicture }, shape) => {
    const [height, width, classes, shown] = shape.split(',').map(Number);
    const count = height * width;
    const names = Array.from({ length: classes }, (_, i) => 'class ' + i);
    const values = new Float32Array(count * classes * shown).fill(0.5);
    const test = Array.from({ length: shown }, () => ({ image: new Float32Array(count) }));
    const dataset = { height, width, channels: 1, classes: names, test, imageTitle: 'image' };
    dataset.shown = test.map((_, index) => ({ index, title: index + '.png' }));
    const outcomes = [{ loss: 'metric-iou', predictions: values }];
    const { decode } = await import('fast-png');
    const picture = decode(await drawPicture({ dataset, labels: values, outcomes, padded: { height, width } }));
    // Black pixels at the left edge of the soft label are swatches of the legend and the scale of the error.
    const pixel = (y, x) => [...picture.data.subarray(3 * (y * picture.width + x), 3 * (y * picture.width + x) + 3)];
    let black = 0;
    const left = 6 + (picture.width - 6) / 3;
    for (let y = 0; y < picture.height; y++) black += Math.max(...pixel(y, left)) === 0;
    return { width: picture.width, height: picture.height, black };
  }`;
  const shapes = [
    [1, 900, 1, 1],
    [1, 1, 1, 1],
    [2, 1500, 32, 3],
    [900, 1, 4, 2],
    [30, 30, 32, 3],
    [96, 80, 3, 3],
  ];
  const { told } = eachOf('brain/picture.js', use, shapes.map(String));
  shapes.forEach(([height, width, classes], i) => {
    const scale = Math.max(1, Math.min(Math.ceil(150 / width!), Math.floor(1000 / height!)));
    expect({ shape: shapes[i], ...told[i] }).toEqual({
      shape: shapes[i],
      ok: { width: 6 + 3 * (Math.max(150, width! * scale) + 6), height: expect.any(Number), black: expect.any(Number) },
    });
    const { height: drawn, black } = told[i]!.ok as { height: number; black: number };
    const named = Math.max(1, classes! - 1);
    expect(drawn).toBeGreaterThanOrEqual(height! * scale + named * 20 + 40);
    expect(black).toBeGreaterThanOrEqual(12 + 14 * named); // the start of the scale and the edges of the swatches
  });
});

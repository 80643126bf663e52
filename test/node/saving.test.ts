/** Whatever the disk and other programs do while models are saved, the last complete model exists and can be loaded. */
import { afterAll, beforeAll, beforeEach, expect, jest, test } from '@jest/globals';
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-node';
import { compileSaved } from '../../src/training/index.js';
import { latestCheckpoint } from '../../src/node/checkpoints.js';
import { modelFiles } from '../../src/node/modelFiles.js';
import { wholeCorpus } from '../damage/damaged.js';
import { failingWrites } from '../damage/failingWrites.js';
import { randomNumbers } from '../support/random.js';

jest.setTimeout(600_000);

let [root, folder] = ['', ''];
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'softseg-saving-'));
});
beforeEach(() => {
  folder = mkdtempSync(join(root, 'case-'));
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

interface Run {
  lines: string[];
  killed: boolean;
}

/** Runs savingRun.mjs; `onLine` may kill it. */
function run(
  args: string[],
  { env = {}, onLine }: { env?: NodeJS.ProcessEnv; onLine?: (kill: () => void) => void } = {},
): Promise<Run> {
  const script = join(__dirname, 'savingRun.mjs');
  const child = spawn(process.execPath, [script, ...args], { env: { ...process.env, ...env } });
  let [text, errors] = ['', ''];
  child.stdout.on('data', (part: Buffer) => {
    text += part.toString();
    onLine?.(() => child.kill('SIGKILL'));
  });
  child.stderr.on('data', (part: Buffer) => (errors += part.toString()));
  return new Promise((resolve, reject) =>
    child.on('close', (code, signal) => {
      const killed = signal === 'SIGKILL';
      // A line without its end is still being written.
      const lines = text.split('\n').slice(0, -1);
      if (code !== 0 && !killed) reject(new Error(errors));
      else resolve({ lines, killed });
    }),
  );
}

interface Attempt {
  kind: 'first' | 'next' | 'over';
  at: number;
  how: string;
  error: number;
  message: string;
  value: number;
  good: number;
  there?: number;
  files: string[];
}

test('a failed write (alone, with all that follow, or half done) is an error and keeps the earlier model', async () => {
  const failing = failingWrites();
  const { lines } = await run(['fail', folder], { env: failing.env(folder) }).finally(() => failing.remove());
  const attempts = JSON.parse(lines.at(-1)!) as Attempt[];
  // Each way of failing ends when no operation is left to fail: folders, two files, their renames, and model.json in
  // its place, each synced to the disk.
  const done = attempts.filter(({ message }) => message === 'done');
  expect(done).toHaveLength(3 * 3 * 3);
  for (const { at } of done) expect(at).toBeGreaterThanOrEqual(10);
  for (const { kind, at, how, error, message, value, good, there, files } of attempts) {
    const what = `${kind} ${how} ${error} at ${at}: ${message}`;
    const fn = kind === 'over' ? 'modelFiles' : 'saveCheckpoint';
    const code = { 28: 'ENOSPC', 30: 'EROFS', 5: 'EIO' }[error]!;
    if (message !== 'done') {
      expect([what, message.startsWith(`Error: ${fn}: cannot`)]).toEqual([what, true]);
      expect([what, message.includes(folder), message.includes(code)]).toEqual([what, true, true]);
    }
    // After the last step the new model is in place, though perhaps not on the disk yet.
    const unsure = message.includes('perhaps not on the disk yet');
    const before = kind === 'first' ? undefined : good;
    expect([what, there]).toEqual([what, message === 'done' || unsure ? value : before]);
    const left = files.filter((file) => !/(\/model\.json|\/weights-[0-9a-f]{16}\.bin)$/.test(file));
    expect([what, left]).toEqual([what, []]);
  }
});

test('a reader next to two writers never meets half a model, nor a missing one', async () => {
  const seconds = wholeCorpus ? 30 : 4;
  let reading: Promise<Run> | undefined;
  const writer = () =>
    run(['write', folder, String(seconds)], {
      onLine: () => {
        reading ??= run(['read', folder, String(seconds)]);
      },
    });
  const writers = await Promise.all([writer(), writer()]);
  const { lines } = await reading!;
  const saved = writers.map((one) => one.lines.length);
  expect(Math.min(...saved)).toBeGreaterThan(seconds);
  expect(lines.length).toBeGreaterThan(seconds);
  if (wholeCorpus) console.log(`saved ${saved.join(' and ')} times, read ${lines.length} times`);
});

test('after a kill at any moment, the last checkpoint and the last model can be loaded', async () => {
  const kills = wholeCorpus ? 30 : 4;
  const random = randomNumbers(7);
  let newest = 0;
  for (let i = 0; i < kills; i++) {
    let timer: NodeJS.Timeout | undefined;
    const { lines, killed } = await run(['write', folder], {
      onLine: (kill) => (timer ??= setTimeout(kill, 60 * random())),
    });
    expect(killed).toBe(true);
    const saved = Number(lines.at(-1)!.split(' ')[2]);
    expect(saved).toBeGreaterThan(newest);
    const last = (await latestCheckpoint(join(folder, 'run')))!;
    expect(last.passedOver).toEqual([]);
    expect([saved, saved + 1]).toContain(last.step);
    const { model } = await last.load();
    expect(new Set(model.getWeights().flatMap((weight) => [...weight.dataSync()]))).toEqual(new Set([last.step]));
    const other = await tf.loadLayersModel(modelFiles(join(folder, 'model')));
    const { value } = compileSaved(other).state as { value: number };
    expect([saved, saved + 1]).toContain(value);
    expect(new Set(other.getWeights().flatMap((weight) => [...weight.dataSync()]))).toEqual(new Set([value]));
    newest = saved;
  }
});

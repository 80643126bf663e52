import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { Writable } from 'node:stream';
import * as tf from '@tensorflow/tfjs';
import { iouLoss } from '../../src/index.js';
import { trainingProgress } from '../../src/node/trainingProgress.js';

function stream(isTTY: boolean, columns = 100) {
  const written: string[] = [];
  return { written, isTTY, columns, write: (text: string) => written.push(text) };
}

/** The final content of a terminal: each line as it was drawn last. */
function shown(written: readonly string[]): string[] {
  const lines = written.join('').split('\n');
  return lines.map((line) => line.split('\r').at(-1)!.replace('\x1b[K', ''));
}

/** The lines drawn in place, in order. */
const drawn = (written: readonly string[]) =>
  written.filter((text) => text.startsWith('\r')).map((text) => text.slice(1).replace('\x1b[K', ''));

const TERM = process.env['TERM'];

beforeEach(() => {
  process.env['TERM'] = 'xterm';
  jest.useFakeTimers({ now: 0, doNotFake: ['nextTick', 'setImmediate', 'setTimeout', 'queueMicrotask'] });
});

afterEach(() => {
  jest.restoreAllMocks();
  jest.useRealTimers();
  if (TERM === undefined) delete process.env['TERM'];
  else process.env['TERM'] = TERM;
});

/** A loop of two epochs of four batches, each batch taking a second, plus a second of validation per epoch. */
function loop(out: ReturnType<typeof stream>, options: object, first = 0): void {
  const progress = trainingProgress({ ...options, stream: out });
  for (let epoch = first; epoch < 2; epoch++) {
    progress.onEpochBegin(epoch);
    for (let batch = 0; batch < 4; batch++) {
      jest.advanceTimersByTime(1000);
      progress.onBatchEnd(batch, { batch, size: 2, loss: 0.8 - 0.1 * batch, sharpness: 1 + batch });
    }
    jest.advanceTimersByTime(1000);
    progress.onEpochEnd(epoch, { loss: 0.65, val_iou: 0.5 + 0.25 * epoch, learningRate: 0.00125 });
  }
  progress.onTrainEnd();
}

describe('trainingProgress', () => {
  test('writes one line for each epoch, and nothing else, when not on a terminal', () => {
    const out = stream(false);
    loop(out, { epochs: 2, batches: 4 });
    expect(out.written).toEqual([
      'epoch 1 of 2: loss 0.650, val_iou 0.500, learningRate 0.00125, 5.0 s\n',
      'epoch 2 of 2: loss 0.650, val_iou 0.750, learningRate 0.00125, 5.0 s\n',
    ]);
  });

  test('spells out control characters in the names of scores, and survives a stream that breaks', async () => {
    const out = stream(false);
    const progress = trainingProgress({ epochs: 1, stream: out });
    progress.onEpochEnd(0, { loss: 0.5, 'a\x1b[31m\nb': 0.25 });
    expect(out.written).toEqual(['epoch 1 of 1: loss 0.500, a\\u001b[31m\\u000ab 0.250, 0.0 s\n']);
    const broken = new Writable({ write: (_chunk, _encoding, done) => done(new Error('EPIPE')) });
    const outlives = trainingProgress({ epochs: 2, stream: broken });
    for (const epoch of [0, 1]) {
      outlives.onEpochEnd(epoch, { loss: 0.5 });
      await new Promise((resolve) => setImmediate(resolve));
    }
    outlives.onTrainEnd();
    expect(broken.destroyed).toBe(true);
  });

  test('redraws one line on a terminal: progress, running loss, the logs, time left', () => {
    const out = stream(true);
    loop(out, { epochs: 2, batches: 4 });
    const bar = (filled: number) => '#'.repeat(filled) + '-'.repeat(24 - filled);
    expect(drawn(out.written).filter(Boolean)).toEqual([
      `epoch 1 of 2 [${bar(6)}] 25% loss 0.800, sharpness 1, 7.0 s left`,
      `epoch 1 of 2 [${bar(12)}] 50% loss 0.750, sharpness 2, 6.0 s left`,
      `epoch 1 of 2 [${bar(18)}] 75% loss 0.700, sharpness 3, 5.0 s left`,
      `epoch 1 of 2 [${bar(24)}]100% loss 0.650, sharpness 4, 4.0 s left`,
      `epoch 2 of 2 [${bar(6)}] 25% loss 0.800, sharpness 1, 3.6 s left`,
      `epoch 2 of 2 [${bar(12)}] 50% loss 0.750, sharpness 2, 2.3 s left`,
      `epoch 2 of 2 [${bar(18)}] 75% loss 0.700, sharpness 3, 1.1 s left`,
      `epoch 2 of 2 [${bar(24)}]100% loss 0.650, sharpness 4, 0.0 s left`,
    ]);
    expect(shown(out.written)).toEqual([
      'epoch 1 of 2: loss 0.650, val_iou 0.500, learningRate 0.00125, 5.0 s',
      'epoch 2 of 2: loss 0.650, val_iou 0.750, learningRate 0.00125, 5.0 s',
      '',
    ]);
  });

  test('estimates the time of a resumed training from the epochs that it runs', () => {
    const out = stream(true);
    loop(out, { epochs: 2, batches: 4 }, 1);
    expect(drawn(out.written)[1]).toContain('epoch 2 of 2');
    expect(drawn(out.written)[1]).toContain('2.0 s left');
  });

  test('takes an unknown number of batches from the epoch before, and needs that of epochs for the time left', () => {
    const out = stream(true);
    loop(out, {});
    const lines = drawn(out.written).filter(Boolean);
    expect(lines[0]).toBe('epoch 1 loss 0.800, sharpness 1');
    expect(lines[4]).toBe(`epoch 2 [${'#'.repeat(6)}${'-'.repeat(18)}] 25% loss 0.800, sharpness 1`);
  });

  test('gives the mean over samples of an epoch whose final logs have no loss', () => {
    const out = stream(false);
    const progress = trainingProgress({ stream: out });
    progress.onBatchEnd(0, { loss: 1, size: 3 });
    progress.onBatchEnd(1, { loss: 0.2, size: 1 });
    jest.advanceTimersByTime(75_000);
    progress.onEpochEnd(0, { val_iou: 0.005 });
    jest.advanceTimersByTime(4_000_000);
    progress.onEpochEnd(1);
    expect(out.written).toEqual(['epoch 1: loss 0.800, val_iou 0.00500, 1:15\n', 'epoch 2: 1:06:40\n']);
  });

  test('takes the numbers of epochs and batches from fit and fitDataset', async () => {
    // tfjs warns about its plain backend in Node.
    jest.spyOn(console, 'warn').mockImplementation(() => undefined);
    const model = tf.sequential({ layers: [tf.layers.dense({ inputShape: [3, 4], units: 2 })] });
    model.compile({ optimizer: 'sgd', loss: iouLoss });
    const [xs, ys] = [tf.randomNormal([7, 3, 4]), tf.softmax(tf.randomNormal([7, 3, 2]))];
    const run = async (fit: (callbacks: tf.ModelFitArgs['callbacks']) => Promise<tf.History>, plain: boolean) => {
      const out = stream(true, 200);
      const progress = trainingProgress({ stream: out });
      const { history } = await fit(plain ? [progress] : [new tf.CustomCallback(progress)]);
      const lines = shown(out.written).map((line) => line.replace(/, [^,]* s$/, ''));
      expect(lines).toEqual([
        ...(history['loss'] as number[]).map((loss, i) => `epoch ${i + 2} of 3: loss ${loss.toFixed(3)}`),
        '',
      ]);
      return drawn(out.written).filter(Boolean);
    };
    const args = { epochs: 3, initialEpoch: 1, batchSize: 2, verbose: 0 } as const;
    const first = await run((callbacks) => model.fit(xs, ys, { ...args, callbacks }), true);
    expect(first[0]).toMatch(/^epoch 2 of 3 \[#{6}-{18}\] {1,2}25% loss 0\.\d{3}, 0.0 s left$/);
    const dataset = tf.data.zip({ xs: tf.data.array(tf.unstack(xs)), ys: tf.data.array(tf.unstack(ys)) }).batch(2);
    const { epochs, initialEpoch, verbose } = args;
    const second = await run(
      (callbacks) => model.fitDataset(dataset as never, { epochs, initialEpoch, verbose, callbacks }),
      false,
    );
    expect(second[0]).toMatch(/^epoch 2 of 3 \[#{6}-{18}\] {1,2}25%/);
    model.dispose();
  });

  test.each<[string, object, string]>([
    [
      'an unknown option',
      { verbose: 1 },
      "trainingProgress: unknown option 'verbose'; it takes epochs, batches, stream",
    ],
    ['no epochs', { epochs: 0 }, 'trainingProgress: epochs must be an integer >= 1, got 0'],
    ['half a batch', { batches: 1.5 }, 'trainingProgress: batches must be an integer >= 1, got 1.5'],
    ['what cannot be written to', { stream: {} }, 'trainingProgress: stream must have a function write, got {}'],
  ])('refuses %s', (_, options, message) => expect(() => trainingProgress(options)).toThrow(message));
});

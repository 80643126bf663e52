import { describe, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import { diceLoss, iouLoss, powerSharpen } from '../../src/index.js';
import {
  anneal,
  cosineSchedule,
  exponentialSchedule,
  learningRateSchedule,
  linearSchedule,
  namedLoss,
  warmup,
} from '../../src/training/index.js';
import { expectClose, toTensor } from '../support/compare.js';
import { randomArray, randomDistribution } from '../support/random.js';
import { batchesOf, expectNumber, numberOf, oneOutput } from './tinyModels.js';

const xs = () => toTensor(randomArray([6, 4, 3], 1, -1, 1));
const ys = () => toTensor(randomDistribution([6, 4, 2], 2, 2));
const tripled = linearSchedule({ from: 1, to: 7, steps: 3 });

/** A loss that records the sharpness of each call. */
function noting() {
  const seen: number[] = [];
  const loss = namedLoss('noting', { sharpness: 0 }, (t, p, { sharpness }) => {
    seen.push(sharpness);
    return iouLoss(t, p, { sharpness: sharpness || 1 });
  });
  return { loss, seen };
}

async function fitted(loss: never, optimizer: tf.Optimizer, args: tf.ModelFitArgs): Promise<Record<string, unknown[]>> {
  const model = oneOutput([4], 2);
  model.compile({ optimizer, loss });
  const { history } = await model.fit(xs(), ys(), { batchSize: 3, verbose: 0, shuffle: false, ...args });
  model.dispose();
  return history;
}

describe('anneal', () => {
  test('by epoch sets the value before the first step of the epoch, and puts it into the history', async () => {
    const { loss, seen } = noting();
    const optimizer = tf.train.sgd(0.1);
    const callbacks = anneal(loss, { sharpness: tripled });
    const history = await fitted(loss as never, optimizer, { epochs: 4, callbacks });
    expect(seen).toEqual([1, 1, 3, 3, 5, 5, 7, 7]);
    expect(history['sharpness']).toEqual([1, 3, 5, 7]);
    optimizer.dispose();
  });

  test('by epoch continues at initialEpoch', async () => {
    const { loss, seen } = noting();
    const optimizer = tf.train.sgd(0.1);
    const callbacks = anneal(loss, { sharpness: tripled });
    const history = await fitted(loss as never, optimizer, { epochs: 4, initialEpoch: 2, callbacks });
    expect(seen).toEqual([5, 5, 7, 7]);
    expect(history['sharpness']).toEqual([5, 7]);
    optimizer.dispose();
  });

  test("by step follows the optimizer's count, which a resumed run restores", async () => {
    const { loss, seen } = noting();
    const optimizer = tf.train.adam(0.1);
    const by = () => ({ by: 'step', optimizer }) as const;
    const first = await fitted(loss as never, optimizer, {
      epochs: 1,
      callbacks: anneal(loss, { sharpness: tripled }, by()),
    });
    expect(seen).toEqual([1, 3]);
    expect(first['sharpness']).toEqual([3]);

    const resumed = tf.train.adam(0.1);
    await resumed.setWeights(await optimizer.getWeights());
    const again = noting();
    const callbacks = anneal(again.loss, { sharpness: tripled }, { by: 'step', optimizer: resumed });
    expect(again.loss.options.sharpness).toBe(5);
    await fitted(again.loss as never, resumed, { epochs: 2, initialEpoch: 1, callbacks });
    expect(again.seen).toEqual([5, 7]);
    optimizer.dispose();
    resumed.dispose();
  });

  test('works in fitDataset, and puts values into batch logs for the callbacks after it', async () => {
    const { loss, seen } = noting();
    const optimizer = tf.train.sgd(0.1);
    const model = oneOutput([4], 2);
    model.compile({ optimizer, loss: loss as never });
    const logged: (number | undefined)[] = [];
    const callbacks = [
      anneal(loss, { sharpness: tripled }, { by: 'step', optimizer, prefix: 'loss_' }),
      { onBatchEnd: async (_: number, logs?: tf.Logs) => void logged.push(logs!['loss_sharpness']) },
    ];
    const { history } = await model.fitDataset(batchesOf(xs(), ys(), 2) as never, { epochs: 2, verbose: 0, callbacks });
    expect(seen).toEqual([1, 3, 5, 7, 7, 7]);
    expect(logged).toEqual(seen);
    expect(history['loss_sharpness']).toEqual([5, 7]);
    model.dispose();
    optimizer.dispose();
  });

  test('has no hook at the end of batches, which would make tfjs-layers read back the loss', () => {
    expect(anneal(noting().loss, { sharpness: tripled })).not.toHaveProperty('onBatchEnd');
  });

  test('gives in each epoch the loss that a constant option would give', async () => {
    const loss = namedLoss('iouLoss', { aggregate: 'batch' });
    const optimizer = tf.train.sgd(0);
    const callbacks = anneal(loss, { sharpness: exponentialSchedule({ from: 1, to: 4, steps: 2 }) });
    const history = await fitted(loss as never, optimizer, { epochs: 3, batchSize: 6, callbacks });
    const model = oneOutput([4], 2);
    const logits = model.predict(xs()) as tf.Tensor;
    for (const [epoch, sharpness] of [1, 2, 4].entries()) {
      const expected = iouLoss(ys(), logits, { aggregate: 'batch', sharpness });
      expectNumber(history['loss']![epoch] as number, numberOf(expected));
    }
    model.dispose();
    optimizer.dispose();
  });

  test('sets and returns the values of all targets with at(step) in a loop', () => {
    const [a, b] = [namedLoss('iouLoss', {}), namedLoss('diceLoss', { sharpness: 9 })];
    const annealing = anneal([a, b], { sharpness: tripled });
    expect([a.options.sharpness, b.options.sharpness]).toEqual([1, 1]);
    expect(annealing.at(1.5)).toEqual({ sharpness: 4 });
    expect([a.options, b.options]).toEqual([{ sharpness: 4 }, { sharpness: 4 }]);
  });

  test("anneals the power of a user's activation", () => {
    const sharpening = {
      power: 0,
      set(values: { power: number }) {
        this.power = values.power;
      },
    };
    const activation = (z: tf.Tensor) => powerSharpen(tf.softmax(z), sharpening.power);
    const [t, z] = [ys(), toTensor(randomArray([6, 4, 2], 3, -2, 2))];
    const annealing = anneal(sharpening, { power: linearSchedule({ from: 1, to: 4, steps: 3 }) });
    for (const [step, power] of [1, 2, 3, 4].entries()) {
      annealing.at(step);
      const constant = (p: tf.Tensor) => powerSharpen(tf.softmax(p), power);
      expectClose(diceLoss(t, z, { activation }), diceLoss(t, z, { activation: constant }));
    }
  });

  test.each<[string, () => unknown, string]>([
    [
      'an option that the loss lacks',
      () => anneal(namedLoss('iouLoss') as never, { sharpnes: tripled }),
      "namedLoss of iouLoss: unknown option 'sharpnes'",
    ],
    [
      'a value instead of a schedule',
      () => anneal(namedLoss('iouLoss'), { sharpness: 4 as never }),
      'anneal: sharpness must be a schedule, a function of the step, got 4',
    ],
    [
      'a schedule without numbers',
      () => anneal(namedLoss('iouLoss'), { sharpness: () => NaN }),
      'anneal: sharpness at step 0 must be a finite number, got NaN',
    ],
    [
      'a bare loss',
      () => anneal(iouLoss as never, { sharpness: tripled }),
      'anneal: target must be a namedLoss or have a function set, got the function iouLoss',
    ],
    ['no target', () => anneal([], { sharpness: tripled }), 'anneal: target must not be an empty list'],
    [
      'no schedule',
      () => anneal(namedLoss('iouLoss'), {}),
      'anneal: schedules must be an object of schedules by the names of options, got {}',
    ],
    [
      'steps without an optimizer that counts them',
      () => anneal(namedLoss('iouLoss'), { sharpness: tripled }, { by: 'step' }),
      'anneal: optimizer must be an optimizer of tf.train, which counts the steps, got undefined',
    ],
    [
      'another unit',
      () => anneal(namedLoss('iouLoss'), { sharpness: tripled }, { by: 'batch' as never }),
      `anneal: by must be 'epoch', 'step', got "batch"`,
    ],
    [
      'another option',
      () => anneal(namedLoss('iouLoss'), { sharpness: tripled }, { every: 2 } as never),
      "anneal: unknown option 'every'; it takes by, optimizer, prefix",
    ],
    [
      'a prefix that is not a string',
      () => anneal(namedLoss('iouLoss'), { sharpness: tripled }, { prefix: 1 as never }),
      'anneal: prefix must be a string, got 1',
    ],
  ])('refuses %s before training begins', (_, run, message) => expect(run).toThrow(message));
});

const OPTIMIZERS: [string, (rate: number) => tf.Optimizer][] = [
  ['sgd', (rate) => tf.train.sgd(rate)],
  ['momentum', (rate) => tf.train.momentum(rate, 0.9)],
  ['adagrad', (rate) => tf.train.adagrad(rate)],
  ['adadelta', (rate) => tf.train.adadelta(rate)],
  ['adam', (rate) => tf.train.adam(rate)],
  ['adamax', (rate) => tf.train.adamax(rate)],
  ['rmsprop', (rate) => tf.train.rmsprop(rate)],
];

/** tfjs's momentum optimizer does not dispose one of its tensors. */
function disposeOf(optimizer: tf.Optimizer): void {
  optimizer.dispose();
  (optimizer as unknown as { c?: tf.Tensor }).c?.dispose();
}

describe('learningRateSchedule', () => {
  // The gradient is constant, so a step depends only on its rate, and linearly.
  test.each(OPTIMIZERS)('takes effect at the next step of tf.train.%s', (_, make) => {
    const gradient = tf.tensor([1, -2, 0.5]);
    const steps = (optimizer: tf.Optimizer, before: (step: number) => void): tf.Tensor[] => {
      const variable = tf.variable(tf.zeros([3]));
      const changes = [0, 1, 2].map((step) => {
        const old = tf.clone(variable);
        before(step);
        optimizer.minimize(() => tf.sum(tf.mul(variable, gradient)), false, [variable]);
        return tf.sub(variable, old);
      });
      variable.dispose();
      return changes;
    };
    const rates = [0.5, 0.125, 2];
    const constant = make(1);
    const expected = steps(constant, () => undefined).map((change, step) => tf.mul(change, rates[step]!));
    const optimizer = make(1);
    const scheduled = learningRateSchedule(optimizer, (step) => rates[step]!);
    const actual = steps(optimizer, (step) => expect(scheduled.at(step)).toEqual({ learningRate: rates[step] }));
    actual.forEach((change, step) => expectClose(change, expected[step]!));
    expect((optimizer as unknown as { learningRate: number }).learningRate).toBe(2);
    [constant, optimizer].forEach(disposeOf);
  });

  test('counts epochs or steps in fit, and logs the rate', async () => {
    for (const [by, logged] of [
      ['epoch', [8, 6]],
      ['step', [6, 2]],
    ] as const) {
      const optimizer = tf.train.sgd(1);
      const falling = linearSchedule({ from: 8, to: 0, steps: 4 });
      const callbacks = learningRateSchedule(optimizer, falling, { by });
      const history = await fitted(iouLoss as never, optimizer, { epochs: 2, callbacks });
      expect(history['learningRate']).toEqual(logged);
      optimizer.dispose();
    }
  });

  test('leaves no tensor behind', () => {
    const optimizer = tf.train.sgd(1);
    const before = tf.memory().numTensors;
    const scheduled = learningRateSchedule(optimizer, cosineSchedule({ from: 1, to: 0, steps: 50 }));
    for (let step = 0; step < 60; step++) scheduled.at(step);
    expect(tf.memory().numTensors).toBe(before);
    optimizer.dispose();
  });

  test.each<[string, (adam: tf.Optimizer) => unknown, string]>([
    [
      'a name of an optimizer',
      () => learningRateSchedule('adam' as never, () => 1),
      'learningRateSchedule: optimizer must be an optimizer of tf.train, which counts the steps, got "adam"',
    ],
    [
      'a rate below 0',
      (adam) => learningRateSchedule(adam, () => -1),
      'learningRateSchedule: learningRate must be a number >= 0, got -1',
    ],
    [
      'a rate instead of a schedule',
      (adam) => learningRateSchedule(adam, 1 as never),
      'learningRateSchedule: learningRate must be a schedule, a function of the step, got 1',
    ],
    [
      'an unknown option',
      (adam) => learningRateSchedule(adam, () => 1, { every: 1 } as never),
      "learningRateSchedule: unknown option 'every'; it takes by",
    ],
  ])('refuses %s', (_, run, message) => {
    const adam = tf.train.adam();
    expect(() => run(adam)).toThrow(message);
    adam.dispose();
  });
});

describe('warmup', () => {
  test('is a line up to the start of the schedule, then the schedule', () => {
    const rate = warmup(linearSchedule({ from: 8, to: 0, steps: 4 }), { steps: 2, from: 2 });
    expect([-1, 0, 1, 2, 3, 6, 9].map(rate)).toEqual([2, 2, 5, 8, 6, 0, 0]);
    expect(warmup(() => 4, { steps: 4 })(1)).toBe(1);
  });

  test('refuses invalid arguments', () => {
    expect(() => warmup(1 as never, { steps: 1 })).toThrow('warmup: schedule must be a function of the step, got 1');
    expect(() => warmup(() => 1, { steps: 0 })).toThrow('warmup: steps must be a number > 0, got 0');
    expect(() => warmup(() => 1, { steps: 1, to: 1 } as never)).toThrow("warmup: unknown option 'to'");
    expect(() => warmup(() => 1, { steps: 1 })(NaN)).toThrow('warmup: step must be a finite number, got NaN');
  });
});

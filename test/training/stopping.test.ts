/** Early stopping, checkpoints of the best model, and our callbacks together with those of tfjs-layers. */
import { describe, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import { iouLoss } from '../../src/index.js';
import { MeanIou, validationScores } from '../../src/metrics/index.js';
import {
  anneal,
  saveBest,
  cosineSchedule,
  earlyStopping,
  learningRateSchedule,
  linearSchedule,
  namedLoss,
  seedEpochs,
  type SaveBestInfo,
} from '../../src/training/index.js';
import { expectClose, toTensor } from '../support/compare.js';
import { randomArray, randomDistribution } from '../support/random.js';
import { batchesOf, oneOutput } from './tinyModels.js';

const xs = () => toTensor(randomArray([6, 4, 3], 1, -1, 1));
const ys = () => toTensor(randomDistribution([6, 4, 2], 2, 2));

/** Puts `values` into the logs as `score`, one per epoch, and keeps the weights of each epoch. */
function scripted(model: tf.LayersModel, values: readonly number[]) {
  const weights: tf.Tensor[][] = [];
  const onEpochEnd = async (epoch: number, logs?: tf.Logs) => {
    logs!['score'] = values[epoch]!;
    weights.push(model.getWeights().map((weight) => tf.clone(weight)));
  };
  return { weights, callback: { onEpochEnd } };
}

function compiled() {
  const model = oneOutput([4], 2);
  const optimizer = tf.train.sgd(0.5);
  model.compile({ optimizer, loss: iouLoss });
  return { model, dispose: () => [model.dispose(), optimizer.dispose()] };
}

async function stoppedAfter(values: readonly number[], options: Parameters<typeof earlyStopping>[1]) {
  const { model, dispose } = compiled();
  const { weights, callback } = scripted(model, values);
  const stopping = earlyStopping(model, { monitor: 'score', mode: 'max', ...options });
  const { epoch } = await model.fit(xs(), ys(), { epochs: values.length, verbose: 0, callbacks: [callback, stopping] });
  const kept = model.getWeights().map((weight) => tf.clone(weight));
  dispose();
  return { epochs: epoch.length, stopping, kept, weights };
}

function expectSame(actual: readonly tf.Tensor[], expected: readonly tf.Tensor[]): void {
  actual.forEach((tensor, i) => expect(tensor.arraySync()).toEqual(expected[i]!.arraySync()));
}

describe('earlyStopping', () => {
  test('stops when patience runs out, and restores the weights of the best epoch', async () => {
    const { epochs, stopping, kept, weights } = await stoppedAfter([1, 3, 2, 3, 9], { patience: 2 });
    expect(epochs).toBe(4);
    expect([stopping.best, stopping.bestEpoch, stopping.stopped]).toEqual([3, 1, true]);
    expectSame(kept, weights[1]!);
    expect(kept[0]!.arraySync()).not.toEqual(weights[3]![0]!.arraySync());
  });

  test('restores the best weights also if it has not stopped', async () => {
    const { epochs, stopping, kept, weights } = await stoppedAfter([1, 3, 2], { patience: 5 });
    expect([epochs, stopping.stopped]).toEqual([3, false]);
    expectSame(kept, weights[1]!);
  });

  test('keeps the last weights with restoreBest: false', async () => {
    const { kept, weights } = await stoppedAfter([3, 1], { patience: 1, restoreBest: false });
    expectSame(kept, weights[1]!);
  });

  test.each<[string, number[], Parameters<typeof earlyStopping>[1], number, number | undefined]>([
    ['less is better with min', [3, 2, 4, 1], { mode: 'min', patience: 1 }, 3, 1],
    ['the smallest change that counts', [1, 1.5, 1.9, 9], { minDelta: 1, patience: 2 }, 3, 0],
    ['a value as good as the best is no improvement', [1, 1, 9], { patience: 1 }, 2, 0],
    ['patience 0 is patience 1', [1, 2, 2, 9], {}, 3, 1],
    ['NaN is no improvement', [NaN, 1, NaN, NaN, 9], { patience: 2 }, 4, 1],
    ['an earlier best value that is never reached', [1, 2, 9], { best: 5, patience: 2 }, 2, undefined],
  ])('%s', async (_, values, options, expected, bestEpoch) => {
    const { epochs, stopping } = await stoppedAfter(values, options);
    expect([epochs, stopping.bestEpoch]).toEqual([expected, bestEpoch]);
  });

  test('keeps the weights if nothing was better than a value from before', async () => {
    const { kept, weights } = await stoppedAfter([1, 2], { best: 5, patience: 2 });
    expectSame(kept, weights[1]!);
  });

  test('stops a training that only gives NaN, and keeps its weights', async () => {
    const { epochs, stopping, kept, weights } = await stoppedAfter([NaN, NaN, NaN], { patience: 2 });
    expect([epochs, stopping.best]).toEqual([2, undefined]);
    expectSame(kept, weights[1]!);
  });

  test('also restores weights that are not trained', async () => {
    const model = tf.sequential({
      layers: [tf.layers.batchNormalization({ inputShape: [4, 3] }), tf.layers.dense({ units: 2 })],
    });
    const optimizer = tf.train.sgd(0.5);
    model.compile({ optimizer, loss: iouLoss });
    const { weights, callback } = scripted(model, [2, 1]);
    const stopping = earlyStopping(model, { monitor: 'score', mode: 'max', patience: 5 });
    await model.fit(xs(), ys(), { epochs: 2, verbose: 0, callbacks: [callback, stopping] });
    expect(weights[0]!.length).toBe(6);
    expectSame(model.getWeights(), weights[0]!);
    model.dispose();
    optimizer.dispose();
  });

  test('starts afresh with each training', async () => {
    const { model, dispose } = compiled();
    const stopping = earlyStopping(model, { monitor: 'score', mode: 'max', patience: 1 });
    const run = (values: number[]) =>
      model.fit(xs(), ys(), {
        epochs: values.length,
        verbose: 0,
        callbacks: [scripted(model, values).callback, stopping],
      });
    await run([5, 4, 3]);
    expect((await run([1, 2, 1, 9])).epoch.length).toBe(3);
    expect([stopping.best, stopping.bestEpoch]).toEqual([2, 1]);
    dispose();
  });

  test('works in fitDataset, and in a loop', async () => {
    const { model, dispose } = compiled();
    const stopping = earlyStopping(model, { monitor: 'score', mode: 'max', patience: 1 });
    const { callback } = scripted(model, [1, 0, 9]);
    const dataset = batchesOf(xs(), ys(), 3) as never;
    const { epoch } = await model.fitDataset(dataset, { epochs: 3, verbose: 0, callbacks: [callback, stopping] });
    expect(epoch.length).toBe(2);

    const best = tf.clone(model.getWeights()[0]!);
    stopping.onTrainBegin();
    const loop: number[] = [];
    for (const [step, score] of [4, 3, 9].entries()) {
      await stopping.onEpochEnd(step, { score });
      loop.push(score);
      if (stopping.stopped) break;
      model.setWeights(model.getWeights().map((weight) => tf.add(weight, 1)));
    }
    stopping.onTrainEnd();
    expect(loop).toEqual([4, 3]);
    expectClose(model.getWeights()[0]!, best);
    dispose();
  });

  test('leaves no tensor behind, whether training ends, stops or throws', async () => {
    const [x, y] = [xs(), ys()];
    const { model, dispose } = compiled();
    const before = tf.memory().numTensors;
    for (const [scores, error] of [
      [[1, 2, 3], null],
      [[3, 2, 1], null],
      [[1, 2], 'the end'],
    ] as const) {
      const script = {
        async onEpochEnd(epoch: number, logs?: tf.Logs) {
          if (epoch >= scores.length) throw new Error('the end');
          logs!['score'] = scores[epoch]!;
        },
      };
      const stopping = earlyStopping(model, { monitor: 'score', mode: 'max', patience: 1 });
      const args = { epochs: error ? 3 : scores.length, verbose: 0, callbacks: [script, stopping] };
      const run = model.fit(x, y, args as tf.ModelFitArgs);
      if (error) await expect(run).rejects.toThrow(error);
      else await run;
      expect(tf.memory().numTensors).toBe(before);
      if (error) stopping.onTrainEnd();
      expect(tf.memory().numTensors).toBe(before);
    }
    dispose();
  });

  test('says which value is missing, and which exist', async () => {
    const { model, dispose } = compiled();
    const run = (callbacks: tf.ModelFitArgs['callbacks']) =>
      model.fit(xs(), ys(), { epochs: 1, verbose: 0, callbacks });
    const stopping = earlyStopping(model, { monitor: 'val_iou', mode: 'max' });
    const rule =
      "the logs have no number 'val_iou'; they have loss. The callback that adds it must come before this one";
    await expect(run(stopping)).rejects.toThrow(`earlyStopping: ${rule}`);
    const checkpoint = saveBest(model, { monitor: 'val_iou', mode: 'max', save: () => undefined });
    await expect(run(checkpoint)).rejects.toThrow(`saveBest: ${rule}`);
    await expect(earlyStopping(model).onEpochEnd(0)).rejects.toThrow("no number 'val_loss'; they have nothing.");
    dispose();
  });

  test.each<[string, object, string]>([
    [
      'an unknown option',
      { restoreBestWeights: true },
      "earlyStopping: unknown option 'restoreBestWeights'; it takes monitor, mode, minDelta, best, patience, " +
        'restoreBest',
    ],
    [
      'a score without a mode',
      { monitor: 'val_iou' },
      "earlyStopping: mode must be 'max' or 'min' for 'val_iou': is a larger or a smaller value better?",
    ],
    ['another mode', { mode: 'auto' }, `earlyStopping: mode must be 'max', 'min', got "auto"`],
    [
      'a patience that is not an integer',
      { patience: 1.5 },
      'earlyStopping: patience must be an integer >= 0, got 1.5',
    ],
    ['a negative change', { minDelta: -1 }, 'earlyStopping: minDelta must be a number >= 0, got -1'],
    ['a best that is not a number', { best: NaN }, 'earlyStopping: best must be a finite number, got NaN'],
    ['no true or false', { restoreBest: 1 }, 'earlyStopping: restoreBest must be true or false, got 1'],
    ['a monitor that is not a name', { monitor: 1 }, 'earlyStopping: monitor must be a name in the logs, got 1'],
  ])('refuses %s', (_, options, message) => {
    const model = { stopTraining: false, getWeights: () => [], setWeights: () => undefined };
    expect(() => earlyStopping(model, options)).toThrow(message);
  });

  test('refuses something other than a model', () => {
    expect(() => earlyStopping({} as never)).toThrow('earlyStopping: model must be a model of tfjs-layers, got {}');
  });
});

describe('saveBest', () => {
  async function savedIn(values: readonly number[], options: object = {}) {
    const { model, dispose } = compiled();
    const saved: SaveBestInfo[] = [];
    const save = async (which: unknown, info: SaveBestInfo) => {
      expect(which).toBe(model);
      saved.push(info);
    };
    const checkpoint = saveBest(model, { monitor: 'score', mode: 'max', save, ...options });
    const callbacks = [scripted(model, values).callback, checkpoint];
    await model.fit(xs(), ys(), { epochs: values.length, verbose: 0, callbacks });
    dispose();
    return { saved, checkpoint };
  }

  test('saves each epoch that is better than all before, with the logs', async () => {
    const { saved, checkpoint } = await savedIn([1, 3, NaN, 2, 4]);
    expect(saved.map(({ epoch, value }) => [epoch, value])).toEqual([[0, 1], [1, 3], [4, 4]]); // prettier-ignore
    expect(Object.keys(saved[0]!.logs)).toEqual(['loss', 'score']);
    expect(checkpoint.best).toBe(4);
  });

  test('does not overwrite a better model that an earlier run has saved', async () => {
    const { saved, checkpoint } = await savedIn([1, 3, 6], { best: 5 });
    expect(saved.map(({ epoch }) => epoch)).toEqual([2]);
    expect((await savedIn([1, 3], { best: 5 })).checkpoint.best).toBe(5);
    expect(checkpoint.best).toBe(6);
  });

  test('ends the training if the model cannot be saved, which does not count as the best', async () => {
    const { model, dispose } = compiled();
    const save = () => Promise.reject(new Error('disk full'));
    const checkpoint = saveBest(model, { monitor: 'loss', save });
    const run = model.fit(xs(), ys(), { epochs: 3, verbose: 0, callbacks: checkpoint });
    await expect(run).rejects.toThrow('disk full');
    expect(checkpoint.best).toBeUndefined();
    dispose();
  });

  test('refuses a missing save function', () => {
    expect(() => saveBest({}, { monitor: 'loss' })).toThrow(
      'saveBest: save must be a function that saves the model, got undefined',
    );
    expect(() => saveBest({}, { save: () => 1, every: 2 } as never)).toThrow("unknown option 'every'");
  });
});

describe('callbacks together', () => {
  /** All of our callbacks, with data on which the IoU grows for some epochs. */
  function all(
    model: tf.LayersModel,
    optimizer: tf.Optimizer,
    loss: ReturnType<typeof namedLoss>,
    x: tf.Tensor,
    y: tf.Tensor,
  ) {
    // prettier-ignore
    const saved: number[] = [];
    const callbacks = {
      seeds: seedEpochs(3),
      scores: validationScores(model, { xs: x, ys: y }, { iou: new MeanIou() }),
      annealing: anneal(loss as never, { sharpness: linearSchedule({ from: 1, to: 2, steps: 4 }) }),
      rate: learningRateSchedule(optimizer, cosineSchedule({ from: 0.5, to: 0, steps: 10 }), { by: 'step' }),
      stopping: earlyStopping(model, { monitor: 'val_iou', mode: 'max', patience: 2 }),
      checkpoint: saveBest(model, { monitor: 'val_iou', mode: 'max', save: (_, { value }) => saved.push(value) }),
    };
    return { saved, ...callbacks, list: Object.values(callbacks) };
  }

  test('work as plain objects, all in one list, and leave no tensor behind', async () => {
    const [x, y] = [xs(), ys()];
    const model = oneOutput([4], 2);
    const loss = namedLoss('iouLoss');
    const optimizer = tf.train.sgd(0.5);
    model.compile({ optimizer, loss });
    const { random } = Math;
    const before = tf.memory().numTensors;
    const { saved, list, stopping, checkpoint } = all(model, optimizer, loss, x, y);
    const { history } = await model.fit(x, y, { epochs: 5, batchSize: 3, verbose: 0, callbacks: list });
    expect(Math.random).toBe(random);
    expect(Object.keys(history)).toEqual(['loss', 'val_iou', 'sharpness', 'learningRate']);
    expect(history['sharpness']).toEqual([1, 1.25, 1.5, 1.75, 2]);
    expect(saved.length).toBeGreaterThan(1);
    expect(saved).toEqual([...saved].sort((a, b) => a - b));
    expect([stopping.best, checkpoint.best]).toEqual([saved.at(-1), saved.at(-1)]);
    expect(tf.memory().numTensors).toBe(before);
    model.dispose();
    optimizer.dispose();
  });

  test('work together with a callback of tfjs-layers once each is wrapped', async () => {
    const [x, y] = [xs(), ys()];
    const model = oneOutput([4], 2);
    const loss = namedLoss('iouLoss');
    const optimizer = tf.train.sgd(0.5);
    model.compile({ optimizer, loss });
    const before = tf.memory().numTensors;
    const { list, saved } = all(model, optimizer, loss, x, y);
    // No score improves by 1, so tfjs's callback stops after its patience.
    const theirs = tf.callbacks.earlyStopping({ monitor: 'val_iou', mode: 'max', minDelta: 1, patience: 2 });
    const callbacks = [...list.map((each) => new tf.CustomCallback(each)), theirs];
    const { epoch, history } = await model.fit(x, y, { epochs: 5, batchSize: 3, verbose: 0, callbacks });
    expect(epoch.length).toBe(3);
    expect(history['val_iou']!.length).toBe(3);
    expect(saved.length).toBeGreaterThan(0);
    expect(tf.memory().numTensors).toBe(before);
    model.dispose();
    optimizer.dispose();
  });

  test('explain the order if a score comes after the callback that reads it', async () => {
    const [x, y] = [xs(), ys()];
    const { model, dispose } = compiled();
    const scores = validationScores(model, { xs: x, ys: y }, { iou: new MeanIou() });
    const callbacks = [earlyStopping(model, { monitor: 'val_iou', mode: 'max' }), scores];
    await expect(model.fit(x, y, { epochs: 1, verbose: 0, callbacks })).rejects.toThrow('must come before this one');
    dispose();
  });
});

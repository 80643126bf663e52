/** Training that continues after saveModel, loadLayersModel and compileSaved equals uninterrupted training. */
import { describe, expect, jest, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import * as softseg from '../support/allEntries.js';
import { compileSaved, namedLoss, saveModel } from '../../src/training/index.js';
import { LOSSES } from '../../src/training/lossRegistry.js';
import { toTensor } from '../support/compare.js';
import { randomArray } from '../support/random.js';
import { nameOfScore, SCORES } from '../../src/training/scoreRegistry.js';
import { CLASSES, discard, loadSilently, memory, reload, resume, SPATIAL, train, weightsOf } from './savedModels.js';
import { FEATURES, oneOutput, twoOutputs } from './tinyModels.js';

const one = () => oneOutput(SPATIAL, CLASSES);
const two = () => twoOutputs(SPATIAL, [CLASSES, CLASSES]);

/** Every optimizer of tf.train, with settings that are not the defaults. */
const OPTIMIZERS: Record<string, () => tf.Optimizer> = {
  sgd: () => tf.train.sgd(0.3),
  momentum: () => tf.train.momentum(0.1, 0.8),
  'momentum of Nesterov': () => tf.train.momentum(0.1, 0.8, true),
  adagrad: () => tf.train.adagrad(0.1, 0.2),
  adadelta: () => tf.train.adadelta(0.7, 0.9, 1e-3),
  adam: () => tf.train.adam(0.05, 0.8, 0.97),
  adamax: () => tf.train.adamax(0.05, 0.8, 0.97, 1e-6, 0.1),
  rmsprop: () => tf.train.rmsprop(0.02, 0.8, 0.4),
  'rmsprop, centered': () => tf.train.rmsprop(0.02, 0.8, 0.4, 1e-2, true),
};

test('every optimizer of tfjs has a case', () => {
  const known = new Set(Object.values(OPTIMIZERS).map((make) => disposed(make())));
  const { classNameMap } = tf.serialization.SerializationMap.getMap();
  const optimizers = Object.keys(classNameMap).filter(
    (name) => 'applyGradients' in (classNameMap[name]![0] as unknown as { prototype: object }).prototype,
  );
  expect(optimizers.toSorted()).toEqual([...known].toSorted());
});

function disposed(optimizer: tf.Optimizer & { c?: tf.Tensor }): string {
  optimizer.dispose();
  optimizer.c?.dispose();
  return optimizer.getClassName();
}

describe.each(Object.entries(OPTIMIZERS))('with %s', (_, optimizer) => {
  test('3 and 3 steps give the same bits as 6, with any number of interruptions', async () => {
    const [whole, first] = [one(), one()];
    for (const model of [whole, first]) model.compile({ optimizer: optimizer(), loss: softseg.diceLoss });
    await train(whole, 0, 6);
    await train(first, 0, 3);
    const before = tf.memory().numTensors;
    const second = await resume(first);
    await train(second, 3, 5);
    const third = await resume(second);
    await train(third, 5, 6);
    expect(weightsOf(third)).toEqual(weightsOf(whole));
    expect(third.optimizer.iterations).toBe(6);
    expect(third.optimizer.getConfig()).toEqual(whole.optimizer.getConfig());
    discard(second, third);
    expect(tf.memory().numTensors).toBe(before);
    discard(whole, first);
  });

  test('an untrained model can be saved', async () => {
    const [whole, first] = [one(), one()];
    for (const model of [whole, first]) model.compile({ optimizer: optimizer(), loss: softseg.diceLoss });
    const second = await resume(first);
    await train(whole, 0, 2);
    await train(second, 0, 2);
    expect(weightsOf(second)).toEqual(weightsOf(whole));
    discard(whole, first, second);
  });
});

test('the saved learning rate is the current one', async () => {
  const [whole, first] = [one(), one()];
  for (const model of [whole, first]) {
    model.compile({ optimizer: tf.train.momentum(0.1, 0.9), loss: softseg.diceLoss });
    (model.optimizer as tf.SGDOptimizer).setLearningRate(0.013);
  }
  const second = await resume(first);
  await train(whole, 0, 2);
  await train(second, 0, 2);
  expect(weightsOf(second)).toEqual(weightsOf(whole));
  discard(whole, first, second);
});

test("the corrections of Adam's moments are restored as products, not powers", async () => {
  const model = one();
  model.compile({ optimizer: tf.train.adam(0.01), loss: softseg.diceLoss });
  await train(model, 0, 40);
  const loaded = await reload(model);
  const numbers = (of: tf.LayersModel) =>
    ['accBeta1', 'accBeta2'].map((name) => (of.optimizer as unknown as Record<string, tf.Scalar>)[name]!.dataSync()[0]);
  // tfjs restores them differently; otherwise this would test nothing.
  expect(numbers(loaded)).not.toEqual(numbers(model));
  compileSaved(loaded);
  expect(numbers(loaded)).toEqual(numbers(model));
  await train(loaded, 40, 41);
  const after = numbers(loaded);
  compileSaved(loaded); // a second call keeps the state learned since
  expect(numbers(loaded)).toEqual(after);
  discard(model, loaded);
});

const named = namedLoss('tverskyLoss', { alpha: 0.3, beta: 0.7, classWeights: [1, 2] });
const mine = (t: tf.Tensor, z: tf.Tensor, { power }: { power: number }) => tf.pow(softseg.iouLoss(t, z), power);
const own = () => namedLoss('mine', { power: 2 }, mine);

describe.each<[string, () => tf.LayersModel, () => unknown]>([
  ['a loss of softseg by itself', one, () => softseg.comboLoss],
  ['a namedLoss', one, () => named],
  ['a namedLoss of the user', one, own],
  ['the name of a loss of tfjs', one, () => 'categoricalCrossentropy'],
  ['a namedLoss for two outputs', two, () => named],
  ['a list', two, () => [named, softseg.comboLoss]],
  ['a list with a loss of tfjs', two, () => ['meanSquaredError', own()]],
  ['an object', two, () => ({ second: softseg.iouLoss, first: named })],
  ['an object with losses of tfjs', two, () => ({ second: 'meanSquaredError', first: 'meanAbsoluteError' })],
])('with %s as the loss', (_, build, loss) => {
  test('training continues with the same bits', async () => {
    const [whole, first] = [build(), build()];
    for (const model of [whole, first]) {
      model.compile({ optimizer: tf.train.adam(0.05), loss: loss() as never });
    }
    await train(whole, 0, 4);
    await train(first, 0, 2);
    const second = await resume(first, { losses: { mine } });
    await train(second, 2, 4);
    expect(weightsOf(second)).toEqual(weightsOf(whole));
    expect(second.metricsNames).toEqual(whole.metricsNames);
    discard(whole, first, second);
  });
});

test('every loss of softseg is restored, if passed directly or by its name', async () => {
  for (const name of Object.keys(LOSSES) as softseg.LossName[]) {
    for (const [loss, saved] of [
      [LOSSES[name], LOSSES[name]],
      [namedLoss(name), { lossName: name, options: {} }],
    ]) {
      const model = one();
      model.compile({ optimizer: 'sgd', loss: loss as never });
      const loaded = await reload(model);
      const { losses } = compileSaved(loaded);
      if (typeof saved === 'function') expect(losses['logits']).toBe(saved);
      else expect(pick(losses['logits'] as softseg.NamedLoss)).toEqual(saved);
      discard(model, loaded);
    }
  }
});

const pick = ({ lossName, options }: softseg.NamedLoss) => ({ lossName, options });

test('options are restored as they were when saving, and can be changed', async () => {
  const loss = namedLoss('iouLoss', { sharpness: 1, aggregate: 'batch' });
  const whole = one();
  whole.compile({ optimizer: tf.train.sgd(0.5), loss });
  loss.set({ sharpness: 2 });
  const loaded = await reload(whole);
  loss.set({ sharpness: 7 });
  const { losses } = compileSaved(loaded);
  const found = losses['logits'] as softseg.NamedLoss<softseg.IouLossOptions>;
  expect(found.options).toEqual({ sharpness: 2, aggregate: 'batch' });
  found.set({ sharpness: 7 });
  await train(whole, 0, 2);
  await train(loaded, 0, 2);
  expect(weightsOf(loaded)).toEqual(weightsOf(whole));
  discard(whole, loaded);
});

test('one namedLoss for two outputs is restored as one, so that an option is set for both', async () => {
  const model = two();
  model.compile({ optimizer: 'sgd', loss: [named, named] as never, metrics: [named as never] });
  const loaded = await reload(model);
  const { losses } = compileSaved(loaded);
  expect(losses['first']).toBe(losses['second']);
  expect(pick(losses['first'] as softseg.NamedLoss)).toEqual(pick(named as softseg.NamedLoss));
  expect(loaded.metricsNames).toEqual(model.metricsNames);
  discard(model, loaded);
});

test('losses of packed labels, and outputs that accept any targets, are restored', async () => {
  const model = one();
  const inside = namedLoss('diceLoss', { smooth: 0.5 });
  model.compile({ optimizer: tf.train.sgd(0.5), loss: softseg.withSampleWeights(softseg.withMask(inside)) });
  softseg.acceptAnyTargets(model);
  const loaded = await reload(model);
  const { losses } = compileSaved(loaded);
  expect(pick(losses['logits'] as softseg.NamedLoss)).toEqual({
    lossName: 'withSampleWeights(withMask(diceLoss))',
    options: { smooth: 0.5 },
  });
  const x = tf.randomNormal([2, ...SPATIAL, 3]);
  const labels = tf.softmax(tf.randomNormal([2, ...SPATIAL, CLASSES]));
  const mask = tf.randomUniform([2, ...SPATIAL]);
  const packed = softseg.packSampleWeights(softseg.packMask(labels, mask), tf.tensor1d([1, 0.5]));
  for (const each of [model, loaded]) await each.fit(x, packed, { epochs: 2, shuffle: false, verbose: 0 });
  expect(weightsOf(loaded)).toEqual(weightsOf(model));
  discard(model, loaded);
});

const hardIou = softseg.asMetric('hardIou', (t, z) => softseg.iouScore(t, z, { hard: true }));

describe.each<[string, () => tf.LayersModel, unknown]>([
  ['those of tfjs', one, ['accuracy', 'mse']],
  ['one of tfjs', one, 'acc'],
  ['one score', one, softseg.iouScore],
  ['scores, a function of the user, one of tfjs', two, [softseg.iouScore, hardIou, 'mae', named]],
  ['those of one output', two, { second: [softseg.brierScore, hardIou] }],
  ['one each', two, { second: 'mse', first: softseg.diceScore }],
])('metrics: %s', (_, build, metrics) => {
  test('are restored and measured', async () => {
    const model = build();
    model.compile({ optimizer: 'sgd', loss: softseg.diceLoss, metrics: metrics as never });
    const loaded = await reload(model);
    compileSaved(loaded, { metrics: { hardIou } });
    expect(loaded.metricsNames).toEqual(model.metricsNames);
    const x = tf.randomNormal([2, ...SPATIAL, 3]);
    const y = model.outputs.map(() => tf.softmax(tf.randomNormal([2, ...SPATIAL, CLASSES])));
    const values = (of: tf.LayersModel) => (of.evaluate(x, y) as tf.Scalar[]).map((value) => value.dataSync()[0]);
    expect(values(loaded)).toEqual(values(model));
    discard(model, loaded);
  });
});

test("metrics of packed labels are restored, including users' metrics and channels first", async () => {
  const { withMask, withSampleWeights, iouScore } = softseg;
  const own = (t: tf.Tensor, z: tf.Tensor, options?: object) => iouScore(t, z, { hard: true, ...options });
  const metrics = [withMask(iouScore), withMask(iouScore, { axis: 1 }), withMask(own), withMask(namedLoss('diceLoss'))];
  // With 2 channels in an image of 2 x 2, labels and predictions can be read either way.
  const build = () => {
    const model = tf.sequential();
    model.add(tf.layers.dense({ inputShape: [2, 2, FEATURES], units: 2 }));
    return model;
  };
  const model = build();
  model.compile({ optimizer: 'sgd', loss: withMask(softseg.diceLoss) as never, metrics });
  softseg.acceptAnyTargets(model);
  const file = memory();
  await saveModel(model, file);
  const x = tf.randomNormal([2, 2, 2, FEATURES]);
  const mask = tf.randomUniform([2, 2, 2]);
  const labels = tf.softmax(tf.randomNormal([2, 2, 2, 2]));
  const expected = metrics.slice(0, 1).concat(metrics.slice(2));
  const value = (metric: unknown, z: tf.Tensor) =>
    (metric as typeof own)(softseg.packMask(labels, mask), z).mean().dataSync()[0];
  for (const handed of [{ own }, { 'withMask(own)': withMask(own) }] as Record<string, typeof own>[]) {
    const loaded = await loadSilently(file);
    compileSaved(loaded, { metrics: handed });
    expect(loaded.metricsNames).toEqual(model.metricsNames);
    const revived = (loaded as unknown as { metrics: unknown[] }).metrics;
    const z = loaded.predict(x) as tf.Tensor;
    for (const [i, metric] of expected.entries()) {
      expect(value(revived[i === 0 ? 0 : i + 1], z)).toBe(value(metric, z));
    }
    const channelsFirst = tf.transpose(labels, [0, 3, 1, 2]);
    const packed = softseg.packMask(channelsFirst, mask, { axis: 1 });
    const [before, after] = [metrics[1], revived[1]] as (typeof own)[];
    expect(after!(packed, tf.neg(channelsFirst)).dataSync()).toEqual(before!(packed, tf.neg(channelsFirst)).dataSync());
    expect(after!.name).toBe('withMask(iouScore)');
    discard(loaded);
  }
  const loaded = await loadSilently(file);
  expect(() => compileSaved(loaded)).toThrow(
    "metric 'own' is not softseg's; pass it: compileSaved(model, { metrics: { own",
  );
  discard(loaded);
  model.compile({
    optimizer: model.optimizer,
    loss: softseg.diceLoss,
    metrics: [withSampleWeights(withMask(iouScore), { axis: 1 })],
  });
  await expect(saveModel(model, file)).rejects.toThrow('must have the same axis, got 1 and ');
  discard(model);
});

test('every score that can be a metric is known by its name', () => {
  const scores = Object.entries(softseg).filter(([name]) => name in SCORES);
  expect(scores.map(([name]) => name).toSorted()).toEqual(Object.keys(SCORES).toSorted());
  for (const [name, score] of scores) expect(nameOfScore(score)).toBe(name);
  const exported = Object.keys(softseg).filter((name) =>
    /(Score|Distance|SurfaceDice|CalibrationError|Accuracy)$/.test(name),
  );
  const others = ['signedDistance', 'CalibrationError']; // one takes only labels, the other is an accumulator
  expect(exported.filter((name) => !others.includes(name)).toSorted()).toEqual(Object.keys(SCORES).toSorted());
});

test('the saved state is that at the call, although training continues before it is written', async () => {
  const [model, still] = [one(), one()];
  const loss = namedLoss('diceLoss', { smooth: 1 });
  for (const each of [model, still]) each.compile({ optimizer: tf.train.adam(0.05), loss });
  for (const each of [model, still]) await train(each, 0, 2);
  const file = memory();
  const saving = saveModel(model, file);
  loss.set({ smooth: 2 });
  await train(model, 2, 4);
  await saving;
  loss.set({ smooth: 1 });
  const loaded = await loadSilently(file);
  compileSaved(loaded);
  expect(weightsOf(loaded)).toEqual(weightsOf(still));
  await train(still, 2, 3);
  await train(loaded, 2, 3);
  expect(weightsOf(loaded)).toEqual(weightsOf(still));
  discard(model, still, loaded);
});

test('frozen layers stay frozen', async () => {
  const model = two();
  model.layers[1]!.trainable = false;
  model.compile({ optimizer: tf.train.momentum(0.3, 0.9), loss: softseg.diceLoss });
  await train(model, 0, 2);
  const loaded = await resume(model);
  await train(model, 2, 4);
  await train(loaded, 2, 4);
  expect(loaded.trainableWeights).toHaveLength(model.trainableWeights.length);
  expect(weightsOf(loaded)).toEqual(weightsOf(model));
  discard(model, loaded);
});

describe('frozen parts stay frozen, and trained ones continue with the same bits, after freezing', () => {
  /** A base, inside a model in the model, and a head. */
  function nested(): tf.LayersModel {
    const shape = [...SPATIAL, FEATURES];
    const dense = (units: number, name: string) => tf.layers.dense({ units, name });
    const base = tf.sequential({ name: 'base' });
    base.add(tf.layers.dense({ inputShape: shape, units: 4, name: 'first' }));
    base.add(tf.layers.batchNormalization({ name: 'norm' }));
    const outerInputs = tf.input({ shape });
    const middle = dense(5, 'second').apply(base.apply(outerInputs)) as tf.SymbolicTensor;
    const outer = tf.model({ inputs: outerInputs, outputs: middle, name: 'outer' });
    const inputs = tf.input({ shape });
    const outputs = dense(CLASSES, 'head').apply(outer.apply(inputs)) as tf.SymbolicTensor;
    return fillSeeded(tf.model({ inputs, outputs }));
  }

  /** A sequential model, which trains through an inner model, with another one in it. */
  function inSequential(): tf.LayersModel {
    const base = tf.sequential({ name: 'base' });
    base.add(tf.layers.dense({ inputShape: [...SPATIAL, FEATURES], units: 4, name: 'first' }));
    const outer = tf.sequential({ name: 'outer' });
    outer.add(base);
    outer.add(tf.layers.dense({ units: 5, name: 'second' }));
    const model = tf.sequential();
    model.add(outer);
    model.add(tf.layers.dense({ units: CLASSES, name: 'head' }));
    return fillSeeded(model);
  }

  function fillSeeded(model: tf.LayersModel): tf.LayersModel {
    tf.tidy(() =>
      model.setWeights(model.getWeights().map(({ shape }, i) => toTensor(randomArray(shape, 60 + i, 0.1, 1)))),
    );
    return model;
  }

  const outerOf = (model: tf.LayersModel) => model.getLayer('outer') as tf.LayersModel;
  const baseOf = (model: tf.LayersModel) => outerOf(model).getLayer('base') as tf.LayersModel;
  const compile = (model: tf.LayersModel, optimizer: string) =>
    model.compile({ optimizer: OPTIMIZERS[optimizer]!(), loss: softseg.diceLoss });

  const CASES: [string, (model: tf.LayersModel, optimizer: string) => void][] = [
    ['nothing', compile],
    ['a model in a model in the model', (model, to) => ((baseOf(model).trainable = false), compile(model, to))],
    ['a model with a model in it', (model, to) => ((outerOf(model).trainable = false), compile(model, to))],
    ['a layer in it', (model, to) => ((baseOf(model).getLayer('first').trainable = false), compile(model, to))],
    [
      'a layer frozen after compile, before training',
      (model, to) => (compile(model, to), (model.getLayer('head').trainable = false)),
    ],
    [
      'a model frozen after compile, before training',
      (model, to) => (compile(model, to), (baseOf(model).trainable = false)),
    ],
    [
      'a model thawed after compile',
      (model, to) => ((outerOf(model).trainable = false), compile(model, to), (outerOf(model).trainable = true)),
    ],
  ];
  const builds: [string, () => tf.LayersModel][] = [
    ['functional', nested],
    ['sequential', inSequential],
  ];
  describe.each(builds)('%s', (_, build) => {
    test.each(CASES.flatMap(([what, prepare]) => ['sgd', 'adam', 'adamax'].map((to) => [what, to, prepare] as const)))(
      '%s (%s)',
      async (_, optimizer, prepare) => {
        const model = build();
        prepare(model, optimizer);
        const warn = jest.spyOn(console, 'warn').mockImplementation(() => {}); // tfjs warns that compile was not called
        await train(model, 0, 2);
        const loaded = await reload(model);
        compileSaved(loaded);
        const names = (of: tf.LayersModel) => of.trainableWeights.map(({ originalName }) => originalName);
        expect(names(loaded)).toEqual(names(model));
        const again = await resume(loaded);
        for (const each of [model, again]) await train(each, 2, 4);
        expect(weightsOf(again)).toEqual(weightsOf(model));
        // The trained weights are also the same after thawing.
        for (const each of [model, again]) outerOf(each).trainable = true;
        expect(names(again)).toEqual(names(model));
        warn.mockRestore();
        discard(model, loaded, again);
      },
    );
  });

  test('saveModel refuses an optimizer with a state for other weights', async () => {
    const model = nested();
    compile(model, 'adam');
    await train(model, 0, 1);
    outerOf(model).trainable = false;
    const { optimizer } = model;
    model.compile({ optimizer, loss: softseg.diceLoss }); // the head would get the state of the first layer
    const file = memory();
    await expect(saveModel(model, file)).rejects.toThrow(
      'saveModel: the optimizer has state for weights of shapes [3,4] [4] [4] [4] [4,5] [5] [5,2] [2], ' +
        'but the model trains [5,2] [2]; call model.compile with a new optimizer after trainable has changed',
    );
    expect(file.file()).toBeUndefined();
    discard(model);
  });

  test('saveModel refuses weights whose layer has left the model', async () => {
    const model = tf.sequential();
    model.add(tf.layers.dense({ inputShape: [...SPATIAL, FEATURES], units: CLASSES }));
    model.add(tf.layers.dense({ units: CLASSES, name: 'gone' }));
    compile(model, 'sgd');
    const gone = model.layers[1]!;
    model.pop();
    await expect(saveModel(model, memory())).rejects.toThrow(
      'the compiled model trains gone/kernel, whose layer has left the model; call model.compile again',
    );
    gone.dispose();
    discard(model);
  });

  test('compileSaved refuses an optimizer with a state for other weights, and changes nothing', async () => {
    const model = nested();
    baseOf(model).trainable = false;
    compile(model, 'adam');
    await train(model, 0, 1);
    const file = memory();
    await saveModel(model, file);
    const saved = (file.file().userDefinedMetadata as { softseg: { version: number; trained?: object } }).softseg;
    delete saved.trained;
    saved.version = 1;
    const loaded = await loadSilently(file);
    expect(() => compileSaved(loaded)).toThrow(
      /Adam is damaged: the optimizer has state for weights of shapes \[4,5\] /,
    );
    // A file of version 1 does not hold this, but it can be set.
    baseOf(loaded).trainable = false;
    compileSaved(loaded);
    for (const each of [model, loaded]) await train(each, 1, 2);
    expect(weightsOf(loaded)).toEqual(weightsOf(model));
    discard(model, loaded);
  });
});

test("the user's state and metadata are kept, and the saved model does not change", async () => {
  const model = one();
  model.compile({ optimizer: 'sgd', loss: softseg.diceLoss });
  model.setUserDefinedMetadata({ classes: ['cat', 'dog'] });
  const state = { epoch: 3, best: { iou: 0.5 }, notes: ['a', null, true] };
  const loaded = await reload(model, { state });
  expect(model.getUserDefinedMetadata()).toEqual({ classes: ['cat', 'dog'] });
  expect(loaded.getUserDefinedMetadata()).toMatchObject({ classes: ['cat', 'dog'] });
  expect(compileSaved(loaded).state).toEqual(state);
  const again = await reload(loaded);
  expect(compileSaved(again).state).toBeUndefined();
  expect(again.getUserDefinedMetadata()).toMatchObject({ classes: ['cat', 'dog'] });
  discard(model, loaded, again);
});

describe('without compileSaved', () => {
  test.each([
    ['adam', softseg.diceLoss],
    ['adamax', 'meanSquaredError'],
  ])('a model predicts, but refuses to train with another loss or optimizer (%s)', async (optimizer, loss) => {
    const model = one();
    model.compile({ optimizer, loss });
    await train(model, 0, 2);
    const loaded = await reload(model);
    expect(weightsOf(loaded)).toEqual(weightsOf(model));
    const x = tf.randomNormal([2, ...SPATIAL, 3]);
    expect([...(loaded.predict(x) as tf.Tensor).dataSync()]).toEqual([...(model.predict(x) as tf.Tensor).dataSync()]);
    // tfjs keeps the tensors saved for gradients when a loss throws.
    const keep = jest.spyOn(tf.engine(), 'keep');
    await expect(train(loaded, 2, 3)).rejects.toThrow(TypeError);
    for (const { value } of keep.mock.results) (value as tf.Tensor).dispose();
    keep.mockRestore();
    expect(weightsOf(loaded)).toEqual(weightsOf(model));
    discard(model, loaded);
  });

  test('the placeholder optimizer that carries the state of Adamax throws in a loop', async () => {
    const model = one();
    model.compile({ optimizer: 'adamax', loss: 'meanSquaredError' });
    await train(model, 0, 2);
    const loaded = await reload(model);
    const variables = loaded.trainableWeights.map((weight) => weight.read() as tf.Variable);
    expect(() => loaded.optimizer.minimize(() => tf.sum(variables[0]!) as tf.Scalar, false, variables)).toThrow();
    expect(weightsOf(loaded)).toEqual(weightsOf(model));
    discard(model, loaded);
  });

  test("a model with only tfjs's losses and metrics trains as usual", async () => {
    const model = one();
    model.compile({ optimizer: tf.train.momentum(0.1, 0.9), loss: 'meanSquaredError', metrics: ['mae'] });
    await train(model, 0, 2);
    const loaded = await reload(model);
    expect(loaded.metricsNames).toEqual(['loss', 'mae']);
    await train(model, 2, 3);
    await train(loaded, 2, 3);
    expect(weightsOf(loaded)).toEqual(weightsOf(model));
    discard(model, loaded);
  });
});

describe('saveModel refuses', () => {
  const rejects = async (
    compile: (model: tf.LayersModel) => void,
    message: string,
    options = {},
    to: unknown = memory(),
  ) => {
    const model = one();
    compile(model);
    const before = tf.memory().numTensors;
    await expect(saveModel(model, to as string, options)).rejects.toThrow(message);
    expect(tf.memory().numTensors).toBe(before);
    discard(model);
  };
  const compiled = (model: tf.LayersModel) => model.compile({ optimizer: 'sgd', loss: softseg.diceLoss });

  test.each<{
    what: string;
    compile: (model: tf.LayersModel) => void;
    message: string;
    options?: object;
    to?: unknown;
  }>([
    { what: 'a model that is not compiled', compile: () => {}, message: 'saveModel: the model must be compiled' },
    {
      what: 'a loss without a name',
      compile: (model) => model.compile({ optimizer: 'sgd', loss: (t, z) => softseg.diceLoss(t, z, { smooth: 1 }) }),
      message: 'make it with namedLoss',
    },
    {
      what: 'a metric without a name',
      compile: (model) =>
        model.compile({
          optimizer: 'sgd',
          loss: 'meanSquaredError',
          metrics: [
            (
              () => (t: tf.Tensor) =>
                t
            )(),
          ],
        }),
      message: "a metric must have a name to be saved by; give it one: asMetric('name', metric)",
    },
    {
      what: 'a state that is not JSON',
      compile: compiled,
      message: 'saveModel: state.at must be a plain value',
      options: { state: { at: new Date(0) } },
    },
    {
      what: 'a state that is no number',
      compile: compiled,
      message: 'saveModel: state[1] must be a plain value',
      options: { state: [1, NaN] },
    },
    {
      what: 'an unknown option',
      compile: compiled,
      message: "saveModel: unknown option 'epoch'; it takes state",
      options: { epoch: 3 },
    },
    {
      what: 'a URL without a handler',
      compile: compiled,
      message: 'saveModel: no handler of tfjs saves to "ftp://x"',
      to: 'ftp://x',
    },
    { what: 'what is no handler', compile: compiled, message: 'saveModel: to must be a URL or an IOHandler', to: {} },
  ])('$what', async ({ compile, message, options, to }) => rejects(compile, message, options, to));

  test('something other than a model', async () => {
    await expect(saveModel({} as tf.LayersModel, memory())).rejects.toThrow('saveModel: model must be a model');
  });

  /** Two models in a model, each with a layer of the given name. */
  function siblings(first: string, second: string, shared = false): tf.LayersModel {
    const part = (model: string, layers: tf.layers.Layer[]) => tf.sequential({ name: model, layers });
    const dense = (name: string) => tf.layers.dense({ units: CLASSES, inputShape: [...SPATIAL, FEATURES], name });
    const a = dense(first);
    const inputs = tf.input({ shape: [...SPATIAL, FEATURES] });
    const parts = [part('one', [a]), shared ? a : part('two', [dense(second)])];
    const outputs = parts.map((each) => each.apply(inputs) as tf.SymbolicTensor);
    const model = tf.model({ inputs, outputs: tf.layers.add().apply(outputs) as tf.SymbolicTensor });
    model.compile({ optimizer: 'sgd', loss: softseg.diceLoss });
    return model;
  }

  test('two weights of the same name, before the existing file is lost', async () => {
    const good = siblings('a', 'b');
    const file = memory();
    await saveModel(good, file);
    const before = file.file();
    const [twice, shared] = [siblings('d', 'd'), siblings('d', 'd', true)];
    await expect(saveModel(twice, file)).rejects.toThrow(
      'saveModel: two layers have the weight "d/kernel"; give them different names',
    );
    await expect(saveModel(shared, file)).rejects.toThrow('saveModel: the weight "d/kernel" is in the model twice');
    expect(file.file()).toBe(before);
    const loaded = await loadSilently(file);
    compileSaved(loaded);
    discard(good, twice, loaded);
    for (const weight of shared.getLayer('d').weights) weight.dispose(); // tfjs does not count all uses of the layer
    shared.optimizer.dispose();
  });

  test('an optimizer that cannot be loaded', async () => {
    class Mine extends tf.SGDOptimizer {
      static override get className() {
        return 'MineUnregistered';
      }
    }
    await rejects((model) => model.compile({ optimizer: new Mine(0.1), loss: softseg.diceLoss }), 'registerClass');
  });

  test('an optimizer that fails to give its state', async () => {
    class Mute extends tf.SGDOptimizer {
      static override get className() {
        return 'MuteOptimizer';
      }
      override async getWeights(): Promise<never> {
        throw new Error('not today');
      }
    }
    tf.serialization.registerClass(Mute as never);
    const message = 'saveModel: the optimizer MuteOptimizer does not return its state: not today';
    await rejects((model) => model.compile({ optimizer: new Mute(0.1), loss: softseg.diceLoss }), message);
  });

  test.each(['toString', 'constructor'])('a layer named %s', async (name) => {
    const inner = tf.sequential();
    inner.add(tf.layers.dense({ inputShape: [...SPATIAL, FEATURES], units: CLASSES, name }));
    const model = tf.sequential({ layers: [inner] });
    model.compile({ optimizer: 'sgd', loss: softseg.diceLoss });
    const file = memory();
    const message =
      `saveModel: no layer may be named "${name}", which every object has as a property; ` + 'give it another name';
    await expect(saveModel(model, file)).rejects.toThrow(message);
    expect(file.file()).toBeUndefined();
    discard(model);
  });

  test('with the URL if a handler of tfjs throws', async () => {
    const cause = new TypeError('fetch failed');
    const router = (url: string | string[]) =>
      url === 'broken://x' ? { save: () => Promise.reject(cause) } : (null as never);
    tf.io.registerSaveRouter(router);
    const model = one();
    model.compile({ optimizer: 'sgd', loss: softseg.diceLoss });
    const error = await saveModel(model, 'broken://x').then(() => null, (thrown: Error) => thrown); // prettier-ignore
    expect(error!.message).toBe('saveModel: cannot save to "broken://x": fetch failed');
    expect(error!.cause).toBe(cause);
    discard(model);
  });

  test("with the error of the user's handler, unchanged", async () => {
    const full = { save: async () => Promise.reject(new Error('disk full')) };
    await rejects(compiled, 'disk full', {}, full);
  });
});

test("a user's optimizer is saved by its own getWeights and getConfig", async () => {
  class Halved extends tf.MomentumOptimizer {
    static override get className() {
      return 'HalvedOptimizer';
    }
    static override fromConfig<T extends tf.serialization.Serializable>(
      cls: tf.serialization.SerializableConstructor<T>,
      config: tf.serialization.ConfigDict,
    ): T {
      return new cls(config['learningRate'], config['momentum']);
    }
  }
  tf.serialization.registerClass(Halved as never);
  const model = one();
  model.compile({ optimizer: new Halved(0.1, 0.5), loss: softseg.diceLoss });
  await train(model, 0, 2);
  const before = tf.memory().numTensors;
  const loaded = await resume(model);
  await train(loaded, 2, 3);
  discard(loaded);
  expect(loaded.optimizer).toBeInstanceOf(Halved);
  // tfjs's getWeights makes a tensor for the number of iterations that nothing disposes.
  expect(tf.memory().numTensors - before).toBeLessThanOrEqual(2);
  discard(model);
});

describe('compileSaved refuses', () => {
  /** Checks that a model with a changed file is refused and does not change. */
  const refuses = async (
    change: (saved: Record<string, unknown>) => void,
    message: string,
    options: softseg.CompileSavedOptions = {},
  ) => {
    const model = one();
    model.compile({ optimizer: tf.train.adam(0.1), loss: namedLoss('diceLoss', { smooth: 1 }), metrics: ['mse'] });
    const file = memory();
    await saveModel(model, file);
    change(file.file().userDefinedMetadata as Record<string, unknown>);
    const loaded = await loadSilently(file);
    const { loss, optimizer, metricsNames } = loaded;
    const before = tf.memory().numTensors;
    expect(() => compileSaved(loaded, options)).toThrow(message);
    expect(loaded).toMatchObject({ loss, metricsNames });
    expect(loaded.optimizer).toBe(optimizer);
    expect(tf.memory().numTensors).toBe(before);
    discard(model, loaded);
  };
  type Part = { version: unknown; functions: object[]; loss: unknown; metrics: unknown };
  const part = (metadata: Record<string, unknown>) => metadata['softseg'] as Part;

  test.each<[string, (saved: Record<string, unknown>) => void, string]>([
    [
      'a file without softseg’s part',
      (saved) => delete saved['softseg'],
      'has no softseg part; save it with saveModel',
    ],
    ['a newer file', (saved) => (part(saved).version = 3), 'version 3 of softseg’s part'.replace('’', "'")],
    [
      'a file without a version',
      (saved) => (part(saved).version = 'x'),
      'softseg.version must be an integer from 1 to 2, got "x"',
    ],
    [
      'a loss it does not have',
      (saved) => (part(saved).functions[0] = { from: 'softseg', name: 'betterLoss', options: {} }),
      "compileSaved: the file has the loss 'betterLoss', which this version of softseg does not have",
    ],
    [
      'a score it does not have',
      (saved) => (part(saved).functions[0] = { from: 'softseg', name: 'betterScore' }),
      "compileSaved: the file has the function 'betterScore', which this version",
    ],
    [
      'an option it does not have',
      (saved) => (part(saved).functions[0] = { from: 'softseg', name: 'diceLoss', options: { better: 1 } }),
      "compileSaved: the file's diceLoss has the option 'better', which this version",
    ],
    [
      'a loss that is not handed in',
      (saved) => (part(saved).functions[0] = { from: 'own', name: 'withMask(mine)', options: {} }),
      "compileSaved: the file's loss 'mine' is not softseg's; pass it: compileSaved(model, { losses: { mine: ... } })",
    ],
    [
      'a metric that is not handed in',
      (saved) => (part(saved).functions[0] = { from: 'own', name: 'hardIou' }),
      "compileSaved: the file's metric 'hardIou' is not softseg's; pass it: compileSaved(model, { metrics: { hardIou",
    ],
    ['a metric that tfjs does not have', (saved) => (part(saved).metrics = ['bestScore']), 'Unknown metric bestScore'],
  ])('%s', async (_, change, message) => refuses(change, message));

  test('an unknown option', async () => {
    await refuses(() => {}, "unknown option 'loss'; it takes losses, metrics", { loss: {} } as object);
  });

  test('a model that has got another optimizer in the meantime', async () => {
    const model = one();
    model.compile({ optimizer: tf.train.adam(0.1), loss: softseg.diceLoss });
    const loaded = await reload(model);
    const { optimizer } = loaded;
    loaded.compile({ optimizer: 'sgd', loss: 'meanSquaredError' });
    optimizer.dispose();
    expect(() => compileSaved(loaded)).toThrow(
      'right after tf.loadLayersModel: the file has the optimizer Adam, the model has SGD',
    );
    discard(model, loaded);
  });

  test('something other than a model', () => {
    expect(() => compileSaved({} as tf.LayersModel)).toThrow(
      'compileSaved: model must be a model of tfjs-layers, got {}',
    );
  });

  test('a model whose file softseg did not write', () => {
    const model = one();
    expect(() => compileSaved(model)).toThrow("compileSaved: the model's file has no softseg part");
    discard(model);
  });
});

test("the model's file is the one that tfjs-layers writes", async () => {
  const model = one();
  model.compile({ optimizer: tf.train.momentum(0.1, 0.9), loss: 'meanSquaredError' });
  await train(model, 0, 1);
  const [ours, theirs] = [memory(), memory()];
  await saveModel(model, ours);
  await model.save(theirs, { includeOptimizer: true });
  const { userDefinedMetadata, trainingConfig, weightSpecs, weightData, ...rest } = ours.file();
  expect(rest).toEqual({ ...theirs.file(), weightSpecs: undefined, weightData: undefined, trainingConfig: undefined });
  expect(trainingConfig!.optimizer_config).toEqual(theirs.file().trainingConfig!.optimizer_config);
  expect(weightSpecs).toEqual(theirs.file().weightSpecs);
  expect([...new Uint8Array(weightData as ArrayBuffer)]).toEqual([
    ...new Uint8Array(theirs.file().weightData as ArrayBuffer),
  ]);
  expect(userDefinedMetadata).toEqual({
    softseg: {
      version: 2,
      functions: [],
      loss: 'meanSquaredError',
      optimizer: {
        className: 'Momentum',
        config: { learningRate: 0.1, momentum: 0.9, useNesterov: false },
        scalars: { c: Math.fround(-0.1), m: Math.fround(0.9) },
      },
      trained: {
        weights: model.weights.map(({ originalName }) => originalName),
        frozenWeights: [],
        frozenModels: [],
      },
    },
  });
  discard(model);
  tf.engine().endScope(); // disposes a tensor for the number of iterations from tfjs's own save
  tf.engine().startScope();
});

test('nothing is written to the console', async () => {
  const spies = (['warn', 'log', 'error'] as const).map((name) =>
    jest.spyOn(console, name).mockImplementation(() => {}),
  );
  const model = two();
  model.compile({ optimizer: 'adamax', loss: [named, 'meanSquaredError'] as never, metrics: [hardIou] });
  await train(model, 0, 1);
  const loaded = await resume(model, { metrics: { hardIou } });
  discard(model, loaded);
  for (const spy of spies) {
    expect(spy.mock.calls).toEqual([]);
    spy.mockRestore();
  }
});

/**
 * The training part of a file can come from any handler of tfjs (indexeddb://, https://), damaged or edited by hand.
 * The test replaces each of its values in turn by values that do not belong there: compileSaved must refuse them with
 * an error that names the fault, unless saveModel could have written them.
 */
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import { diceLoss } from '../../src/index.js';
import { asMetric, iouScore } from '../../src/metrics/index.js';
import { acceptAnyTargets, compileSaved, namedLoss, saveModel } from '../../src/training/index.js';
import { CLASSES, discard, loadSilently, memory, SPATIAL, train } from './savedModels.js';
import { oneOutput, twoOutputs } from './tinyModels.js';

type Json = { [key: string]: Json } | Json[] | string | number | boolean | null;

const deep = (depth: number): Json => JSON.parse('['.repeat(depth) + ']'.repeat(depth)) as Json;

/** Replacement values; `undefined` removes the value. */
const WRONG: [string, Json | undefined][] = [
  ['nothing', undefined],
  ['null', null],
  ['true', true],
  ['0', 0],
  ['-1', -1],
  ['0.5', 0.5],
  ['1e9', 1e9],
  ['an empty string', ''],
  ['a name', 'other'],
  ['constructor', 'constructor'],
  ['__proto__', '__proto__'],
  ['toString', 'toString'],
  ['a wrapped constructor', 'withMask(constructor)'],
  ['a long name', 'withMask('.repeat(20_000)],
  ['[]', []],
  ['[0]', [0]],
  ['[[[[[0]]]]]', [[[[[0]]]]]],
  ['a deep list', deep(100_000)],
  ['{}', {}],
  ['{ other: 0 }', { other: 0 }],
  ['an object with __proto__', JSON.parse('{"__proto__":{"polluted":1}}') as Json],
  ['an object with constructor', { constructor: 'x' }],
];

/** The paths of all values inside, including the whole. */
function places(value: Json, at: (string | number)[] = []): (string | number)[][] {
  if (typeof value !== 'object' || value === null) return [at];
  const inside = Array.isArray(value) ? value.map((each, i) => [i, each] as const) : Object.entries(value);
  return [at, ...inside.flatMap(([key, each]) => places(each, [...at, key]))];
}

function replaced(file: Json, at: readonly (string | number)[], by: Json | undefined): Json | undefined {
  const [key, ...rest] = at;
  if (key === undefined) return by;
  const copy = (Array.isArray(file) ? [...file] : { ...(file as object) }) as Record<string | number, Json | undefined>;
  const inside = replaced(copy[key]!, rest, by);
  if (inside === undefined && !Array.isArray(copy)) delete copy[key];
  else copy[key] = inside;
  return copy as Json;
}

const own = (t: tf.Tensor, z: tf.Tensor) => diceLoss(t, z);
const hard = asMetric('hard', (t, z) => iouScore(t, z, { hard: true }));
const anything = { losses: { mine: own, other: own }, metrics: { hard, other: hard } };

const MODELS: [string, () => tf.LayersModel][] = [
  [
    'one output, Adam',
    () => {
      const model = oneOutput(SPATIAL, CLASSES);
      const loss = namedLoss('tverskyLoss', { alpha: 0.3, beta: 0.7, classWeights: [1, 2] });
      model.compile({ optimizer: tf.train.adam(0.1), loss, metrics: [iouScore, 'mse', hard] });
      acceptAnyTargets(model);
      return model;
    },
  ],
  [
    'two outputs, Adamax',
    () => {
      const model = twoOutputs(SPATIAL, [CLASSES, CLASSES]);
      model.compile({
        optimizer: tf.train.adamax(0.1),
        loss: { first: namedLoss('mine', {}, own), second: 'meanSquaredError' } as never,
        metrics: { second: [iouScore] } as never,
      });
      return model;
    },
  ],
  [
    'momentum',
    () => {
      const model = oneOutput(SPATIAL, CLASSES);
      model.compile({ optimizer: tf.train.momentum(0.1, 0.9), loss: diceLoss });
      return model;
    },
  ],
];

/**
 * True if saveModel could have written this value, so that the file is not damaged but different. (The settings of
 * optimizers are in the file twice, except for Adamax.)
 */
function mayBe(at: readonly (string | number)[], by: Json | undefined, isAdamax: boolean): boolean {
  const [first, second, third] = at;
  if (first === 'optimizer') return typeof by === 'number' && (second === 'scalars' || isAdamax);
  if (first === 'functions') return third === 'options' || (third === 'name' && by === 'other');
  // An empty list means that nothing is trained, as if the whole model were frozen.
  if (first === 'trained') return second !== 'frozenModels' ? by instanceof Array : isPlaces(by);
  return ['loss', 'metrics', 'anyTargets', 'state'].includes(first as string);
}

/** The path of the model itself, which may be frozen as a whole. */
const isPlaces = (by: Json | undefined) => JSON.stringify(by) === '[0]';

describe.each(MODELS)('%s', (name, build) => {
  let file: ReturnType<typeof memory>;
  let part: Json;
  let numTensors: number;
  beforeAll(async () => {
    numTensors = tf.memory().numTensors;
    tf.engine().startScope(); // for the first weights of tiny models
    const model = build();
    await train(model, 0, 1);
    file = memory();
    await saveModel(model, file, { state: { best: [0.5, null] } });
    part = (file.file().userDefinedMetadata as Record<string, Json>)['softseg']!;
    discard(model);
    tf.engine().endScope();
  });
  afterAll(() => expect(tf.memory().numTensors).toBe(numTensors));

  test('with any value replaced is refused with a message that names it, and does not change', async () => {
    const warn = jest.spyOn(console, 'warn').mockImplementation(() => {}); // tfjs warns about outputs without a loss
    let [model, refused] = [await loadSilently(file), 0];
    for (const at of places(part)) {
      for (const [what, by] of WRONG) {
        const changed = replaced(part, at, by);
        const given = isDeep(what) ? '' : JSON.stringify(changed);
        if (given === JSON.stringify(part)) continue;
        Object.assign(model, { userDefinedMetadata: { softseg: changed } }); // the form in which a handler gives it
        const { loss, optimizer, metrics } = model as unknown as Record<string, unknown>;
        const before = tf.memory().numTensors;
        const place = `${at.join('.')} = ${what}`;
        try {
          compileSaved(model, anything);
        } catch (error) {
          refused++;
          const { message } = error as Error;
          // tfjs itself refuses unknown losses, metrics and outputs.
          if (!/^(Unknown|When passing an Array as loss)/.test(message)) {
            expect([place, message]).toEqual([
              place,
              expect.stringMatching(/^(compileSaved|acceptAnyTargets|namedLoss of \w+): /),
            ]);
          }
          expect(message.length).toBeLessThan(600);
          expect(model).toMatchObject({ loss, metrics });
          expect(model.optimizer).toBe(optimizer);
          expect(tf.memory().numTensors).toBe(before);
          continue;
        }
        expect([place, mayBe(at, by, name.includes('Adamax'))]).toEqual([place, true]);
        discard(model);
        model = await loadSilently(file);
      }
    }
    expect(refused).toBeGreaterThan(300);
    expect(({} as { polluted?: number }).polluted).toBe(undefined);
    discard(model);
    warn.mockRestore();
  });

  test('has its state checked before it is copied', async () => {
    const model = await loadSilently(file);
    Object.assign(model, { userDefinedMetadata: { softseg: { ...(part as object), state: deep(100_000) } } });
    expect(() => compileSaved(model)).toThrow(/^compileSaved: .*softseg.state.* is nested too deep/);
    discard(model);
  });
});

const isDeep = (what: string) => what === 'a deep list';

test('tfjs accepts names that every object has as losses and metrics', () => {
  const model = oneOutput(SPATIAL, CLASSES);
  model.compile({ optimizer: 'sgd', loss: 'constructor', metrics: ['toString'] });
  const { lossFunctions } = (model as unknown as { model: { lossFunctions: { name: string }[] } }).model;
  expect(lossFunctions.map(({ name }) => name)).toEqual(['Object']);
  discard(model);
});

test('an optimizer with an invalid state is refused', async () => {
  const model = oneOutput(SPATIAL, CLASSES);
  model.compile({ optimizer: tf.train.adam(0.1), loss: diceLoss });
  await train(model, 0, 1);
  const file = memory();
  await saveModel(model, file);
  const loaded = await loadSilently(file);
  const fields = loaded.optimizer as unknown as Record<string, unknown[]>;
  const { accumulatedSecondMoment: second, accBeta1 } = fields;
  const before = tf.memory().numTensors;
  const refuses = (message: string) => {
    expect(() => compileSaved(loaded)).toThrow(`compileSaved: the file's Adam is damaged: ${message}`);
    expect(tf.memory().numTensors).toBe(before);
  };
  fields['accumulatedSecondMoment'] = second!.slice(1);
  refuses('accumulatedFirstMoment and accumulatedSecondMoment must have the same shapes, got [');
  fields['accumulatedSecondMoment'] = second!;
  delete fields['accBeta1'];
  refuses('this version of tfjs has no accBeta1 in it');
  fields['accBeta1'] = accBeta1!;
  Object.assign(loaded.optimizer, { learningRate: 0.2 });
  refuses("learningRate is 0.1 in softseg's part and 0.2 in that of tfjs");
  Object.assign(loaded.optimizer, { learningRate: 0.1, iterations_: -1 });
  refuses('its number of steps must not be negative, got -1');
  Object.assign(loaded.optimizer, { iterations_: 1 });
  compileSaved(loaded);
  discard(model, loaded);
});

test('saveModel writes nothing that compileSaved would refuse', async () => {
  const model = oneOutput(SPATIAL, CLASSES);
  const metric = Object.defineProperty((t: tf.Tensor, z: tf.Tensor) => iouScore(t, z), 'name', { value: 'toString' });
  model.compile({ optimizer: tf.train.adam(0.1), loss: diceLoss, metrics: [metric] });
  await expect(saveModel(model, memory())).rejects.toThrow(
    'saveModel: softseg.functions[1].name must not be a name that every object has, got "toString"',
  );
  const state = JSON.parse('{"__proto__":1}') as object;
  await expect(saveModel(model, memory(), { state } as object)).rejects.toThrow(
    'saveModel: state must not have the key',
  );
  discard(model);
});

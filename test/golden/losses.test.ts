// Values and gradients of other libraries, recorded by losses.py.
import { describe, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs-core';
import * as softseg from '../../src/index.js';
import * as reference from '../reference/index.js';
import type { NdArray } from '../reference/index.js';
import golden from './losses.json' with { type: 'json' };

type LossName = 'iouLoss' | 'diceLoss' | 'tverskyLoss' | 'crossEntropyLoss' | 'binaryCrossEntropyLoss' | 'comboLoss';

/** A softseg loss, or its version in the oracle. */
type Loss<T> = (labels: T, predictions: T, options: object) => T;

interface Input {
  shape: number[];
  dtype: 'int32' | 'float32';
  data: number[];
}

interface Case {
  library: string;
  /** The call of the library. */
  call: string;
  ours: LossName;
  options: object;
  /** The overlap forms that must give the value; null where the loss has no such option. */
  forms: ('metric' | 'product')[] | null;
  /** The value must be this multiple of ours. */
  times: number;
  /** The names of inputs, each of which must give the value. */
  labels: string[];
  predictions: string;
  mask: string | null;
  value: number[];
  /** The gradient of the sum of the value with respect to the predictions. */
  gradient: number[];
}

const inputs: Record<string, Input> = golden.inputs as Record<string, Input>;
const versions: Record<string, string> = golden.versions;

for (const library of new Set(golden.cases.map((each) => each.library))) {
  const cases = (golden.cases as Case[]).filter((each) => each.library === library);

  describe(`the losses equal those of ${library} ${versions[library]}`, () => {
    test.each(cases.map((each) => [sentence(each), each] as const))('%s', (_, each) => {
      const predictions = toTensor(each.predictions);
      const mask = each.mask === null ? undefined : toTensor(each.mask);
      for (const [labels, options] of variants(each)) {
        tf.tidy(() => {
          const loss = softseg[each.ours] as Loss<tf.Tensor>;
          const timesOurs = (z: tf.Tensor) => tf.mul(loss(toTensor(labels), z, { ...options, mask }), each.times);
          expectClose(timesOurs(predictions).dataSync(), each.value, 1e-5);
          expectClose(
            tf
              .grad((z) => tf.sum(timesOurs(z)))(predictions)
              .dataSync(),
            each.gradient,
            1e-5,
          );
        });
      }
      tf.dispose([predictions, mask ?? []]);
    });
  });

  describe(`the float64 reference equals ${library} ${versions[library]}`, () => {
    test.each(cases.map((each) => [sentence(each), each] as const))('%s', (_, each) => {
      const mask = each.mask === null ? undefined : toArray(each.mask);
      for (const [labels, options] of variants(each)) {
        const loss = reference[each.ours] as Loss<NdArray>;
        const timesOurs = (z: NdArray) => {
          return reference.map(loss(toArray(labels), z, { ...options, mask }), (value) => value * each.times);
        };
        const total = (z: NdArray) => reference.sum(timesOurs(z).data);
        const predictions = toArray(each.predictions);
        expectClose(timesOurs(predictions).data, each.value, 1e-6);
        expectClose(reference.centralDifference(total, predictions).data, each.gradient, 1e-5);
      }
    });
  });
}

function sentence({ ours, call, labels, predictions, forms }: Case): string {
  const form = forms === null ? '' : ` with ${forms.join(' or ')} overlap`;
  return `${ours}${form} is ${call} for ${predictions} and ${labels.join(' or ')}`;
}

/** Every pair of labels and options that must give the value of the case. */
function variants({ labels, forms, options }: Case): (readonly [string, object])[] {
  const all = forms === null ? [options] : forms.map((overlap) => ({ ...options, overlap }));
  return labels.flatMap((name) => all.map((one) => [name, one] as const));
}

function expectClose(actual: ArrayLike<number>, expected: readonly number[], tolerance: number) {
  expect(actual.length).toBe(expected.length);
  const largest = Math.max(...expected.map(Math.abs));
  const differences = expected.map((value, i) => Math.abs(reference.at(actual, i) - value));
  // If a value is NaN, this comparison fails.
  expect(Math.max(...differences)).toBeLessThanOrEqual(tolerance * largest);
}

function inputNamed(name: string): Input {
  const input = inputs[name];
  if (!input) throw new Error(`losses.json has no input '${name}'`);
  return input;
}

function toTensor(name: string): tf.Tensor {
  const { data, shape, dtype } = inputNamed(name);
  return tf.tensor(data, shape, dtype);
}

function toArray(name: string): NdArray {
  const { data, shape, dtype } = inputNamed(name);
  return { shape, data: Float64Array.from(data), ...(dtype === 'int32' ? { dtype } : {}) };
}

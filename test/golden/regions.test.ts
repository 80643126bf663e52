// Values and gradients of other libraries for the losses that regions.py records.
import { describe, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs-core';
import * as softseg from '../../src/index.js';
import * as reference from '../reference/index.js';
import type { NdArray } from '../reference/index.js';
import { toTensor } from '../support/compare.js';
import golden from './regions.json' with { type: 'json' };

interface Case {
  library: string;
  /** The call of the library. */
  call: string;
  ours: keyof typeof softseg;
  options: Record<string, unknown>;
  /** The overlap forms that must give the value; null where the loss has no such option. */
  forms: ('metric' | 'product')[] | null;
  /** The value must be this multiple of ours. */
  times: number;
  /** The names of inputs, each of which must give the value. */
  labels: string[];
  /** A name, or the names of several scales. */
  predictions: string | string[];
  mask: string | null;
  value: number[];
  /** The gradients of the sum of the value with respect to the predictions, joined. */
  gradient: number[];
}

type Loss<T> = (labels: T, predictions: T, options: object) => T;

const cases = golden.cases as Case[];
const versions: Record<string, string> = golden.versions;
const single = cases.filter(({ predictions }) => typeof predictions === 'string');
const several = cases.filter(({ predictions }) => typeof predictions !== 'string');

describe('the losses equal', () => {
  test.each(single.map((each) => [sentence(each), each] as const))('%s', (_, each) => {
    const mask = each.mask === null ? undefined : toTensor(input(each.mask));
    const z = toTensor(input(each.predictions as string));
    for (const [labels, options] of variants(each)) {
      const loss = softseg[each.ours] as unknown as Loss<tf.Tensor>;
      const ours = (x: tf.Tensor) => tf.mul(loss(toTensor(input(labels)), x, { ...options, mask }), each.times);
      expectClose(ours(z).dataSync(), each.value);
      expectClose(
        tf
          .grad((x) => tf.sum(ours(x)))(z)
          .dataSync(),
        each.gradient,
      );
    }
  });

  test.each(several.map((each) => [sentence(each), each] as const))('%s', (_, each) => {
    const { loss: name, with: given, ...rest } = each.options;
    const scales = (each.predictions as string[]).map((scale) => toTensor(input(scale)));
    for (const [labels, form] of variants({ ...each, options: {} })) {
      const loss = softseg[name as 'diceLoss'] as Loss<tf.Tensor>;
      const own = { ...(given as object), ...form };
      const ours = (...z: tf.Tensor[]) => {
        const scaled: softseg.ScaleLoss = (t, x, options) => loss(t, x, { ...own, ...options });
        return tf.mul(softseg.deepSupervisionLoss(scaled, toTensor(input(labels)), z, rest), each.times);
      };
      expectClose(ours(...scales).dataSync(), each.value);
      const gradients = tf.grads((...z: tf.Tensor[]) => tf.sum(ours(...z)))(scales);
      expectClose(tf.concat(gradients.map((gradient) => gradient.flatten())).dataSync(), each.gradient);
    }
  });
});

describe('the float64 reference equals', () => {
  test.each(single.map((each) => [sentence(each), each] as const))('%s', (_, each) => {
    const mask = each.mask === null ? undefined : input(each.mask);
    const z = input(each.predictions as string);
    for (const [labels, options] of variants(each)) {
      const loss = reference[each.ours as keyof typeof reference] as unknown as Loss<NdArray>;
      const ours = (x: NdArray) => reference.map(loss(input(labels), x, { ...options, mask }), (v) => v * each.times);
      expectClose(ours(z).data, each.value, 1e-6);
      expectClose(reference.centralDifference((x) => reference.sum(ours(x).data), z).data, each.gradient);
    }
  });
});

function sentence({ library, ours, call, labels, predictions, forms }: Case): string {
  const form = forms === null ? '' : ` with ${forms.join(' or ')} overlap`;
  return (
    `${library} ${versions[library]}: ${ours}${form} is ${call} ` +
    `for ${[predictions].flat().join(', ')} and ${labels.join(' or ')}`
  );
}

/** Every pair of labels and options that must give the value of the case. */
function variants({ labels, forms, options }: Case): (readonly [string, object])[] {
  const all = forms === null ? [options] : forms.map((overlap) => ({ ...options, overlap }));
  return labels.flatMap((name) => all.map((one) => [name, one] as const));
}

function expectClose(actual: ArrayLike<number>, expected: readonly number[], tolerance = 1e-5) {
  expect(actual.length).toBe(expected.length);
  const largest = Math.max(...expected.map(Math.abs));
  // If a value is NaN, this comparison fails.
  const worst = Math.max(...expected.map((value, i) => Math.abs(reference.at(actual, i) - value)));
  expect(worst).toBeLessThanOrEqual(tolerance * largest);
}

function input(name: string): NdArray {
  const found = (golden.inputs as Record<string, { shape: number[]; dtype: string; data: number[] }>)[name];
  if (!found) throw new Error(`regions.json has no input '${name}'`);
  const { shape, dtype, data } = found;
  return { shape, data: Float64Array.from(data), ...(dtype === 'int32' ? { dtype } : {}) };
}

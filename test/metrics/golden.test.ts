// Scores of other libraries, recorded by test/golden/metrics.py.
import { describe, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs-core';
import * as metrics from '../../src/metrics/index.js';
import golden from '../golden/metrics.json' with { type: 'json' };

interface Case {
  library: string;
  /** The expression in the library. */
  call: string;
  /** A function, or an accumulator that gets the first image and then the others. */
  ours: string;
  options: object;
  /** For an accumulator: 'result', or a method or a part of the result. */
  read: string;
  labels: string;
  predictions: string;
  value: number[];
}

const versions: Record<string, string> = golden.versions;
const inputs = golden.inputs as unknown as Record<
  string,
  { data: number[]; shape: number[]; dtype: 'float32' | 'int32' }
>;
const tensor = (name: string): tf.Tensor => tf.tensor(inputs[name]!.data, inputs[name]!.shape, inputs[name]!.dtype);

interface Any {
  update(labels: tf.Tensor, predictions: tf.Tensor): void;
  [member: string]: unknown;
}

function ours({ ours: name, options, read, labels, predictions }: Case): number[] {
  const [t, z] = [tensor(labels), tensor(predictions)];
  const member = (metrics as unknown as Record<string, unknown>)[name];
  if (/^[a-z]/.test(name)) {
    const score = member as (t: tf.Tensor, z: tf.Tensor, options: object) => tf.Tensor;
    return [...score(t, z, options).dataSync()];
  }
  const accumulator = new (member as new (options: object) => Any)(options);
  for (const part of [(x: tf.Tensor) => tf.slice(x, 0, 1), (x: tf.Tensor) => tf.slice(x, 1)]) {
    accumulator.update(part(t), part(z));
  }
  const result = (accumulator['result'] as () => number | Record<string, number>).call(accumulator);
  if (typeof result === 'object' && read in result) return [result[read]!];
  if (read === 'result') return [result as number];
  const values = (accumulator[read] as () => number[] | number[][]).call(accumulator).flat();
  return values.filter((value) => !Number.isNaN(value));
}

for (const library of new Set(golden.cases.map((each) => each.library))) {
  const cases = (golden.cases as Case[]).filter((each) => each.library === library);
  const sentence = ({ ours, read, call, options, labels, predictions }: Case) =>
    `${ours}${read === 'result' ? '' : `.${read}`} ${JSON.stringify(options)} is ${call} for ${predictions}, ${labels}`;

  describe(`the scores equal those of ${library} ${versions[library]}`, () => {
    test.each(cases.map((each) => [sentence(each), each] as const))('%s', (_, each) => {
      const values = ours(each);
      expect(values.length).toBe(each.value.length);
      each.value.forEach((value, i) => expect(Math.abs(values[i]! - value)).toBeLessThanOrEqual(2e-6));
    });
  });
}

/** The fused passes on tfjs's plain JavaScript backend, which every test process has. */
import { expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs-core';
import { sumSet } from '../../src/kernels/contract.js';
import { cpuPasses } from '../../src/kernels/cpu/passes.js';
import { computeAll, expectAll, passCases, problemOf, titleOf, type Bench, type PassCase } from './passCases.js';

interface CpuBackend extends tf.KernelBackend {
  makeTensorInfo(shape: number[], dtype: tf.DataType, values: unknown): tf.TensorInfo;
}
const backend = tf.findBackend('cpu') as CpuBackend;
const passes = cpuPasses(backend)!;

const bench: Bench = {
  put: (values, shape, dtype) => backend.makeTensorInfo(shape, dtype, values),
  take(result) {
    const values = backend.readSync(result.dataId) as Float32Array;
    backend.disposeData(result.dataId);
    return values;
  },
};

test.each(passCases.map((of): [string, PassCase] => [titleOf(of), of]))('%s', (_, of) => {
  expectAll(passes, of, bench);
});

test('the passes name their kernel', () => {
  expect(passes.name).toBe('fused wasm');
});

test("tensors may hold plain arrays, as some of tfjs's kernels leave them", () => {
  const of: PassCase = { samples: 2, pixels: 70, classes: 3, labelKind: 'int32', classesFirst: false, weighted: true };
  const plain: Bench = { ...bench, put: (values, ...rest) => bench.put([...values] as never, ...rest) };
  expect(computeAll(passes, of, plain)).toEqual(computeAll(passes, of, bench));
});

test('without pixels all sums are 0, and without samples there are none', () => {
  for (const [samples, pixels] of [
    [2, 0],
    [0, 4],
  ] as const) {
    const of: PassCase = { samples, pixels, classes: 3, labelKind: 'float32', classesFirst: false, weighted: true };
    const { pass, inputs } = problemOf(of, bench);
    expect([...bench.take(passes.sums(inputs, pass, sumSet(['predicted'])))]).toEqual(Array(samples * 3).fill(0));
  }
});

test('an error in the middle of a pass does not disturb the next one', () => {
  const of: PassCase = {
    samples: 4,
    pixels: 9000,
    classes: 3,
    labelKind: 'float32',
    classesFirst: false,
    weighted: false,
  };
  const { pass, inputs } = problemOf(of, bench);
  const before = bench.take(passes.sums(inputs, pass, sumSet(['labelled', 'valid'])));
  let left = 5;
  const subarray = () => {
    if (left-- === 0) throw new Error('no more');
    return [];
  };
  const labels = bench.put({ subarray } as never, inputs.labels.shape, 'float32');
  expect(() => passes.sums({ ...inputs, labels }, pass, sumSet(['labelled', 'valid']))).toThrow('no more');
  expect(bench.take(passes.sums(inputs, pass, sumSet(['labelled', 'valid'])))).toEqual(before);
});
